"""A decision: every budget that concerns a call, and which one binds. Pure.

Money is micro-units of US dollars.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal
from uuid import UUID

from allowance.budgets.effective import LimitSource
from allowance.contract.fields import ExactMicros, Row, Timestamp

ALL_MODELS = ["*"]


class BudgetDecision(Row):
    """A budget that concerns a call, as it was before the decision.

    `kind` is `allowance` for the limit of the user, which has neither id nor scope. `subject` is
    the member or the value that the limit is for, null for all together. `binding`: it has the
    least room of those that can refuse. `would_refuse`: it has no room for the estimate; a budget
    that only warns says so too, and one that is off never does.
    """

    kind: Literal["allowance", "budget"]
    id: UUID | None
    name: str
    scope: dict[str, str | None] | None
    per: Literal["total", "member", "value"]
    subject: str | None
    models: list[str]
    enforcement: Literal["enforce", "warn", "off"]
    limit_micros: ExactMicros | None
    limit_source: LimitSource | None
    spent_micros: ExactMicros
    reserved_micros: ExactMicros
    remaining_micros: ExactMicros | None
    period_start: Timestamp | None
    period_end: Timestamp | None
    binding: bool
    would_refuse: bool

    @property
    def can_refuse(self) -> bool:
        """Whether it has a limit that it enforces."""
        return self.limit_micros is not None and self.enforcement == "enforce"


class BindingBudget(Row):
    """The budget with the least room, or the allowance if nothing limits the call.

    `group_id` is the group of the limit; null: it is not the limit of a group.
    """

    group_id: UUID | None
    spend_limit_micros: ExactMicros | None
    limit_source: LimitSource | None
    spent_micros: ExactMicros
    reserved_micros: ExactMicros
    remaining_micros: ExactMicros | None
    period_start: Timestamp | None
    period_end: Timestamp | None


class BudgetFacts(Row):
    """What the database says of a budget of an organization, for one subject."""

    id: UUID
    name: str
    scope: Literal["organization", "group", "user", "label"]
    group_id: UUID | None
    user_id: UUID | None
    label_key: str | None
    label_value: str | None
    per: Literal["total", "member", "value"]
    subject: str
    models: list[str]
    enforcement: Literal["enforce", "warn", "off"]
    limit_micros: ExactMicros
    spent_micros: ExactMicros
    reserved_micros: ExactMicros
    period_start: Timestamp | None
    period_end: Timestamp | None
    ends_at: Timestamp | None
    next_limit_micros: ExactMicros

    @property
    def shown_scope(self) -> dict[str, str | None]:
        """The scope as responses show it."""
        match self.scope:
            case "group":
                return {"type": "group", "group_id": str(self.group_id)}
            case "user":
                return {"type": "user", "user_id": str(self.user_id)}
            case "label":
                return {"type": "label", "key": self.label_key, "value": self.label_value}
            case "organization":
                return {"type": "organization"}

    def looked_at(self, estimate: Decimal) -> BudgetDecision:
        """Return the budget as a decision on this estimate looks at it."""
        room = self.limit_micros - self.spent_micros - self.reserved_micros
        return BudgetDecision(
            kind="budget",
            id=self.id,
            name=self.name,
            scope=self.shown_scope,
            per=self.per,
            subject=None if self.per == "total" else self.subject,
            models=self.models,
            enforcement=self.enforcement,
            limit_micros=self.limit_micros,
            limit_source=None,
            spent_micros=self.spent_micros,
            reserved_micros=self.reserved_micros,
            remaining_micros=room,
            period_start=self.period_start,
            period_end=self.period_end,
            binding=False,
            would_refuse=self.enforcement != "off" and estimate > room,
        )


class AllowanceFacts(Row):
    """A user's limit, what is spent and held of it in a period, and the budgets beside it."""

    limit_group_id: UUID | None
    limit_micros: ExactMicros | None
    limit_source: LimitSource | None
    spent_micros: ExactMicros
    reserved_micros: ExactMicros
    period_start: Timestamp
    period_end: Timestamp
    budgets: list[BudgetFacts]

    def _allowance(self, estimate: Decimal) -> BudgetDecision:
        room = (
            None
            if self.limit_micros is None
            else self.limit_micros - self.spent_micros - self.reserved_micros
        )
        return BudgetDecision(
            kind="allowance",
            id=None,
            name="allowance",
            scope=None,
            per="member",
            subject=None,
            models=ALL_MODELS,
            enforcement="enforce",
            limit_micros=self.limit_micros,
            limit_source=self.limit_source,
            spent_micros=self.spent_micros,
            reserved_micros=self.reserved_micros,
            remaining_micros=room,
            period_start=self.period_start,
            period_end=self.period_end,
            binding=False,
            would_refuse=room is not None and estimate > room,
        )

    def looked_at(self, estimate: Decimal) -> list[BudgetDecision]:
        """Return every budget as a decision on this estimate looks at it, the allowance first."""
        budgets = [self._allowance(estimate), *(each.looked_at(estimate) for each in self.budgets)]
        if (place := _tightest(budgets)) is not None:
            budgets[place] = budgets[place].model_copy(update={"binding": True})
        return budgets

    @property
    def budget(self) -> BindingBudget:
        """The budget that binds, as responses show it."""
        budgets = self.looked_at(Decimal(0))
        place = _tightest(budgets) or 0
        found = budgets[place]
        return BindingBudget(
            group_id=self.budgets[place - 1].group_id if place else self.limit_group_id,
            spend_limit_micros=found.limit_micros,
            limit_source=found.limit_source,
            spent_micros=found.spent_micros,
            reserved_micros=found.reserved_micros,
            remaining_micros=found.remaining_micros,
            period_start=found.period_start,
            period_end=found.period_end,
        )


def _tightest(budgets: Sequence[BudgetDecision]) -> int | None:
    """Return the place of the budget with the least room. None: none can refuse."""
    rooms = [
        (each.remaining_micros, place)
        for place, each in enumerate(budgets)
        if each.can_refuse and each.remaining_micros is not None
    ]
    return min(rooms)[1] if rooms else None
