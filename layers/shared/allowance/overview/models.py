"""The shapes of the overview. Money is micro-units of US dollars."""

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import Field

from allowance.audit.models import AuditEntry
from allowance.budgets.effective import LimitSource
from allowance.budgets.organization_models import BudgetUser, Figures
from allowance.budgets.terms import Enforcement, Per
from allowance.contract.fields import ExactMicros, Micros, Row, Timestamp
from allowance.spend.models import GroupTotals, PeriodSpend

UsageOf = Literal["organization", "caller"]


class UsageTotals(Row):
    """What was spent, and what calls hold. Usage without a price costs nothing yet.

    `unattributed_*` is the usage of names that the directory does not know, which is in the other
    figures too; null if the figures are of the caller alone.
    """

    spent_micros: ExactMicros
    reserved_micros: ExactMicros
    usage_count: int
    unpriced_usage_count: int
    unattributed_usage_count: int | None
    unattributed_micros: ExactMicros | None


class GroupOverview(GroupTotals):
    """The spend attributed to a group, with its name and the number of its members."""

    name: str
    member_count: int


class BudgetOverview(Row):
    """What is left of a budget in its current period. `total` is null if each member or value has
    its own limit. A period of unit none has no start and end.
    """

    budget_id: UUID
    name: str
    per: Per
    enforcement: Enforcement
    period_start: Timestamp | None
    period_end: Timestamp | None
    total: Figures | None


class MemberNearLimit(Row):
    """A member who has spent 85% of the limit in effect or more, in all groups together."""

    user: BudgetUser
    group_id: UUID
    spend_limit_micros: int
    limit_source: LimitSource
    current_spend_micros: Micros


class DaySpend(Row):
    """The spend of a UTC day."""

    day: date
    cost_micros: Micros
    usage_count: int
    unpriced_usage_count: int


class ModelSpend(Row):
    """The spend on a model, named as gateways sent it."""

    provider: str
    model: str
    cost_micros: Micros
    usage_count: int


class HeavyUser(Row):
    """What a user spent for the organization."""

    user: BudgetUser
    cost_micros: Micros


class ModelWithoutPrice(Row):
    """A model with usage that has no price. The tokens are those of every sum with such usage."""

    provider: str
    model: str
    usage_count: int
    tokens: int


class OverviewParts(Row):
    """The parts of an overview, as the database has them."""

    totals: UsageTotals | None
    days: list[DaySpend]
    models: list[ModelSpend]
    users: list[HeavyUser]
    unpriced_models: list[ModelWithoutPrice]
    group_count: int
    groups: list[GroupOverview]
    budget_count: int
    budgets: list[BudgetOverview]
    near_limit_count: int
    near_limit: list[MemberNearLimit]
    changes: list[AuditEntry]


class Overview(PeriodSpend, OverviewParts):
    """What a first page shows of an organization in the current month (UTC).

    `totals`, `days`, `models`, `users` and `unpriced_models` are of the whole organization for a
    caller who may read all its members, else of the caller. They are null or empty if the token
    forbids that too. Groups, budgets, members and changes that the caller may not read are left
    out, also from the numbers beside.
    """

    organization_id: UUID
    organization_name: str
    usage_of: UsageOf | None = Field(
        description="Whose usage the totals, days, models and users are of."
    )
