"""The prices that custom prices are laid over, and the names under which they are stored."""

from collections.abc import Sequence

from allowance.access.handle import Handle
from allowance.prices.custom_models import PriceBelow
from allowance.prices.named_terms import NamedPrices
from allowance.prices.names import candidates, makers_of
from allowance.prices.terms import on_another_platform


def prices_below(db: Handle, entries: Sequence[NamedPrices]) -> list[PriceBelow]:
    """Return the price below each entry, in their order, as its platform charges it."""
    possible = [
        (place, each)
        for place, entry in enumerate(entries)
        for each in candidates(entry.provider, entry.model)
    ]
    found = db.many(
        PriceBelow,
        "find_prices_below",
        stated_providers=[each.provider for each in entries],
        stated_models=[each.model for each in entries],
        effective_froms=[each.effective_from for each in entries],
        places=[place for place, _ in possible],
        providers=[each.provider for _, each in possible],
        models=[each.model for _, each in possible],
    )
    return [_as_sold(each, entries[each.place]) for each in found]


def _as_sold(below: PriceBelow, entry: NamedPrices) -> PriceBelow:
    if below.terms is None or below.provider not in makers_of(entry.provider, entry.model):
        return below
    return below.model_copy(update={"terms": on_another_platform(below.terms)})
