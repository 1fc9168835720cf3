"""What a report of a vendor may have, and what is refused by field."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from allowance.contract.validation import problems_of
from allowance.reconciliation.comparison_models import ReconciliationQuery
from allowance.reconciliation.models import VendorUsageReport, VendorUsageRow
from tests.reconciliation import row


def read(**changes: Any) -> VendorUsageRow:
    return VendorUsageReport.model_validate({"rows": [row(**changes)]}).rows[0]


def wrong(*rows: Any) -> list[str]:
    """The fields of the problems."""
    with pytest.raises(ValidationError) as error:
        VendorUsageReport.model_validate({"rows": list(rows)})
    return [each.field for each in problems_of(error.value, VendorUsageReport)]


@pytest.mark.parametrize(
    ("dollars", "micros"),
    [
        ("12.5", "12500000"),
        ("0.000000000001", "0.000001"),
        ("-3", "-3000000"),
        ("10000000", "10000000000000"),
    ],
)
def test_dollars_are_exact(dollars: str, micros: str) -> None:
    assert read(cost_usd=dollars).micros == Decimal(micros)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("cost_usd", 1.5),
        ("cost_usd", "1e3"),
        ("cost_usd", "0.0000000000001"),
        ("cost_usd", "10000000.000000000001"),
        ("cost_usd", "$5"),
        ("cost_micros", 1.0),
        ("cost_micros", "5"),
        ("cost_micros", 10**13 + 1),
        ("requests", -1),
        ("requests", 1.5),
        ("tokens", 5),
        ("tokens.prompt", 5),
        ("day", "2026-02-30"),
        ("day", "2026-1-3"),
        ("day", 1793577600),
        ("day", "2026-11-03T00:00:00Z"),
        ("day", "2019-12-31"),
        ("vendor", ""),
        ("model", "a\x00"),
        ("acount", "x"),
    ],
)
def test_what_is_not_understood_is_refused_by_field(field: str, value: object) -> None:
    name, _, within = field.partition(".")
    changed = {name: {within: value} if within else value}
    assert wrong(row(requests=1), row(**({"requests": 1} | changed))) == [f"rows[1].{field}"]


def test_a_row_names_a_count_and_one_cost() -> None:
    assert wrong(row()) == ["rows[0]"]
    assert wrong(row(cost_micros=1, cost_usd="1")) == ["rows[0].cost_usd"]
    assert read(cost_usd=None).named == {"cost"}
    assert read(tokens=None, requests=0).named == {"tokens", "requests"}
    assert read(requests=None, cost_micros=None).named == {"requests", "cost"}
    without_model = row(requests=1)
    del without_model["model"]
    assert wrong(without_model) == ["rows[0].model"]


def test_a_row_is_stored_with_what_it_names() -> None:
    stored = read(vendor="OpenAI", model="GPT-5", account=4711, tokens={"input": "12", "output": 0})
    assert stored.stored(3) == {
        "place": 3, "vendor": "openai", "account": "4711", "model": "gpt-5", "day": "2026-11-10",
        "tokens": {"input": 12}, "requests": None, "cost_micros": None,
        "has_tokens": True, "has_requests": False, "has_cost": False,
    }  # fmt: skip
    whole = read(model=None, tokens={}, cost_usd="0.000000000001").stored(0)
    assert (whole["model"], whole["tokens"], whole["cost_micros"]) == ("", {}, "0.000001")


@pytest.mark.parametrize(
    ("query", "days"),
    [
        ({}, ("2026-12-01", "2027-01-01")),
        ({"month": "2026-02"}, ("2026-02-01", "2026-03-01")),
        ({"day": "2026-02-28"}, ("2026-02-28", "2026-03-01")),
    ],
)
def test_a_query_is_of_a_month_or_a_day(query: dict[str, str], days: tuple[str, str]) -> None:
    first, end = ReconciliationQuery.model_validate(query).days(date(2026, 12, 31))
    assert (str(first), str(end)) == days


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"month": "2026-11", "day": "2026-11-03"}, "day"),
        ({"month": "2026-13"}, "month"),
        ({"day": "2026-11-31"}, "day"),
        ({"after": "x"}, "after"),
        ({"limit": "1001"}, "limit"),
        ({"vendor": ""}, "vendor"),
        ({"model": "gpt-5"}, "model"),
    ],
)
def test_a_query_is_refused_by_parameter(query: dict[str, str], field: str) -> None:
    with pytest.raises(ValidationError) as error:
        ReconciliationQuery.model_validate(query)
    assert [each.field for each in problems_of(error.value, ReconciliationQuery)] == [field]
