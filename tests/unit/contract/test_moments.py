"""Every time in a request is read in the same spellings: bodies, documents and queries."""

from datetime import UTC, datetime
from typing import Any

import pytest

from allowance.alerts.listing import AlertQuery
from allowance.budgets.models import OverrideLimit
from allowance.budgets.terms import BudgetTerms
from allowance.contract.fields import moment_of
from allowance.directory.document import TokenEntry
from allowance.errors import InvalidQuery
from allowance.http.request import Request
from allowance.prices.book import ModelPrice
from allowance.prices.models import ModelPriceQuery
from allowance.reservations.models import ReservationRequest

NANOSECONDS = "2026-11-22T06:00:00.123456789Z"
EXPECTED = datetime(2026, 11, 22, 6, 0, 0, 123456, tzinfo=UTC)


def example(model: Any) -> dict[str, Any]:
    return dict(model.model_config["json_schema_extra"]["examples"][0])


@pytest.mark.parametrize(
    ("model", "body", "field"),
    [
        (ModelPrice, {"provider": "p", "model": "m", "input_price": 1}, "effective_from"),
        (BudgetTerms, example(BudgetTerms), "starts_at"),
        (BudgetTerms, example(BudgetTerms), "ends_at"),
        (OverrideLimit, example(OverrideLimit), "expires_at"),
        (TokenEntry, {"username": "maya", "name": "laptop"}, "expires_at"),
    ],
)
def test_a_time_of_any_body_may_have_nanoseconds(
    model: Any, body: dict[str, Any], field: str
) -> None:
    read = model.model_validate(body | {field: NANOSECONDS})
    assert getattr(read, field) == EXPECTED


def query(text: str) -> Request:
    return Request.of({"rawQueryString": text}, "id")


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T07:00:00.123456+01:00",
        "2026-11-22T07:00:00.123456%2B01:00",
        "2026-11-22+07:00:00.123456+01:00",
        NANOSECONDS,
    ],
)
def test_a_plus_in_a_query_needs_no_escape(text: str) -> None:
    assert query(f"at={text}").query(ModelPriceQuery).at == EXPECTED
    assert query(f"from={text}").query(AlertQuery).since == EXPECTED


@pytest.mark.parametrize("text", ["2026-11-22T07:00:00", "2026-11-22+07:00:00", "2026-11-22+07:00"])
def test_a_time_in_a_query_needs_an_offset(text: str) -> None:
    with pytest.raises(InvalidQuery):
        query(f"at={text}").query(ModelPriceQuery)


def test_a_time_before_the_first_year_is_none() -> None:
    assert moment_of("0001-01-01T00:00:00+23:59") is None
    assert moment_of("2026-11-22T06:00:00+24:00") is None


def test_a_reservation_has_the_spellings_of_a_record() -> None:
    usual = example(ReservationRequest) | {"id": "7", "user": "8"}
    estimate = {"tokens": {"input": "1000", "output": 4000.0}}
    other = usual | {"id": 7, "user": 8, "variant": "Default", "group": "", "estimate": estimate}
    assert ReservationRequest.model_validate(other) == ReservationRequest.model_validate(usual)
