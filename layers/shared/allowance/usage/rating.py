"""Compute what each usage costs at the prices of its time. Pure."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from allowance.contract.fields import Row
from allowance.prices.cost import Tokens, Unpriced, cost_of, flat_prices, unpriced_in
from allowance.prices.names import is_platform_of
from allowance.prices.terms import RATES, PriceTerms, Rates, on_another_platform
from allowance.prices.units import NO_OTHERS, OtherUnits


class UsagePrice(Row):
    """The price of the name at `place`, as it was sent, from `starts` on. Null: it has no price,
    unless an alias declares it `free`.

    The first starts with the first usage of the batch.
    """

    place: int
    starts: datetime
    provider: str | None
    model: str | None
    version_id: int | None
    terms: PriceTerms | None
    free: bool


CostFrom = Literal["book", "record"]
"""Where the cost of a source's usage comes from: the price book, or the cost that a record states.
"""


class Rated(NamedTuple):
    """The cost of a usage, and the price, rates and tier that apply; all None without a price.

    `cost_from` is set if the cost is the stated one. `unpriced` are the classes and units that have
    no price, or the variant, where the model has one.
    """

    cost_picos: int | None
    price: UsagePrice | None = None
    rates: Rates | None = None
    tier: int | None = None
    cost_from: Literal["record"] | None = None
    unpriced: tuple[Unpriced, ...] = ()

    def stated_difference(self, stated_cost_picos: int | None) -> int | None:
        """Return the cost less the stated one. None: one is missing, or they are the same."""
        if self.cost_picos is None or stated_cost_picos is None or self.cost_from is not None:
            return None
        return self.cost_picos - stated_cost_picos


UNPRICED = Rated(None)
FREE_RATES = Rates(**dict.fromkeys(RATES, 0))
"""The rates of a name that an alias declares free."""


class UsagePrices:
    """The prices of the names in a batch, at any time within the batch."""

    def __init__(self, names: Sequence[tuple[str, str]], prices: Sequence[UsagePrice]) -> None:
        self._by_name: dict[tuple[str, str], tuple[list[datetime], list[UsagePrice]]] = {}
        for price in prices:
            name = names[price.place]
            starts, found = self._by_name.setdefault(name, ([], []))
            starts.append(price.starts)
            found.append(_as_sold(name, price))
        self._flat = {
            name: (flat, price, price.terms)
            for name, (_, (price, *later)) in self._by_name.items()
            if not (later or price.free or price.terms is None or price.version_id is None)
            and (flat := flat_prices(price.terms)) is not None
        }

    def rate(
        self,
        provider: str,
        model: str,
        variant: str | None,
        occurred_at: datetime,
        tokens: Tokens,
        others: OtherUnits = NO_OTHERS,
        requests: int = 1,
    ) -> Rated:
        """Return what the usage costs at the price of its time.

        Raise UsageOutOfRange above 1e13 micro-units of USD.
        """
        name = provider, model
        if variant is None and not others and (plain := self._flat.get(name)) is not None:
            flat, price, rates = plain
            picos = flat.picos(tokens)
            if picos is not None:
                return Rated(picos, price, rates)
        starts, prices = self._by_name[name]
        price = prices[bisect_right(starts, occurred_at) - 1]
        if price.free:
            return Rated(0, price, FREE_RATES, None)
        if price.terms is None or price.version_id is None:
            return UNPRICED
        cost = cost_of(tokens, price.terms, variant, others, requests)
        if cost is None:
            missing = unpriced_in(tokens, price.terms, variant, others, requests)
            return Rated(None, unpriced=missing)
        return Rated(cost.picos, price, cost.rates, cost.tier)

    def flat(
        self, names: Iterable[tuple[str, str]], tokens: Sequence[Tokens]
    ) -> tuple[list[int], list[UsagePrice]] | None:
        """Return the costs of usages without a variant, and their prices, in half the time of
        `rate`. None: only `rate` can tell what one of them costs.
        """
        found = [each for name in names if (each := self._flat.get(name)) is not None]
        if len(found) < len(tokens):
            return None
        costs = [
            cost
            for (flat, *_), each in zip(found, tokens, strict=True)
            if (cost := flat.picos(each)) is not None
        ]
        return None if len(costs) < len(found) else (costs, [price for _, price, _ in found])


def _as_sold(name: tuple[str, str], price: UsagePrice) -> UsagePrice:
    """Return the price as the platform in a name charges it."""
    if price.terms is None or price.provider is None or not is_platform_of(*name, price.provider):
        return price
    return price.model_copy(update={"terms": on_another_platform(price.terms)})


class Attribution(NamedTuple):
    """The UUIDs that a usage counts against: NIL_UUID for no group, or no organization."""

    user_id: str
    group_id: str
    organization_id: str
