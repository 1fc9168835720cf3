"""RerateUsage's other task: roll up the days that are over, so that reports read few rows.

Late usage and corrections reopen a day. Its sums are then read by quarter of an hour, until a run
rolls it up again. Each day of an organization is a transaction of its own.
"""

from collections.abc import Iterator
from datetime import date
from time import monotonic
from uuid import UUID

from allowance.access.handle import Handle
from allowance.contract.fields import NIL_UUID, Row
from allowance.log import logger

DAYS = 1000
"""Days of organizations that one query lists."""


class OpenDay(Row):
    """A UTC day of an organization that is over and not rolled up."""

    organization_id: UUID
    day: date


class RolledUp(Row):
    """Whether a day was rolled up. Not: late usage was being written."""

    is_rolled_up: bool


class DayCounts(Row):
    """The numbers of days that a run rolled up, of those with late usage at that time, and of those
    that failed. All but the first are left for the next run.
    """

    rolled_up: int
    busy: int
    failed: int


def roll_up_days(db: Handle, until: float, request_id: str) -> DayCounts:
    """Roll up the days that are over, each once, and log and return the counts. A day that fails
    holds back no other. No day begins after `until`, a time of `monotonic`.
    """
    rolled_up = busy = failed = 0
    for each in _days(db):
        if monotonic() >= until:
            break
        try:
            done = db.one(
                RolledUp, "roll_up_day", organization_id=each.organization_id, day=each.day
            )
        except Exception:  # noqa: BLE001 - roll up the other days, and fail at the end
            failed += 1
            logger().exception(
                "day not rolled up",
                request_id=request_id,
                organization_id=str(each.organization_id),
                day=f"{each.day}",
            )
        else:
            rolled_up += done.is_rolled_up
            busy += not done.is_rolled_up
    counts = DayCounts(rolled_up=rolled_up, busy=busy, failed=failed)
    logger().info("days rolled up", request_id=request_id, **counts.model_dump())
    return counts


def _days(db: Handle) -> Iterator[OpenDay]:
    """Yield the days, the latest first."""
    last = OpenDay(organization_id=NIL_UUID, day=date.max)
    while True:
        found = db.many(
            OpenDay,
            "list_days_to_roll_up",
            before_day=last.day,
            after_organization=last.organization_id,
            limit=DAYS,
        )
        yield from found
        if len(found) < DAYS:
            return
        last = found[-1]
