"""What a request for a reservation and a settlement may say."""

from typing import Any

import pytest
from pydantic import ValidationError

from allowance.reservations.estimates import Estimate
from allowance.reservations.models import ReservationRequest, Settlement
from allowance.usage.record_shape import CallRecord
from tests.reservations import request, used


@pytest.mark.parametrize(
    "estimate",
    [
        {},
        {"cost_micros": 1, "tokens": {"input": 1}},
        {"cost_micros": 1, "units": {"requests": 1}},
        {"cost_micros": -1},
        {"cost_micros": 10**13 + 1},
        {"cost_micros": True},
        {"cost_micros": "1"},
    ],
)
def test_an_estimate_is_stated_once_and_in_range(estimate: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Estimate.model_validate(estimate)


@pytest.mark.parametrize("estimate", [{"cost_micros": 0}, {"cost_micros": 10**13}, {"tokens": {}}])
def test_the_ends_of_the_range_are_in_it(estimate: dict[str, Any]) -> None:
    Estimate.model_validate(estimate)


@pytest.mark.parametrize(("seconds", "valid"), [(0, False), (1, True), (3600, True), (3601, False)])
def test_a_hold_lasts_a_second_to_an_hour(seconds: int, valid: bool) -> None:
    for model, body in (
        (ReservationRequest, request(ttl_seconds=seconds)),
        (Settlement, used(final=False, extend_seconds=seconds)),
    ):
        if valid:
            model.model_validate(body)
        else:
            with pytest.raises(ValidationError):
                model.model_validate(body)


def test_only_a_part_extends_its_hold() -> None:
    with pytest.raises(ValidationError, match="final: false"):
        Settlement.model_validate(used(extend_seconds=1))


def test_the_record_of_a_settlement_is_the_same_record_by_itself() -> None:
    alone = CallRecord.model_validate(used() | {"occurred_at": "2026-11-20T10:00:00Z"})
    settling = used() | {"occurred_at": "2026-11-20T10:00:00Z", "final": False, "extend_seconds": 5}
    assert Settlement.model_validate(settling).record == alone
