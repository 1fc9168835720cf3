"""Roll up the days of generated usage, as RerateUsage does each hour."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from allowance.budgets.effective import Period, period_containing

ROLL_UP = (
    "SELECT count(*) FROM ai_days_to_roll_up('9999-12-31', gen_random_uuid(), 1000) AS d"
    " WHERE roll_up_ai_day(d.organization_id, d.day)"
)


def last_month() -> Period:
    """The month that a bench is about: all of its days are over, whatever day it is today."""
    return period_containing(period_containing(datetime.now(UTC)).start - timedelta(days=1))


def roll_up(owner: psycopg.Connection[Any]) -> None:
    """Roll up all days, and print how long it takes."""
    started = time.perf_counter()
    ((days,),) = owner.execute(ROLL_UP)
    taken = time.perf_counter() - started
    print(f"rolled up {days} days in {taken:.1f} s, {taken / max(days, 1) * 1000:.0f} ms a day")
    owner.execute("VACUUM ANALYZE ai_rolled_days, ai_rolled_hours, ai_rolled_groups")
