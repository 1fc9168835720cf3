"""The periods of budgets: the SQL function agrees with `allowance.budgets.periods`."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import psycopg
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from allowance.budgets.effective import Period
from allowance.budgets.periods import Calendar, PeriodUnit, period_of
from tests.depth import by_depth
from tests.postgres import Database

PERIODS = (
    "SELECT p.starts, p.ends FROM jsonb_array_elements(%s) WITH ORDINALITY AS e (asked, n)"
    " CROSS JOIN LATERAL ai_budget_period("
    "jsonb_populate_record(NULL::ai_budgets, e.asked), (e.asked ->> 'at')::timestamptz) AS p"
    " ORDER BY e.n"
)

CHANGES = {
    # Clocks go forward or back at midnight.
    "America/Havana": ["2024-03-10", "2024-11-03"],
    "Asia/Beirut": ["2024-03-31", "2024-10-27"],
    "Africa/Cairo": ["2024-04-26", "2024-11-01"],
    "America/Sao_Paulo": ["2018-02-18", "2018-11-04"],
    # Clocks go back from 00:01 and from 02:00 to the day before.
    "America/St_Johns": ["2006-04-02", "2006-10-29"],
    "Antarctica/Casey": ["2010-03-05", "2009-10-18"],
    # A day does not exist.
    "Pacific/Apia": ["2011-12-30", "2011-12-31"],
    "Pacific/Kwajalein": ["1993-08-21"],
    # The gap starts before midnight and ends after it.
    "America/Toronto": ["1919-03-31"],
    "Europe/Berlin": ["2026-03-29", "2026-10-25"],
    "Asia/Kathmandu": ["1986-01-01"],
    "UTC": ["2024-02-29", "2025-12-31"],
}
NEAR = sorted(
    (zone, datetime.fromisoformat(day).replace(tzinfo=UTC))
    for zone, days in CHANGES.items()
    for day in days
)

UNITS: list[PeriodUnit] = ["day", "week", "month", "quarter", "year"]


@dataclass(frozen=True)
class Asked:
    """A calendar and a time."""

    calendar: Calendar
    at: datetime


@st.composite
def questions(draw: st.DrawFn) -> Asked:
    """Half of the times are near a change of clocks."""
    zone, near = draw(st.sampled_from(NEAR))
    hours = draw(st.one_of(st.integers(-60, 60), st.integers(-9000, 9000)))
    minutes = draw(st.sampled_from([0, 0, 1, 29, 30, 59]))
    return Asked(
        Calendar(
            draw(st.sampled_from(UNITS)),
            zone,
            draw(st.integers(1, 7)),
            draw(st.integers(1, 12)),
        ),
        near + timedelta(hours=hours, minutes=minutes, microseconds=draw(st.integers(-1, 1))),
    )


def periods(database: Database, asked: list[Asked]) -> list[Period]:
    """What the database says."""
    documents = [
        {
            "period_unit": each.calendar.unit,
            "time_zone": each.calendar.time_zone,
            "week_starts": each.calendar.week_starts,
            "year_starts": each.calendar.year_starts,
            "at": each.at.isoformat(),
        }
        for each in asked
    ]
    return [Period(*row) for row in database.rows(PERIODS, json.dumps(documents))]


def test_the_database_and_python_agree_on_every_period(migrated: Database) -> None:
    # A failure names what was asked; making it smaller would take minutes.
    @settings(max_examples=by_depth(25, 100, 1000), database=None, phases=[Phase.generate])
    @given(st.lists(questions(), min_size=10, max_size=40))
    def agree(asked: list[Asked]) -> None:
        found = periods(migrated, asked)
        expected = [period_of(each.calendar, each.at) for each in asked]
        assert [
            each for each in zip(asked, found, expected, strict=True) if each[1] != each[2]
        ] == []
        # Each contains its time, and the next one and the one before touch it.
        assert all(p.start <= each.at < p.end for p, each in zip(found, asked, strict=True))
        later, earlier = (
            periods(migrated, [Asked(a.calendar, time) for a, time in zip(asked, at, strict=True)])
            for at in (
                [each.end for each in found],
                [each.start - timedelta(microseconds=1) for each in found],
            )
        )
        assert [each.start for each in later] == [each.end for each in found]
        assert [each.end for each in earlier] == [each.start for each in found]

    agree()


@pytest.mark.parametrize(
    ("zone", "at", "start", "end"),
    [
        # Midnight does not exist: the day starts an hour later by its clocks.
        ("America/Havana", "2024-03-10T12:00", "2024-03-10T05:00", "2024-03-11T04:00"),
        # Midnight occurs twice: the day has 25 hours, and both are in it.
        ("America/Havana", "2024-11-03T04:30", "2024-11-03T04:00", "2024-11-04T05:00"),
        # The last hour of the day occurs twice.
        ("Asia/Beirut", "2024-10-26T21:30", "2024-10-25T21:00", "2024-10-26T22:00"),
        ("Africa/Cairo", "2024-04-25T22:00", "2024-04-25T22:00", "2024-04-26T21:00"),
        ("America/Sao_Paulo", "2018-02-18T02:30", "2018-02-17T02:00", "2018-02-18T03:00"),
        # At 00:01 the clocks go back to 23:01: the new day has started.
        ("America/St_Johns", "2006-10-29T02:45", "2006-10-29T02:30", "2006-10-30T03:30"),
        # The 30th does not exist.
        ("Pacific/Apia", "2011-12-30T09:59", "2011-12-29T10:00", "2011-12-30T10:00"),
        ("Pacific/Apia", "2011-12-30T10:00", "2011-12-30T10:00", "2011-12-31T10:00"),
        # 23:30 is followed by 00:30.
        ("America/Toronto", "1919-03-31T04:45", "1919-03-31T04:30", "1919-04-01T04:00"),
    ],
)
def test_a_day_starts_when_the_clocks_first_show_it(
    migrated: Database, zone: str, at: str, start: str, end: str
) -> None:
    asked = Asked(Calendar("day", zone), datetime.fromisoformat(f"{at}Z"))
    expected = Period(datetime.fromisoformat(f"{start}Z"), datetime.fromisoformat(f"{end}Z"))
    assert periods(migrated, [asked]) == [expected] == [period_of(asked.calendar, asked.at)]


def test_weeks_quarters_and_years_start_where_the_budget_says(migrated: Database) -> None:
    at = datetime(2026, 2, 28, 12, tzinfo=UTC)  # a Saturday
    expected = {
        Calendar("week", week_starts=1): ("2026-02-23", "2026-03-02"),
        Calendar("week", week_starts=6): ("2026-02-28", "2026-03-07"),
        Calendar("week", week_starts=7): ("2026-02-22", "2026-03-01"),
        Calendar("month"): ("2026-02-01", "2026-03-01"),
        Calendar("quarter"): ("2026-01-01", "2026-04-01"),
        Calendar("quarter", year_starts=2): ("2026-02-01", "2026-05-01"),
        Calendar("quarter", year_starts=3): ("2025-12-01", "2026-03-01"),
        Calendar("year", year_starts=3): ("2025-03-01", "2026-03-01"),
        Calendar("year", year_starts=2): ("2026-02-01", "2027-02-01"),
    }
    found = periods(migrated, [Asked(calendar, at) for calendar in expected])
    assert [(f"{p.start:%F}", f"{p.end:%F}") for p in found] == list(expected.values())


def test_a_budget_without_a_unit_has_one_period_of_all_time(migrated: Database) -> None:
    rows = migrated.rows(
        "SELECT p.starts = '-infinity', p.ends = 'infinity' FROM ai_budget_period("
        """jsonb_populate_record(NULL::ai_budgets, '{"period_unit": "none"}'), now()) AS p"""
    )
    assert rows == [(True, True)]
    assert period_of(Calendar("none"), datetime.now(UTC)) is None


def test_no_period_contains_an_infinite_time(migrated: Database) -> None:
    asked = {"period_unit": "day", "time_zone": "UTC", "at": "infinity"}
    with pytest.raises(psycopg.errors.DatetimeFieldOverflow):
        migrated.rows(PERIODS, json.dumps([asked]))


def test_every_month_has_its_own_length(migrated: Database) -> None:
    starts = [datetime(2024 + n // 12, n % 12 + 1, 1, tzinfo=UTC) for n in range(26)]
    found = periods(migrated, [Asked(Calendar("month"), each) for each in starts[:-1]])
    assert found == [Period(*each) for each in pairwise(starts)]
