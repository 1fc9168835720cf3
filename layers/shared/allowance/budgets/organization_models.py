"""Budgets of an organization in responses, and the outcomes of their writes. Money is micro-units
of US dollars.
"""

from collections.abc import Iterator
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field

from allowance.budgets.periods import PeriodUnit
from allowance.budgets.small_limits import SmallLimit
from allowance.budgets.terms import Enforcement, Per
from allowance.contract.fields import Created, ExactMicros, Moment, Row, Timestamp, Versioned
from allowance.contract.query import AFTER, WHOLE_NUMBER, Cursor, Printable, Query
from allowance.errors import Problem


class OrganizationScope(Row):
    """All usage of the organization."""

    type: Literal["organization"]


class GroupScope(Row):
    """Usage that counts for a group."""

    type: Literal["group"]
    group_id: UUID


class UserScope(Row):
    """Usage of one user in the organization."""

    type: Literal["user"]
    user_id: UUID


class LabelScope(Row):
    """Usage with a label. `value` null: each value has a limit of its own."""

    type: Literal["label"]
    key: str
    value: str | None


class BudgetPeriod(Row):
    """How often the limit starts again."""

    unit: PeriodUnit
    time_zone: str
    week_starts: int
    year_starts: int


class OrganizationBudget(Versioned):
    """A budget of an organization. `ended_at`: since then it limits nothing, and its history stays
    readable by its id.
    """

    id: UUID
    organization_id: UUID
    name: str
    scope: OrganizationScope | GroupScope | UserScope | LabelScope
    per: Per
    models: list[str]
    limit_micros: int
    warning: SmallLimit
    period: BudgetPeriod
    enforcement: Enforcement
    thresholds: list[int]
    starts_at: Timestamp | None
    ends_at: Timestamp | None
    rollover_micros: int
    created_at: Timestamp
    updated_at: Timestamp
    ended_at: Timestamp | None


class CreatedBudget(OrganizationBudget, Created):
    """A budget that the request created."""


class FoundBudget(Row):
    """A budget, as the database has it."""

    budget: OrganizationBudget


class BudgetPage(Row):
    """Budgets in force, by name. `next` is the `after` of the next page, null on the last."""

    budgets: list[OrganizationBudget]
    next: str | None


class BudgetCursor(Cursor):
    """The last budget of a page."""

    name: Printable


class BudgetQuery(Query):
    """Selects a page of budgets."""

    limit: Annotated[int, Field(ge=1, le=1000, description="Budgets per page."), WHOLE_NUMBER] = 100
    after: Annotated[BudgetCursor | None, AFTER] = None


class LockedBudgets(Row):
    """The budgets of an organization are locked."""

    locked: bool


class KnownZone(Row):
    """Whether the database knows a time zone."""

    is_known: bool


class NewBudget(Row):
    """A budget that was created, or else what forbids it."""

    budget: CreatedBudget | None
    may_create: bool
    has_name: bool
    has_too_many: bool
    knows_group: bool
    knows_user: bool

    def problems(self, most: int) -> Iterator[Problem]:
        """Yield what forbids the budget, but for its name."""
        if not self.knows_group:
            yield Problem("scope.group_id", "The organization has no such group.")
        if not self.knows_user:
            yield Problem("scope.user_id", "The organization has no such member.")
        if self.has_too_many:
            yield Problem("(document)", f"An organization has at most {most} budgets.")


class ChangedBudget(Row):
    """A budget after its change, or else what forbids it: the fields that cannot change so."""

    budget: OrganizationBudget | None
    has_name: bool
    fixed: list[str]
    over: list[str]

    def problems(self) -> Iterator[Problem]:
        """Yield what forbids the change, but for the name."""
        for field in self.fixed:
            yield Problem(field, "Cannot be changed. Delete the budget, and create another.")
        for field in self.over:
            yield Problem(
                field, "Must stay as it is, or change from a time to come to a time to come."
            )


class Figures(Row):
    """What may be spent in the period, with what is carried over; what was; what calls hold; and
    what is left, which is negative after an overrun. No limit: the budget is younger than the
    period.
    """

    limit_micros: ExactMicros | None
    spent_micros: ExactMicros
    reserved_micros: ExactMicros
    remaining_micros: ExactMicros | None


class BudgetUser(Row):
    """A member of a group or an organization."""

    id: UUID
    username: str


class SubjectSpend(Figures):
    """The spend of one member or one value of a label; `value` is empty without the label."""

    user: BudgetUser | None
    value: str | None


class BudgetSpend(Row):
    """The spend of a budget in the current period. A period of unit none has no start and end.

    `total` is null if each member or value has its own limit: they are in `subjects`, and `next` is
    the `after` of the next page.
    """

    budget_id: UUID
    period_start: Timestamp | None
    period_end: Timestamp | None
    total: Figures | None
    subjects: list[SubjectSpend]
    next: str | None


class SpendRow(Row):
    """The spend of a budget, with a page of subjects and one more if there is another page."""

    budget_id: UUID
    period_start: Timestamp | None
    period_end: Timestamp | None
    total: Figures | None
    subjects: list[SubjectSpend]


def _storable(value: str) -> str:
    # The value of a label may have line breaks.
    if "\x00" in value:
        raise ValueError("must have no NUL")
    value.encode()
    return value


class SubjectCursor(Cursor):
    """The last subject of a page."""

    subject: Annotated[str, AfterValidator(_storable)]


class SpendQuery(Query):
    """Selects a period of a budget, and a page of its subjects."""

    at: Annotated[
        Moment | None,
        Field(description="A time in the period, not in the future; without it, the current one."),
    ] = None
    limit: Annotated[int, Field(ge=1, le=200, description="Subjects per page."), WHOLE_NUMBER] = 100
    after: Annotated[SubjectCursor | None, AFTER] = None
