"""The period of a moment, and the budget in effect, case by case."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allowance.budgets.effective import (
    EffectiveBudget,
    GroupOfUser,
    Override,
    Period,
    effective_budget,
    period_containing,
)

NOVEMBER = Period(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))
DECEMBER = Period(datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
EARLY, LATE = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
ACME, GLOBEX, LOW, HIGH = (UUID(int=n) for n in (10, 20, 1, 99))


@pytest.mark.parametrize(
    ("now", "period"),
    [
        ("2026-11-30T23:59:59.999999+00:00", NOVEMBER),
        ("2026-12-01T00:00:00+00:00", DECEMBER),
        ("2026-11-01T00:00:00+00:00", NOVEMBER),
        ("2026-12-01T09:00:00+14:00", NOVEMBER),
        ("2026-11-30T12:00:00-12:00", DECEMBER),
        ("2026-12-31T23:59:59.999999+00:00", DECEMBER),
    ],
)
def test_the_period_is_the_calendar_month_in_utc(now: str, period: Period) -> None:
    assert period_containing(datetime.fromisoformat(now)) == period


def test_a_clock_that_is_put_back_is_irrelevant() -> None:
    """On 2026-11-01 New York has the hour from 1 to 2 twice; a month of Havana begins in the middle
    of it.
    """
    for zone in (ZoneInfo("America/New_York"), ZoneInfo("America/Havana")):
        for fold in (0, 1):
            moment = datetime(2026, 11, 1, 1, 30, tzinfo=zone, fold=fold)
            assert period_containing(moment) == NOVEMBER


def test_a_moment_without_a_time_zone_is_in_no_period() -> None:
    with pytest.raises(ValueError, match="time zone"):
        period_containing(datetime(2026, 11, 1))  # noqa: DTZ001


# Hypothesis takes bounds without a time zone.
FIRST, LAST = datetime(2000, 1, 1), datetime(2100, 1, 1)  # noqa: DTZ001


@given(st.datetimes(FIRST, LAST, timezones=st.timezones()))
def test_periods_join_without_gap_or_overlap(now: datetime) -> None:
    period = period_containing(now)
    assert period.start <= now < period.end
    assert period_containing(period.end).start == period.end
    assert period_containing(period.end - timedelta(microseconds=1)) == period
    assert period_containing(now.astimezone(timezone(timedelta(hours=5, minutes=45)))) == period


def group(
    group_id: UUID, organization_id: UUID = ACME, limit: int | None = None, **more: object
) -> GroupOfUser:
    return GroupOfUser(
        group_id, organization_id, spend_limit_micros=limit, **({"joined_at": EARLY} | more)
    )  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("groups", "override", "expected"),
    [
        ([], None, EffectiveBudget(None)),
        ([group(ACME)], None, EffectiveBudget(ACME)),
        ([group(ACME), group(LOW, limit=0)], None, EffectiveBudget(LOW, 0, "group")),
        ([group(ACME, limit=7), group(LOW, limit=5)], None, EffectiveBudget(ACME, 7, "group")),
        ([group(HIGH, limit=5), group(LOW, limit=5)], None, EffectiveBudget(LOW, 5, "group")),
        (
            [group(LOW, GLOBEX, 5, joined_at=LATE), group(HIGH, ACME, 5, joined_at=EARLY)],
            None,
            EffectiveBudget(HIGH, 5, "group"),
        ),
        ([group(LOW, limit=9)], Override(LOW, 0), EffectiveBudget(LOW, 0, "user_override")),
        ([group(LOW, limit=9, is_deleted=True)], Override(LOW, 1), EffectiveBudget(None)),
        (
            [group(LOW, limit=9, is_deleted=True), group(GLOBEX, GLOBEX)],
            None,
            EffectiveBudget(GLOBEX),
        ),
        (
            [group(ACME, ACME), group(GLOBEX, GLOBEX, joined_at=LATE, is_default=True)],
            None,
            EffectiveBudget(GLOBEX),
        ),
        ([group(ACME, ACME, joined_at=LATE), group(GLOBEX, GLOBEX)], None, EffectiveBudget(GLOBEX)),
    ],
)
def test_the_budget_in_effect(
    groups: list[GroupOfUser], override: Override | None, expected: EffectiveBudget
) -> None:
    assert effective_budget(groups, override) == expected
    assert effective_budget(reversed(groups), override) == expected
