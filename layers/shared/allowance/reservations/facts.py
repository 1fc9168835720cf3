"""The facts of decisions and settlements as the database returns them, and their responses. Pure.

The database keeps the facts of each grant and settlement. So a request that is sent again gets the
same response: it is made of the same facts.
"""

from decimal import Decimal
from typing import Literal
from uuid import UUID

from allowance.budgets.effective import LimitSource
from allowance.contract.fields import ExactMicros, Row, Timestamp
from allowance.reservations.models import (
    BindingBudget,
    BudgetDecision,
    Decision,
    DecisionOnly,
    Reservation,
    ReservedGroup,
    ReservedPrice,
    ReservedUser,
    Settled,
)

Outcome = Literal["granted", "refused", "unpriced", "unknown", "inactive", "conflict"]


class AllowanceFacts(Row):
    """A user's limit, and what is spent and held of it in a period."""

    group_id: UUID | None
    limit_micros: int | None
    limit_source: LimitSource | None
    spent_micros: ExactMicros
    reserved_micros: ExactMicros
    period_start: Timestamp
    period_end: Timestamp

    @property
    def room_micros(self) -> Decimal | None:
        """Return the exact room under the limit, which may be negative. None: there is no limit."""
        if self.limit_micros is None:
            return None
        return self.limit_micros - self.spent_micros - self.reserved_micros

    @property
    def budget(self) -> BindingBudget:
        """Return the budget as responses show it."""
        return BindingBudget(
            group_id=self.group_id,
            spend_limit_micros=self.limit_micros,
            limit_source=self.limit_source,
            spent_micros=self.spent_micros,
            reserved_micros=self.reserved_micros,
            remaining_micros=self.room_micros,
            period_start=self.period_start,
            period_end=self.period_end,
        )


class DecisionFacts(AllowanceFacts):
    """What a decision found, before the grant. `reservation_id` is None unless it was granted."""

    allowed: bool
    reservation_id: UUID | None
    estimate_micros: ExactMicros
    expires_at: Timestamp | None
    user_id: UUID
    username: str
    group_name: str | None
    price: ReservedPrice | None
    retry_at: Timestamp | None

    @property
    def decision(self) -> Decision:
        """Return the decision, with every budget that concerns the call."""
        room = self.room_micros
        refuses = room is not None and self.estimate_micros > room
        return Decision(
            allowed=self.allowed,
            # Down to whole micro-units, so that what is shown fits.
            would_fit_micros=None if room is None else max(int(room // 1), 0),
            retry_at=self.retry_at,
            budgets=[
                BudgetDecision(
                    kind="allowance",
                    id=None,
                    name="allowance",
                    limit_micros=self.limit_micros,
                    limit_source=self.limit_source,
                    spent_micros=self.spent_micros,
                    reserved_micros=self.reserved_micros,
                    remaining_micros=room,
                    period_start=self.period_start,
                    period_end=self.period_end,
                    binding=room is not None,
                    would_refuse=refuses,
                )
            ],
        )

    @property
    def user(self) -> ReservedUser:
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


class Outcomes(Row):
    """The outcome of a request. No facts: the user is unknown or inactive, or the key is taken."""

    outcome: Outcome
    facts: DecisionFacts | None


class SettlementFacts(AllowanceFacts):
    """What a settlement left. `held_micros` is of this reservation, `reserved_micros` of all."""

    is_final: bool
    cost_micros: ExactMicros | None
    held_micros: ExactMicros
    overrun_micros: ExactMicros
    expires_at: Timestamp
    is_expired: bool

    def settled(self) -> Settled:
        """Return the response to a settlement."""
        return Settled(
            status="settled" if self.is_final else "expired" if self.is_expired else "held",
            cost_micros=self.cost_micros,
            priced=self.cost_micros is not None,
            reserved_micros=self.held_micros,
            overrun_micros=self.overrun_micros,
            expires_at=self.expires_at,
            budget=self.budget,
        )
