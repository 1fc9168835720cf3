"""How the spend of a period ends: laws on random spenders, and cases computed by hand."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allowance.budgets.effective import Period
from allowance.budgets.periods import Calendar, first_time_of, period_of
from allowance.overview.projection import Projection, project

ZONES = [ZoneInfo(name) for name in ("UTC", "Europe/Berlin", "Africa/Cairo", "Asia/Kolkata")]
JUNE = Period(datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC))
MONDAY_8 = datetime(2026, 6, 8, tzinfo=UTC)
FIRST, LAST = datetime(2024, 1, 1), datetime(2027, 1, 1)  # noqa: DTZ001
amounts = st.decimals(min_value=0, max_value=10**13, places=6)


@st.composite
def spenders(draw: Any) -> dict[str, Any]:
    """A time, the period that it is in, and what was spent by day, with nothing left out."""
    zone = draw(st.sampled_from(ZONES))
    now = draw(st.datetimes(FIRST, LAST, timezones=st.just(UTC)))
    unit = draw(st.sampled_from(["day", "week", "month", "quarter", "year"]))
    period = period_of(Calendar(unit, zone.key), now)
    assert period is not None
    today = now.astimezone(zone).date()
    by_day = {
        today - timedelta(days=ago): micros
        for ago, micros in draw(st.dictionaries(st.integers(0, 70), amounts, max_size=70)).items()
    }
    start = period.start.astimezone(zone).date()
    spent = sum((micros for day, micros in by_day.items() if day >= start), Decimal(0))
    return {
        "now": now,
        "period": period,
        "zone": zone,
        "spent": spent,
        "limit": draw(st.none() | amounts),
        "by_day": by_day,
    }


@given(spenders())
def test_what_is_spent_is_never_taken_back(given_: dict[str, Any]) -> None:
    found = project(**given_)
    spent, now, end = Fraction(given_["spent"]), given_["now"], given_["period"].end
    if found.expected is None:
        assert (found.low, found.high) == (None, None)
    else:
        assert spent <= found.expected
    if found.low is not None and found.high is not None and found.expected is not None:
        assert spent <= found.low <= found.expected <= found.high
    if found.exhausted_at is not None:
        assert given_["limit"] is not None
        assert now <= found.exhausted_at < end


@given(spenders(), st.integers(2, 10**6))
def test_a_thousand_times_the_spend_is_a_thousand_times_the_forecast(
    given_: dict[str, Any], scale: int
) -> None:
    limit = given_["limit"]
    scaled: dict[str, Any] = given_ | {
        "spent": given_["spent"] * scale,
        "limit": None if limit is None else limit * scale,
        "by_day": {day: micros * scale for day, micros in given_["by_day"].items()},
    }
    one, many = project(**given_), project(**scaled)
    assert one.exhausted_at == many.exhausted_at
    assert many.expected == (None if one.expected is None else one.expected * scale)
    for small, large in ((one.low, many.low), (one.high, many.high)):
        if small is None:
            assert large is None
        else:
            assert float(large or 0) == pytest.approx(float(small * scale))


@given(
    st.sampled_from(ZONES),
    st.datetimes(FIRST, LAST, timezones=st.just(UTC)),
    st.sampled_from(["day", "week", "month", "quarter", "year"]),
    st.integers(1, 10**12),
    st.integers(0, 70),
)
def test_a_constant_spender_is_predicted_exactly(
    zone: ZoneInfo, now: datetime, unit: Any, a_day: int, days: int
) -> None:
    period = period_of(Calendar(unit, zone.key), now)
    assert period is not None
    today = now.astimezone(zone).date()
    start, end = (each.astimezone(zone).date() for each in (period.start, period.end))
    first = min(start, today - timedelta(days=days))
    if first == today:
        return  # Nothing is known.
    by_day = {
        first + timedelta(days=number): Decimal(a_day) for number in range((today - first).days)
    }
    opens, closes = first_time_of(today, zone), first_time_of(today + timedelta(days=1), zone)
    so_far = (today - start).days + Fraction((now - opens) / (closes - opens))
    spent = Decimal(a_day * so_far.numerator) / so_far.denominator
    whole = Fraction(a_day * (end - start).days)
    found = project(now, period, zone, spent, None, by_day)
    assert found.expected is not None
    # The clock's share of today is no finite decimal.
    assert float(found.expected) == pytest.approx(float(whole), rel=1e-12)
    if (today - first).days >= 7:
        assert found.low is not None
        assert found.high is not None
        assert float(found.high - found.low) == pytest.approx(0, abs=float(whole) * 1e-9)


def days(first: date, *micros: int) -> dict[date, Decimal]:
    return {first + timedelta(days=number): Decimal(each) for number, each in enumerate(micros)}


def in_june(now: datetime, spent: int, by_day: dict[date, Decimal], **more: Any) -> Projection:
    limit = more.get("limit")
    zone, period = more.get("zone", ZoneInfo("UTC")), more.get("period", JUNE)
    exact = None if limit is None else Decimal(limit)
    return project(now, period, zone, Decimal(spent), exact, by_day)


WEEK = (100, 100, 100, 100, 100, 0, 0)
EIGHT_WEEKS = days(date(2026, 4, 6), *WEEK * 8)
"""Workdays only, up to the 31st of May, a Sunday."""


def test_a_weekend_adds_nothing_where_weekends_never_did() -> None:
    """June 2026 has 22 workdays; twice as much is spent as before."""
    week = days(date(2026, 6, 1), *(2 * each for each in WEEK))
    assert in_june(MONDAY_8, 1000, EIGHT_WEEKS | week).expected == 4400
    assert in_june(MONDAY_8 - timedelta(days=2), 1000, EIGHT_WEEKS | week).expected == 4400


def test_days_are_alike_where_two_weeks_are_not_known() -> None:
    week = days(date(2026, 6, 1), *WEEK)
    assert in_june(MONDAY_8, 500, week).expected == Fraction(500 * 30, 7)


def test_only_the_last_eight_weeks_tell_the_days_of_the_week() -> None:
    old = days(date(2026, 4, 12), 10**6)
    # The 13th of April is 56 days before the 8th of June.
    known = days(date(2026, 4, 13), *WEEK * 8)
    assert in_june(MONDAY_8, 500, known | old).expected == 2200


def test_the_days_before_tell_the_first_day_of_a_period() -> None:
    noon = JUNE.start + timedelta(hours=12)
    assert in_june(noon, 7, EIGHT_WEEKS).expected == 7 + 50 + 21 * 100
    assert in_june(noon, 7, {}) == Projection(None, None, None, None)
    assert in_june(noon, 7, {}, limit=7).exhausted_at == noon


def test_today_counts_by_the_clock() -> None:
    """15 hours of 24: 1500 in 5 days are 300 a day."""
    now = JUNE.start + timedelta(days=4, hours=24)
    assert in_june(now, 1500, days(date(2026, 6, 1), *[300] * 5)).expected == 9000
    later = now + timedelta(hours=15)
    found = in_june(later, 1500, days(date(2026, 6, 1), *[300] * 5))
    assert found.expected == Fraction(1500) / (5 + Fraction(15, 24)) * 30


def test_an_interval_is_that_of_the_residuals() -> None:
    """100 or 120 a day for 8 days: the mean is 110, and each residual 10."""
    now = JUNE.start + timedelta(days=8)
    found = in_june(now, 880, days(date(2026, 6, 1), *[100, 120] * 4))
    variance = Fraction(8 * 100, 7) * (22 + Fraction((22 * 110) ** 2, 8 * 110**2))
    assert (found.expected, found.low is not None) == (3300, True)
    assert float(found.high or 0) == pytest.approx(3300 + 1.2816 * float(variance) ** 0.5)
    assert float(found.low or 0) == pytest.approx(3300 - 1.2816 * float(variance) ** 0.5)


def test_six_days_are_too_few_for_an_interval() -> None:
    now = JUNE.start + timedelta(days=6)
    found = in_june(now, 660, days(date(2026, 6, 1), *[100, 120] * 3))
    assert (found.expected, found.low, found.high) == (3300, None, None)


@pytest.mark.parametrize(
    ("limit", "at"),
    [
        (500, MONDAY_8),
        (0, MONDAY_8),
        (550, datetime(2026, 6, 8, 12, tzinfo=UTC)),
        (1000, datetime(2026, 6, 13, tzinfo=UTC)),
        (1001, datetime(2026, 6, 15, 0, 14, 24, tzinfo=UTC)),
        (2200, None),
        (None, None),
    ],
)
def test_a_limit_is_exhausted_when_the_expected_spend_reaches_it(
    limit: int | None, at: datetime | None
) -> None:
    known = EIGHT_WEEKS | days(date(2026, 6, 1), *WEEK)
    found = in_june(MONDAY_8, 500, known, limit=limit)
    assert (found.expected, found.exhausted_at) == (2200, at)


def test_a_correction_that_leaves_less_than_nothing_goes_on_with_nothing() -> None:
    week = days(date(2026, 6, 1), *[0] * 7)
    assert in_june(MONDAY_8, -700, EIGHT_WEEKS | week).expected == -700


def test_a_day_of_a_zone_has_the_hours_that_its_clocks_show() -> None:
    """The 25th of October has 25 hours in Berlin: after 5 of them a fifth is over."""
    zone = ZoneInfo("Europe/Berlin")
    period = period_of(Calendar("day", zone.key), datetime(2026, 10, 25, 12, tzinfo=UTC))
    assert period is not None
    now = period.start + timedelta(hours=5)
    found = in_june(now, 30, days(date(2026, 10, 15), *[100] * 10), zone=zone, period=period)
    assert found.expected == 30 + 80


def test_a_period_that_has_not_started_or_is_over() -> None:
    before = in_june(JUNE.start - timedelta(days=1), 0, EIGHT_WEEKS, limit=2200)
    assert (before.expected, before.exhausted_at) == (2200, None)
    assert in_june(JUNE.end, 5, EIGHT_WEEKS, limit=9) == Projection(
        Fraction(5), Fraction(5), Fraction(5), None
    )
