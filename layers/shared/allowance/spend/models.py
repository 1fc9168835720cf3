"""The shapes of spend in a period, and of its limit. Money is micro-units of US dollars. A response
has whole ones: each is the exact amount, rounded once, and never a sum of rounded ones.
"""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from pydantic import BeforeValidator, Field

from allowance.budgets.effective import LimitSource
from allowance.contract.fields import UUID_FORM, ExactMicros, Micros, Row, Timestamp
from allowance.contract.query import Query
from allowance.prices.units import OtherUnit

MAX_IDS = 100


class Sums(Row):
    """The sums of usages: exact cost, tokens by class, other units, their number, and the number
    without a price.

    A unit that is not in the registry raises, because an export would leave it out.
    `stated_cost_micros` is what the usages state that they cost, None if none does.
    `stated_difference_micros` is our cost less theirs, of the usages that have both.
    """

    cost_micros: ExactMicros
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cache_write_1h_tokens: int
    other_units: Mapping[OtherUnit, int]
    usage_count: int
    unpriced_usage_count: int
    stated_cost_micros: ExactMicros | None
    stated_difference_micros: ExactMicros | None


class BudgetLimit(Row):
    """A limit and its source."""

    spend_limit_micros: int
    limit_source: LimitSource


class PeriodSpend(Row):
    """The period of all spend: the calendar month in UTC. `period_end` is exclusive."""

    period_start: Timestamp
    period_end: Timestamp


class UserSpend(PeriodSpend):
    """What a user spent, for all groups together: the figure that the limit is compared with.

    `reserved_micros` is held for calls. Usage without a price costs nothing yet:
    `unpriced_usage_count` counts it.
    """

    user_id: UUID
    effective_group_id: UUID | None
    effective_budget: BudgetLimit | None
    spend_limit_micros: int | None
    limit_source: LimitSource | None
    current_spend_micros: Micros
    reserved_micros: Micros
    unpriced_usage_count: int


class GroupTotals(Row):
    """The spend attributed to a group. `spend_limit_micros` is per member.

    `total_spend_limit_micros` is the sum for the members whose budget in effect is the group's.
    `reserved_micros` is held for calls that count for the group. Usage without a price costs
    nothing yet: `unpriced_usage_count` counts it.
    """

    group_id: UUID
    spend_limit_micros: int | None
    total_spend_limit_micros: int | None
    current_spend_micros: Micros
    reserved_micros: Micros
    unpriced_usage_count: int


class GroupSpend(PeriodSpend, GroupTotals):
    """The spend attributed to one group in the current period."""


class GroupsSpend(PeriodSpend):
    """The spend attributed to several groups in the current period."""

    groups: list[GroupTotals]


class MemberTotals(Row):
    """The part of a member's spend that is attributed to a group, and the member's budget.

    `effective_group_id` and `effective_budget` are null if that group is in another organization.
    `group_budget` is null if the budget in effect is not this group's. `reserved_micros` and
    `unpriced_usage_count` are of calls that count for the group.
    """

    user_id: UUID
    effective_group_id: UUID | None
    effective_budget: BudgetLimit | None
    group_budget: BudgetLimit | None
    group_spend_micros: Micros
    reserved_micros: Micros
    unpriced_usage_count: int


class GroupMembersSpend(PeriodSpend):
    """The spend of members that is attributed to a group in the current period."""

    members: list[MemberTotals]


def _ids(value: object) -> object:
    if not isinstance(value, str):
        return value
    ids = value.split(",")
    if len(ids) > MAX_IDS or not all(UUID_FORM.fullmatch(each) for each in ids):
        raise ValueError(
            f"must be 1 to {MAX_IDS} UUIDs of 36 characters with hyphens, separated by commas"
        )
    return list(dict.fromkeys(each.lower() for each in ids))


class GroupIds(Query):
    """The groups whose spend to list."""

    group_ids: Annotated[
        list[UUID],
        BeforeValidator(_ids),
        Field(
            min_length=1,
            max_length=MAX_IDS,
            description="UUIDs, separated by commas; unknown ones are left out.",
        ),
    ]


class UserIds(Query):
    """The users whose spend to list."""

    user_ids: Annotated[
        list[UUID],
        BeforeValidator(_ids),
        Field(
            min_length=1,
            max_length=MAX_IDS,
            description="UUIDs, separated by commas; unknown ones are left out.",
        ),
    ]
