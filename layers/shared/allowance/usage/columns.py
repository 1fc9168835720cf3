"""Usages and entries by columns, in which a batch of a thousand takes less time than one by one.
Pure.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import repeat
from typing import NamedTuple

from allowance.prices.cost import Tokens
from allowance.prices.terms import Rates, Variant
from allowance.prices.units import NO_OTHERS, OtherUnits
from allowance.usage.entries import Entry
from allowance.usage.kept import Kept
from allowance.usage.rating import Attribution, UsagePrice
from allowance.usage.records import Usage


class UsageColumns(NamedTuple):
    """The fields of plain usages; what is not here, none of them has. Columns are equally long."""

    sources: Sequence[str]
    ids: Sequence[str]
    key_digests: Sequence[bytes]
    users: Sequence[str]
    providers: Sequence[str]
    models: Sequence[str]
    variants: Sequence[Variant | None]
    occurred_at: Sequence[datetime]
    tokens: Sequence[Tokens]
    contents: Sequence[bytes]
    labels: Sequence[str]
    groups: Sequence[str | None]
    provider_names: Sequence[str | None]

    @property
    def names(self) -> list[tuple[str, str]]:
        """The provider and model of each usage, as they were sent."""
        return list(zip(self.providers, self.models, strict=True))

    def usages(self) -> list[Usage]:
        """Return the usages one by one."""
        *fields, labels, groups, provider_names = self
        others = map(repeat, (None, NO_OTHERS, 0, None))
        return list(map(Usage, *fields, *others, labels, groups, provider_names))


class EntryColumns(NamedTuple):
    """The fields of entries: of their usages, of what these count against, and of what they cost.
    Columns are equally long.
    """

    sources: Sequence[str]
    ids: Sequence[str]
    key_digests: Sequence[bytes]
    providers: Sequence[str]
    models: Sequence[str]
    variants: Sequence[str | None]
    occurred_at: Sequence[datetime]
    tokens: Sequence[Tokens]
    contents: Sequence[bytes]
    kept: Sequence[Kept | None]
    others: Sequence[OtherUnits]
    extra_counts: Sequence[int]
    stated_costs: Sequence[int | None]
    labels: Sequence[str]
    provider_names: Sequence[str | None]
    attributions: Sequence[Attribution]
    costs: Sequence[int | None]
    prices: Sequence[UsagePrice | None]
    rates: Sequence[Rates | None]
    tiers: Sequence[int | None]
    costs_from: Sequence[str | None]
    corrects: Sequence[int | None]
    unpriced_counts: Sequence[int]
    stated_differences: Sequence[int | None]
    reasons: Sequence[str | None]


def columns_of(entries: Iterable[Entry]) -> EntryColumns:
    """Return the columns of entries; there must be one at least."""
    usages, attributions, rated, corrects, unpriced_counts, differences, reasons = zip(
        *entries, strict=True
    )
    (
        sources,
        ids,
        key_digests,
        _,
        providers,
        models,
        variants,
        occurred_at,
        tokens,
        contents,
        kept,
        others,
        extra_counts,
        stated_costs,
        labels,
        _,
        provider_names,
        *_,
    ) = zip(*usages, strict=True)
    costs, prices, rates, tiers, costs_from, _ = zip(*rated, strict=True)
    return EntryColumns(
        sources,
        ids,
        key_digests,
        providers,
        models,
        variants,
        occurred_at,
        tokens,
        contents,
        kept,
        others,
        extra_counts,
        stated_costs,
        labels,
        provider_names,
        attributions,
        costs,
        prices,
        rates,
        tiers,
        costs_from,
        corrects,
        unpriced_counts,
        differences,
        reasons,
    )


def entries_of(
    usages: UsageColumns,
    attributions: Sequence[Attribution],
    costs: Sequence[int],
    prices: Sequence[UsagePrice],
) -> EntryColumns:
    """Return the columns of the entries of new usages, each with a cost at the flat rates of its
    price.
    """
    nothing = [None] * len(costs)
    zeros = [0] * len(costs)
    return EntryColumns(
        usages.sources,
        usages.ids,
        usages.key_digests,
        usages.providers,
        usages.models,
        usages.variants,
        usages.occurred_at,
        usages.tokens,
        usages.contents,
        nothing,
        [NO_OTHERS] * len(costs),
        zeros,
        nothing,
        usages.labels,
        usages.provider_names,
        attributions,
        costs,
        prices,
        [each.terms for each in prices],
        nothing,
        nothing,
        nothing,
        zeros,
        nothing,
        nothing,
    )
