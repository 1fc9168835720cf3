"""From the sums that are not empty to the series of a response. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from functools import reduce
from typing import Any

from allowance.contract.money import EXACT
from allowance.spend.series_models import SeriesRow, SeriesTerms, SpendSeries
from allowance.spend.series_query import SeriesQuery

COUNTS = ("cost_micros", "tokens", "usage_count", "unpriced_usage_count")
NOTHING: dict[str, Any] = dict.fromkeys(COUNTS, 0)


def series_of[S: SpendSeries](
    shape: type[S], query: SeriesQuery, terms: SeriesTerms, rows: Sequence[SeriesRow]
) -> S:
    """Return the series in the shape of a response. Each amount is rounded once, there.

    Usage that was taken back leaves sums of nothing. A key or a rest of these alone is left out.
    """
    starts = terms.starts or []
    keys: defaultdict[int, list[SeriesRow]] = defaultdict(list)
    for each in rows:
        if each.place is not None:
            keys[each.place].append(each)
    keys = defaultdict(list, {place: of for place, of in keys.items() if _has_usage(of)})
    # Without a split there is one series, also if nothing was spent.
    if query.split is None and not keys:
        keys[1] = []
    rest, others = ([each for each in rows if each.kind == kind] for kind in ("rest", "other"))
    counted = [each for each in rows if each.kind != "other"]
    document = {
        "from_": starts[0],
        "to": terms.ends,
        "by": query.by,
        "time_zone": query.time_zone,
        "split": query.split,
        "series": [
            {
                "key": found[0].key if found else None,
                "name": found[0].name if found else None,
                **_points(starts, found),
            }
            for _, found in sorted(keys.items())
        ],
        "rest_micros": _sum(each.cost_micros for each in rest),
        "rest": _points(starts, rest) if _has_usage(rest) else None,
        "other_labels": _points(starts, others) if _has_usage(others) else None,
        "total_micros": _sum(each.cost_micros for each in counted),
        "unpriced_usage_count": sum(each.unpriced_usage_count for each in counted),
        "unattributed_micros": _sum(each.unattributed_micros for each in counted),
        "unattributed_usage_count": sum(each.unattributed_usage_count for each in counted),
    }
    return shape.model_validate({name: document[name] for name in shape.model_fields})


def _has_usage(rows: Iterable[SeriesRow]) -> bool:
    return any(getattr(each, name) for each in rows for name in COUNTS)


def _points(starts: list[datetime], rows: list[SeriesRow]) -> dict[str, Any]:
    """Return a point for each start, with zeros where there is no row, and the sum of all."""
    found = {each.point: {name: getattr(each, name) for name in COUNTS} for each in rows}
    return {
        "total_micros": _sum(each.cost_micros for each in rows),
        "points": [
            {"start": start, **found.get(number, NOTHING)} for number, start in enumerate(starts, 1)
        ],
    }


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    """Return the sum of amounts. Python's own sum rounds it to 28 digits."""
    return reduce(EXACT.add, amounts, Decimal())
