"""Responses made of the facts of decisions and settlements."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allowance.reservations.facts import DecisionFacts, SettlementFacts
from allowance.reservations.models import DecisionOnly, Reservation

NOW = datetime(2026, 11, 27, tzinfo=UTC)
AMOUNTS = st.decimals(0, 10**13, places=6)
BUDGET: dict[str, Any] = {
    "limit_group_id": UUID(int=2),
    "budgets": [],
    "limit_micros": 10,
    "limit_source": "group",
    "spent_micros": 1,
    "reserved_micros": 2,
    "period_start": NOW,
    "period_end": NOW,
}


def decided(**changes: Any) -> DecisionFacts:
    facts = BUDGET | {
        "outcome": "granted",
        "reservation_id": UUID(int=3),
        "estimate_micros": 4,
        "expires_at": NOW,
        "user_id": UUID(int=1),
        "username": "maya",
        "group_id": UUID(int=2),
        "group_name": "platform",
        "price": None,
        "retry_at": None,
    }
    return DecisionFacts.model_validate(facts | changes)


def settled(**changes: Any) -> SettlementFacts:
    facts = BUDGET | {
        "is_final": False,
        "cost_micros": 1,
        "held_micros": 3,
        "overrun_micros": 0,
        "expires_at": NOW,
        "is_expired": False,
        "validations": [],
    }
    return SettlementFacts.model_validate(facts | changes)


@given(AMOUNTS, AMOUNTS, st.integers(0, 10**12))
def test_what_would_fit_fits_and_one_more_does_not(spent: Any, held: Any, limit: int) -> None:
    facts = decided(spent_micros=spent, reserved_micros=held, limit_micros=limit)
    fits = facts.decision.would_fit_micros
    assert fits is not None
    assert spent + held + fits <= limit or fits == 0
    assert spent + held + fits + 1 > limit


def test_without_a_limit_nothing_is_said_of_room() -> None:
    decision = decided(limit_micros=None, limit_source=None, group_id=None).decision
    (budget,) = decision.budgets
    assert decision.would_fit_micros is None
    assert (budget.remaining_micros, budget.binding, budget.would_refuse) == (None, False, False)


@pytest.mark.parametrize(("estimate", "refuses"), [("7", False), ("7.000001", True)])
def test_a_budget_would_refuse_what_has_no_room_exactly(estimate: str, refuses: bool) -> None:
    (budget,) = decided(estimate_micros=Decimal(estimate)).decision.budgets
    assert (budget.remaining_micros, budget.would_refuse) == (7, refuses)


def test_only_a_grant_has_an_id_and_is_created() -> None:
    assert isinstance(decided().reservation(), Reservation)
    only = decided(reservation_id=None, expires_at=None).reservation()
    assert isinstance(only, DecisionOnly)
    assert "reservation_id" not in only.model_dump()


def test_a_user_of_no_group_has_none() -> None:
    assert decided(group_id=None, group_name=None).group is None
    assert decided().group is not None


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, "held"),
        ({"is_expired": True}, "expired"),
        ({"is_final": True}, "settled"),
        ({"is_final": True, "is_expired": True}, "settled"),
    ],
)
def test_the_status_of_a_settlement(changes: dict[str, bool], status: str) -> None:
    assert settled(**changes).settled().status == status


def test_an_unpriced_settlement_says_so() -> None:
    shown = settled(cost_micros=None).settled()
    assert (shown.cost_micros, shown.priced) == (None, False)
