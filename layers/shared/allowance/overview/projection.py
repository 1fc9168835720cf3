"""How the spend of a period ends, by the days so far. Pure.

**Expected.** A day of the week has a weight: the mean of such days in the last 8 weeks. The rate is
what was spent in the period so far, divided by the weights of the days so far. Each day to come
adds its weight times the rate. Part of a day counts as that part of its weight. With less than 2
weeks of days all weights are equal. Before a whole day of the period is over, the rate is 1: the
level of the days before.

**Interval.** An 80% prediction interval: expected ± 1.2816 d, where 1.2816 is the 90th percentile
of the normal distribution, and not below what is spent already. d² = s² (n + R² / Q). s² is the sum
of the squared residuals of the whole days of the 8 weeks, each against its weight (times the rate
in the period), divided by their number less the number of weights that were estimated. n is the
number of days to come, and the first term is their own variation, as if days were independent. R is
the sum of their weights, and Q the sum of the squared weights of the days that the rate comes from:
the second term is the variance of the rate, as for a regression through the origin. Source:
Hyndman and Athanasopoulos, "Forecasting: Principles and Practice", 3rd edition, 5.5 (multipliers,
residual variance, and the naive assumption of uncorrelated residuals) and 7.9 (the variance of a
regression's prediction). With fewer than 7 whole days there is no interval.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import sqrt
from zoneinfo import ZoneInfo

from allowance.budgets.effective import Period
from allowance.budgets.periods import first_time_of

DAYS_LOOKED_AT = 56
DAYS_FOR_WEEKDAYS = 14
DAYS_FOR_INTERVAL = 7
MULTIPLIER = 1.2816
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Projection:
    """How the spend of a period ends, in exact micro-units. None: there is too little to say it.

    `exhausted_at` is when the expected spend reaches the limit; None: not within the period.
    """

    expected: Fraction | None
    low: Fraction | None
    high: Fraction | None
    exhausted_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Part:
    """A day, or the part of one that lies in a period."""

    start: datetime
    end: datetime
    day: date
    share: Fraction


def project(
    now: datetime,
    period: Period,
    zone: ZoneInfo,
    spent: Decimal,
    limit: Decimal | None,
    by_day: Mapping[date, Decimal],
) -> Projection:
    """Return how a period ends in which `spent` was spent so far.

    `by_day` is the spend by day of the zone, before and in the period; a day without one spent
    nothing, from the first day on that spent something. Only days before today count.
    """
    so_far, exactly = Fraction(spent), Fraction(limit) if limit is not None else None
    today = now.astimezone(zone).date()
    days = _whole_days(by_day, today)
    weights = _weights(days)
    past = list(_parts(period.start, min(now, period.end), zone))
    rest = list(_parts(max(now, period.start), period.end, zone))
    known = [each for each in past if each.share == 1 and each.day < today]
    elapsed = sum((weights[each.day.weekday()] * each.share for each in past), Fraction(0))
    remaining = sum((weights[each.day.weekday()] * each.share for each in rest), Fraction(0))
    if known and elapsed > 0:
        rate = max(so_far, Fraction(0)) / elapsed
    elif any(days.values()):
        rate = Fraction(1)
    elif not rest:
        rate = Fraction(0)
    else:
        return Projection(None, None, None, now if _is_spent(so_far, exactly) else None)
    expected = so_far + rate * remaining
    width = _width(days, weights, rate, known, rest)
    return Projection(
        expected,
        None if width is None else max(so_far, expected - width),
        None if width is None else expected + width,
        _exhausted_at(now, so_far, exactly, rate, weights, rest),
    )


def _whole_days(by_day: Mapping[date, Decimal], today: date) -> dict[date, Fraction]:
    """Return the spend of each of the last days before today, from the first that spent on."""
    first = today - timedelta(days=DAYS_LOOKED_AT)
    spent = [day for day, micros in by_day.items() if first <= day < today and micros]
    if not spent:
        return {}
    start = min(spent)
    days = (start + timedelta(days=number) for number in range((today - start).days))
    return {day: Fraction(by_day.get(day, 0)) for day in days}


def _weights(days: Mapping[date, Fraction]) -> list[Fraction]:
    """Return the weight of each day of the week, from Monday on."""
    total = sum(days.values(), Fraction(0))
    if total <= 0:
        return [Fraction(1)] * 7
    if len(days) < DAYS_FOR_WEEKDAYS:
        return [total / len(days)] * 7
    by_weekday = [
        [micros for day, micros in days.items() if day.weekday() == weekday] for weekday in range(7)
    ]
    # A correction may leave a day below zero.
    return [max(sum(each, Fraction(0)), Fraction(0)) / len(each) for each in by_weekday]


def _parts(start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[_Part]:
    """Yield the days of a zone between two times; the first and the last may be parts of one."""
    day = start.astimezone(zone).date()
    while start < end:
        opens, closes = first_time_of(day, zone), first_time_of(day + ONE_DAY, zone)
        stop = min(closes, end)
        if stop > start:
            share = Fraction(_micros(start, stop), _micros(opens, closes))
            yield _Part(start, stop, day, share)
            start = stop
        day += ONE_DAY


def _micros(start: datetime, end: datetime) -> int:
    return (end - start) // timedelta(microseconds=1)


def _width(
    days: Mapping[date, Fraction],
    weights: list[Fraction],
    rate: Fraction,
    known: list[_Part],
    rest: list[_Part],
) -> Fraction | None:
    """Return half the width of the interval; None with too few days."""
    if len(days) < DAYS_FOR_INTERVAL:
        return None
    in_period = {each.day for each in known}
    residuals = (
        micros - weights[day.weekday()] * (rate if day in in_period else 1)
        for day, micros in days.items()
    )
    estimated = 7 if len(days) >= DAYS_FOR_WEEKDAYS else 1
    variance = sum((each**2 for each in residuals), Fraction(0)) / (len(days) - estimated)
    source = in_period or days.keys()
    squares = sum((weights[day.weekday()] ** 2 for day in source), Fraction(0))
    to_come = sum((each.share for each in rest), Fraction(0))
    weighed = sum((weights[each.day.weekday()] * each.share for each in rest), Fraction(0))
    of_rate = weighed**2 / squares if squares else Fraction(0)
    return Fraction(MULTIPLIER) * _root(variance * (to_come + of_rate))


def _root(square: Fraction) -> Fraction:
    """Return the square root, to some 15 digits however large or small the number is."""
    if square == 0:
        return Fraction(0)
    # Brings the number near 1: a float would overflow.
    halves = (square.numerator.bit_length() - square.denominator.bit_length()) // 2
    scale = Fraction(2) ** halves
    return Fraction(sqrt(square / scale**2)) * scale


def _is_spent(so_far: Fraction, limit: Fraction | None) -> bool:
    return limit is not None and so_far >= limit


def _exhausted_at(
    now: datetime,
    so_far: Fraction,
    limit: Fraction | None,
    rate: Fraction,
    weights: list[Fraction],
    rest: list[_Part],
) -> datetime | None:
    """Return when the expected spend reaches the limit; None: not before the end."""
    if limit is None or not rest:
        return None
    if _is_spent(so_far, limit):
        return now
    for each in rest:
        adds = rate * weights[each.day.weekday()] * each.share
        if so_far + adds >= limit:
            part = (limit - so_far) / adds * _micros(each.start, each.end)
            at = each.start + timedelta(microseconds=-(-part.numerator // part.denominator))
            return at if at < rest[-1].end else None
        so_far += adds
    return None
