"""The shapes of spend in a period, and of its limit. Money is micro-units of US dollars. A response
has whole ones: each is the exact amount, rounded once, and never a sum of rounded ones.
"""

from collections.abc import Mapping
from typing import override
from uuid import UUID

from allowance.budgets.effective import LimitSource
from allowance.contract.fields import ExactMicros, Micros, Row, Timestamp
from allowance.contract.query import Keys, NamingQuery, names_in
from allowance.prices.units import OtherUnit
from allowance.spend.periods import PeriodQuery


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
    """The period of all spend: the current month in UTC, or what was asked for. `period_end` is
    exclusive. Another period than the current month has no holds, and its limits are not known:
    they are null.
    """

    period_start: Timestamp
    period_end: Timestamp


class UserTotals(Row):
    """What a user spent in a period, and how many usages have no price yet."""

    current_spend_micros: Micros
    unpriced_usage_count: int


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
    """The spend attributed to one group in a period."""


class GroupsSpend(PeriodSpend):
    """The spend attributed to several groups in a period."""

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
    """The spend of members that is attributed to a group in a period."""

    members: list[MemberTotals]


class GroupIds(PeriodQuery, NamingQuery):
    """The groups whose spend to list."""

    group_ids: Keys

    @property
    @override
    def group_names(self) -> list[str]:
        return names_in(self.group_ids)


class UserIds(PeriodQuery, NamingQuery):
    """The users whose spend to list."""

    user_ids: Keys

    @property
    @override
    def usernames(self) -> list[str]:
        return names_in(self.user_ids)
