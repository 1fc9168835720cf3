"""What vendors charge, as a part of what the ledger has. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from allowance.reconciliation.lines import Line

SAME = Decimal("0.01")
"""Ratios that differ by less are the same: cents of small costs make some difference."""

STEADY_DAYS = 3
"""On how many days a ratio must be the same to be a discount or a surcharge."""


def ratio_of(line: Line) -> Decimal | None:
    """Return the vendor's cost as a part of the ledger's, if both priced the same tokens."""
    counted, recorded = line.counted.cost, line.recorded.cost
    if not counted or not recorded or counted < 0 or recorded < 0 or line.unpriced_usage_count:
        return None
    is_other = line.usage_difference("tokens") or line.usage_difference("requests")
    return None if is_other else counted / recorded


def steady_ratios(lines: Iterable[Line]) -> dict[str, Decimal]:
    """Return what each vendor charges as the same part of the ledger's cost on all days, if it is
    another than all of it.
    """
    ratios: defaultdict[str, list[Decimal]] = defaultdict(list)
    days: defaultdict[str, set[date]] = defaultdict(set)
    for line in lines:
        if (ratio := ratio_of(line)) is not None:
            ratios[line.vendor].append(ratio)
            days[line.vendor].add(line.day)
    return {
        vendor: max(found)
        for vendor, found in ratios.items()
        if len(days[vendor]) >= STEADY_DAYS
        and is_same(min(found), max(found))
        and not is_same(max(found), Decimal(1))
    }


def is_same(one: Decimal, other: Decimal) -> bool:
    """Return whether two ratios are the same, but for SAME."""
    return abs(one - other) <= SAME * max(one, other)
