"""Reservations as the routes make, settle and release them, for one caller.

What a request needs beside the caller is known from its body and path, so it comes in the same
round trip as the caller. The decision is the second one: a single statement.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, override
from uuid import UUID

from allowance.access.store import CallerStore
from allowance.contract.fields import Body
from allowance.database.queries import Call
from allowance.errors import (
    AllowanceError,
    Problem,
    ReservationConflict,
    UsageOutOfRange,
    ValidationFailed,
)
from allowance.prices.cost import PICOS_PER_MICRO
from allowance.rbac.policy import USAGE, Action
from allowance.reservations.facts import DecisionFacts, Outcomes
from allowance.reservations.ids import key_digest_of
from allowance.reservations.models import DecisionOnly, Reservation, ReservationRequest
from allowance.reservations.refusals import BudgetExceeded, UnknownUser, UnpricedModel, UserInactive
from allowance.usage.content import content_sha256_of
from allowance.usage.ledger import UsageUser
from allowance.usage.look_ups import call_of_prices, call_of_users
from allowance.usage.rating import Rated, UsagePrice, UsagePrices
from allowance.usage.records import counts_of

WITHOUT_FACTS: Mapping[str, type[AllowanceError]] = {
    "unknown": UnknownUser,
    "inactive": UserInactive,
    "conflict": ReservationConflict,
}
"""The errors of outcomes that looked at no budget."""


class ReservingStore(CallerStore):
    """Holds money for calls that are about to be made."""

    route_object = USAGE

    @override
    @classmethod
    def look_ups(cls, body: Body | None, ids: Mapping[str, UUID]) -> tuple[Call[Any], ...]:
        """Return the queries for the user and the price of a request."""
        if not isinstance(body, ReservationRequest):
            return ()
        now = datetime.now(UTC)
        return call_of_users([body.user]), call_of_prices({(body.provider, body.model): (now, now)})

    def reserve(self, request: ReservationRequest) -> Reservation | DecisionOnly:
        """Hold the estimate of a call, or decide only on a dry run.

        Two round trips, with the caller's. The same request gets the same reservation
        again. Raise NotAuthorized, ValidationFailed, ReservationConflict, and a RequestRefused:
        UnknownUser, UserInactive, UnpricedModel, BudgetExceeded.
        """
        db = self._gate.open(Action.CREATE, USAGE)
        users: list[UsageUser]
        prices: list[UsagePrice]
        users, prices = db.all_in_one_trip(*self._looked_up(request))
        rated = _rated(request, prices)
        # What an alias declares free has no row of the price list.
        price = None if rated.price is None or rated.price.free else rated.price
        outcome = db.one(
            Outcomes,
            "reserve_ai_spend",
            key_digest=UUID(bytes=key_digest_of(self._caller.user_id, request.id)),
            content_sha256=content_sha256_of(
                request.model_dump(mode="json", exclude={"id", "dry_run"}, exclude_none=True)
            ),
            maker_id=self._caller.user_id,
            user_id=users[0].user_id if users else None,
            provider=request.provider,
            model=request.model,
            variant=request.variant,
            estimate_micros=(
                None if rated.cost_picos is None else Decimal(rated.cost_picos) / PICOS_PER_MICRO
            ),
            ttl_seconds=request.ttl_seconds,
            dry_run=request.dry_run,
            price=price
            and json.dumps(price.model_dump(include={"provider", "model", "version_id"})),
        )
        return _response(outcome)


def _rated(request: ReservationRequest, prices: list[UsagePrice]) -> Rated:
    """Return what the estimate costs now, at most. Raise ValidationFailed above 1e13 micros."""
    estimate = request.estimate
    if estimate.cost_micros is not None:
        return Rated(estimate.cost_micros * PICOS_PER_MICRO)
    tokens, others = counts_of(estimate.tokens, estimate.units)
    name = request.provider, request.model
    try:
        return UsagePrices([name], prices).rate(
            *name, request.variant, prices[0].starts, tokens, others
        )
    except UsageOutOfRange as error:
        raise ValidationFailed(
            Problem(f"estimate.{each.field}", each.detail) for each in error.problems
        ) from error


def _response(outcome: Outcomes) -> Reservation | DecisionOnly:
    """Return the response to a granted request. Raise the refusal of another."""
    facts = outcome.facts
    if facts is None:
        raise WITHOUT_FACTS[outcome.outcome]
    match outcome.outcome:
        case "refused":
            raise BudgetExceeded(_limit_of(facts), _shown(facts))
        case "unpriced":
            raise UnpricedModel(_shown(facts))
        case _:
            return facts.reservation()


def _limit_of(facts: DecisionFacts) -> str:
    """Return the limit in dollars with two decimals: `25.00`."""
    return f"{Decimal(facts.limit_micros or 0).scaleb(-6):.2f}"


def _shown(facts: DecisionFacts) -> dict[str, Any]:
    """Return what a refusal shows: the decision and the budget that binds."""
    return {
        "decision": facts.decision.model_dump(mode="json"),
        "budget": facts.budget.model_dump(mode="json"),
    }
