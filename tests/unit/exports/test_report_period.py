"""The period of a report: what is refused, and how it falls into whole days and parts of days."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allowance.exports.report_period import InvalidPeriod, ReportPeriod, report_period

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
START = datetime(2026, 11, 1, tzinfo=UTC)

TIMES = st.datetimes(
    datetime(2026, 2, 20),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(2026, 3, 5),  # noqa: DTZ001
    timezones=st.sampled_from((UTC, timezone(timedelta(hours=5, minutes=30)))),
)


@given(TIMES, TIMES)
def test_whole_days_and_parts_make_the_period(one: datetime, other: datetime) -> None:
    if one == other:
        return
    period = report_period(min(one, other), max(one, other), NOW)
    first, last = (datetime.combine(each, datetime.min.time(), UTC) for each in period.days)
    pieces = sorted([*period.parts, *([(first, last)] if first < last else [])])
    assert pieces[0][0] == period.start
    assert pieces[-1][1] == period.end
    assert all(before[1] == after[0] for before, after in zip(pieces, pieces[1:], strict=False))
    assert all(start < end for start, end in pieces)
    # A part is within one day, and no whole day.
    for start, end in period.parts:
        assert (end - timedelta(microseconds=1)).date() == start.date()
        assert end - start < timedelta(days=1)


def test_the_current_month_has_no_part_of_a_day() -> None:
    period = report_period(None, None, NOW)
    assert period == ReportPeriod(START, datetime(2026, 12, 1, tzinfo=UTC))
    assert (period.days, period.parts) == ((date(2026, 11, 1), date(2026, 12, 1)), [])


def test_a_part_of_one_day_has_no_whole_day() -> None:
    period = report_period(START.replace(hour=1), START.replace(hour=2), NOW)
    assert period.days[0] == period.days[1]
    assert period.parts == [(period.start, period.end)]


@pytest.mark.parametrize(
    ("start", "end", "message", "field"),
    [
        (
            START,
            None,
            'Query parameters "period_start" and "period_end" must be provided together.',
            "period_end",
        ),
        (
            None,
            START,
            'Query parameters "period_start" and "period_end" must be provided together.',
            "period_start",
        ),
        (
            START,
            START,
            'Query parameter "period_start" must be before "period_end".',
            "period_start",
        ),
        (
            START,
            START + timedelta(days=31, microseconds=1),
            "Query period must not exceed 31 days.",
            "period_end",
        ),
        (
            START.replace(year=2019),
            START.replace(year=2019, day=2),
            'Query parameter "period_start" must be from 2020 to 2099.',
            "period_start",
        ),
        (
            datetime(2099, 12, 31, tzinfo=UTC),
            datetime(2100, 1, 1, tzinfo=UTC),
            'Query parameter "period_end" must be from 2020 to 2099.',
            "period_end",
        ),
    ],
)
def test_a_bad_period_is_refused_in_the_words_of_coder(
    start: datetime | None, end: datetime | None, message: str, field: str
) -> None:
    with pytest.raises(InvalidPeriod) as refused:
        report_period(start, end, NOW)
    assert refused.value.message == message
    assert [each.field for each in refused.value.problems] == [field]


def test_thirty_one_days_are_a_period() -> None:
    assert report_period(START, START + timedelta(days=31), NOW).days[1] == date(2026, 12, 2)
