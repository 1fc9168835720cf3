"""The effective budget of a user, and its period. Pure. The SQL function `ai_effective_budget`
implements the same rule; a test compares the two on random directories.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

LimitSource = Literal["user_override", "group"]


@dataclass(frozen=True, slots=True)
class Period:
    """A calendar month in UTC, from `start` (inclusive) to `end` (exclusive)."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class GroupOfUser:
    """A group of a user. The id of an Everyone group is the id of its organization."""

    group_id: UUID
    organization_id: UUID
    joined_at: datetime
    """When the user joined the organization."""
    is_default: bool = False
    """Whether the organization is the default one."""
    is_deleted: bool = False
    """Whether the organization is deleted: then the group has no effect."""
    spend_limit_micros: int | None = None
    """The group's budget; None: no budget."""


@dataclass(frozen=True, slots=True)
class Override:
    """A user's own limit, 0..1e12 micros, and the group to which spend is attributed. It has not
    expired.
    """

    group_id: UUID
    spend_limit_micros: int


@dataclass(frozen=True, slots=True)
class EffectiveBudget:
    """The group to which spend is attributed (None: the user is in no organization), and the limit
    (None: no limit).
    """

    group_id: UUID | None
    spend_limit_micros: int | None = None
    limit_source: LimitSource | None = None


def period_containing(now: datetime) -> Period:
    """Return the period of a time, by its month in UTC. Raise ValueError if the time has no time
    zone.
    """
    if now.tzinfo is None:
        raise ValueError("The time has no time zone.")
    start = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    years, month = divmod(start.month, 12)
    return Period(start, start.replace(year=start.year + years, month=month + 1))


def effective_budget(groups: Iterable[GroupOfUser], override: Override | None) -> EffectiveBudget:
    """Return the override; else the highest budget of the user's groups; else no limit, attributed
    to an Everyone group.

    Of equal budgets the earliest organization membership wins, then the lowest group id. Without a
    budget, spend goes to the Everyone group of the default organization if the user is in it, else
    of the organization that the user joined first.
    """
    alive = [group for group in groups if not group.is_deleted]
    if override is not None and override.group_id in {group.group_id for group in alive}:
        return EffectiveBudget(override.group_id, override.spend_limit_micros, "user_override")
    budgets = [
        (-group.spend_limit_micros, group)
        for group in alive
        if group.spend_limit_micros is not None
    ]
    if budgets:
        _, best = min(budgets, key=lambda each: (each[0], each[1].joined_at, each[1].group_id))
        return EffectiveBudget(best.group_id, best.spend_limit_micros, "group")
    everyone = [group for group in alive if group.group_id == group.organization_id]
    fallback = min(
        everyone,
        key=lambda each: (not each.is_default, each.joined_at, each.group_id),
        default=None,
    )
    return EffectiveBudget(None if fallback is None else fallback.group_id)
