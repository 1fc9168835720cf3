"""From the sums of the database to the series of a response: zeros, rounding and order."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from allowance.spend.series_models import (
    OrganizationSpendSeries,
    SeriesRow,
    SeriesTerms,
    SpendSeries,
)
from allowance.spend.series_points import series_of
from allowance.spend.series_query import OrganizationSeriesQuery

STARTS = [datetime(2026, 11, day, tzinfo=UTC) for day in (1, 2, 3)]
TERMS = SeriesTerms(
    starts=STARTS, ends=datetime(2026, 11, 4, tzinfo=UTC), group_id=None, user_id=None
)


def row(kind: str, place: int | None, point: int, micros: str, **more: Any) -> SeriesRow:
    made = {
        "kind": kind,
        "place": place,
        "key": None if place is None else f"k{place}",
        "name": None,
        "point": point,
        "cost_micros": Decimal(micros),
        "tokens": 3,
        "usage_count": 2,
        "unpriced_usage_count": 1,
        "unattributed_micros": Decimal(),
        "unattributed_usage_count": 0,
    } | more
    return SeriesRow.model_validate(made)


def of(*rows: SeriesRow, **asked: str) -> dict[str, Any]:
    query = OrganizationSeriesQuery.model_validate(asked)
    return series_of(OrganizationSpendSeries, query, TERMS, rows).model_dump(mode="json")


def test_a_point_without_a_row_has_zeros() -> None:
    (series,) = of(row("key", 1, 2, "5"), split="model")["series"]
    assert [each["cost_micros"] for each in series["points"]] == [0, 5, 0]
    assert [each["usage_count"] for each in series["points"]] == [0, 2, 0]
    assert [each["start"] for each in series["points"]] == [
        f"2026-11-0{day}T00:00:00.000000Z" for day in (1, 2, 3)
    ]


def test_nothing_is_one_series_of_zeros_or_none_by_key() -> None:
    whole = of()
    assert [each["key"] for each in whole["series"]] == [None]
    assert len(whole["series"][0]["points"]) == 3
    split = of(split="model")
    assert (split["series"], split["rest"], split["other_labels"]) == ([], None, None)


def test_each_amount_is_rounded_once_from_the_exact_sum() -> None:
    found = of(
        row("key", 1, 1, "0.5"),
        row("key", 1, 2, "0.5"),
        row("key", 1, 3, "0.4"),
        row("rest", None, 1, "0.3"),
        row("rest", None, 2, "0.3"),
        split="model",
    )
    (series,) = found["series"]
    assert ([each["cost_micros"] for each in series["points"]], series["total_micros"]) == (
        [0, 0, 0],
        1,
    )
    assert (found["rest_micros"], found["total_micros"]) == (1, 2)
    # More digits than the default context of Python's decimal keeps.
    large = of(row("key", 1, 1, "99999999999999999999999999999999.5"), row("key", 1, 2, "1.1"))
    assert large["total_micros"] == 10**32 + 1


def test_keys_keep_their_places_and_the_rest_is_beside_them() -> None:
    found = of(
        row("other", None, 1, "7", unattributed_usage_count=9, unattributed_micros=Decimal(9)),
        row("key", 2, 1, "9"),
        row("rest", None, 3, "1", unattributed_usage_count=2, unattributed_micros=Decimal("0.5")),
        row("key", 1, 1, "4", unattributed_usage_count=1, unattributed_micros=Decimal(1)),
        split="label:a",
    )
    assert [each["key"] for each in found["series"]] == ["k1", "k2"]
    assert found["rest"]["total_micros"] == found["rest_micros"] == 1
    assert [each["cost_micros"] for each in found["rest"]["points"]] == [0, 0, 1]
    # Other label sets are in no series and in no total.
    assert found["other_labels"]["total_micros"] == 7
    assert (found["total_micros"], found["unpriced_usage_count"]) == (14, 3)
    assert (found["unattributed_usage_count"], found["unattributed_micros"]) == (3, 2)


def test_only_an_organization_has_what_is_unattributed() -> None:
    query = OrganizationSeriesQuery()
    shown = series_of(SpendSeries, query, TERMS, []).model_dump(mode="json")
    assert {"from", "to", "by", "time_zone", "split"} < shown.keys()
    assert not {"unattributed_micros", "from_"} & shown.keys()
