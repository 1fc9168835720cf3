"""The facts of decisions and settlements as the database returns them, and their responses. Pure.

The database keeps the facts of each grant and settlement. So a request that is sent again gets the
same response: it is made of the same facts.
"""

from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from allowance.contract.fields import ExactMicros, Row, Timestamp
from allowance.reservations.decisions import AllowanceFacts, BudgetDecision
from allowance.reservations.models import (
    Decision,
    DecisionOnly,
    Reservation,
    ReservedGroup,
    ReservedPrice,
    ReservedUser,
    Settled,
)
from allowance.usage.models import UsageProblem


class DecisionFacts(AllowanceFacts):
    """What a decision found, before the grant. `reservation_id` is None unless it was granted.

    `group_id` is the group that the call counts for, `limit_group_id` the one of the user's limit.
    """

    outcome: Literal["granted", "refused", "unpriced"]
    reservation_id: UUID | None
    estimate_micros: ExactMicros
    expires_at: Timestamp | None
    user_id: UUID
    username: str | None
    group_id: UUID | None
    group_name: str | None
    price: ReservedPrice | None
    retry_at: Timestamp | None = None

    @property
    def decision(self) -> Decision:
        """The decision, with every budget that concerns the call."""
        budgets = self.looked_at(self.estimate_micros)
        rooms = [
            each.remaining_micros
            for each in budgets
            if each.can_refuse and each.remaining_micros is not None
        ]
        return Decision(
            allowed=self.outcome == "granted",
            # Down to whole micro-units, so that what is shown fits.
            would_fit_micros=max(int(min(rooms) // 1), 0) if rooms else None,
            retry_at=self.retry_at,
            budgets=budgets,
        )

    @property
    def binding(self) -> BudgetDecision:
        """The budget that binds; the allowance if none does."""
        budgets = self.looked_at(self.estimate_micros)
        return next((each for each in budgets if each.binding), budgets[0])

    @property
    def user(self) -> ReservedUser | None:
        if self.username is None:
            return None
        return ReservedUser(id=self.user_id, username=self.username)

    @property
    def group(self) -> ReservedGroup | None:
        if self.group_id is None or self.group_name is None:
            return None
        return ReservedGroup(id=self.group_id, name=self.group_name)

    def reservation(self) -> Reservation | DecisionOnly:
        """Return the response to a granted request, or to a dry run."""
        if self.reservation_id is None or self.expires_at is None:
            return DecisionOnly(
                user=self.user,
                group=self.group,
                price=self.price,
                decision=self.decision,
                budget=self.budget,
            )
        return Reservation(
            reservation_id=self.reservation_id,
            reserved_micros=self.estimate_micros,
            expires_at=self.expires_at,
            user=self.user,
            group=self.group,
            price=self.price,
            decision=self.decision,
            budget=self.budget,
        )


class NoDecision(Row):
    """Why there is no decision: the user is unknown, inactive or not in the group, the estimate is
    too large, or the key is taken.
    """

    outcome: Literal["unknown", "inactive", "other_group", "too_large", "conflict"]


class Decided(Row):
    """What became of a request."""

    facts: Annotated[DecisionFacts | NoDecision, Field(discriminator="outcome")]


class SettlementFacts(AllowanceFacts):
    """What a settlement left. `held_micros` is of this reservation, `reserved_micros` of all."""

    is_final: bool
    cost_micros: ExactMicros | None
    held_micros: ExactMicros
    overrun_micros: ExactMicros
    expires_at: Timestamp
    is_expired: bool
    validations: list[UsageProblem]

    def settled(self) -> Settled:
        """Return the response to a settlement."""
        return Settled(
            status="settled" if self.is_final else "expired" if self.is_expired else "held",
            cost_micros=self.cost_micros,
            priced=self.cost_micros is not None,
            reserved_micros=self.held_micros,
            overrun_micros=self.overrun_micros,
            expires_at=self.expires_at,
            validations=self.validations,
            budget=self.budget,
        )


def limit_text(limit: Decimal | None) -> str:
    """Return a limit in dollars with two decimals: `25.00`."""
    return f"{(limit or Decimal(0)).scaleb(-6):.2f}"
