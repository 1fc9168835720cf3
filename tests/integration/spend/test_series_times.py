"""Where the points of a series start: the database against the clocks of Python."""

from datetime import datetime, timedelta

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.depth import by_depth
from tests.postgres import Database
from tests.series_model import QUARTER, starts_of, utc

CHANGES = {
    # Clocks go forward or back at midnight.
    "America/Havana": [utc(2024, 3, 10), utc(2024, 11, 3)],
    "Asia/Beirut": [utc(2024, 3, 31), utc(2024, 10, 27)],
    "Africa/Cairo": [utc(2024, 4, 26), utc(2024, 11, 1)],
    "Europe/Berlin": [utc(2026, 3, 29), utc(2026, 10, 25)],
    # By half an hour.
    "Australia/Lord_Howe": [utc(2026, 4, 4), utc(2026, 10, 3)],
    "Asia/Kathmandu": [utc(2026, 1, 1)],
    "America/St_Johns": [utc(2026, 3, 8), utc(2026, 11, 1)],
    "Etc/GMT+5": [utc(2026, 1, 1)],
    "UTC": [utc(2024, 2, 29), utc(2025, 12, 31)],
}
NEAR = [(zone, at) for zone, times in CHANGES.items() for at in times]
MONTH = "SELECT starts, ends FROM ai_series_period(%s, %s, %s::date, NULL, NULL)"


def starts(
    database: Database, by: str, zone: str, start: datetime, end: datetime
) -> list[datetime]:
    ((found, ends),) = database.rows(
        "SELECT starts, ends FROM ai_series_period(%s, %s, NULL, %s, %s)", by, zone, start, end
    )
    assert ends == end
    return found


def test_points_start_where_the_clocks_show_the_next_one(migrated: Database) -> None:
    # A failure names what was asked; making it smaller would take long.
    @settings(max_examples=by_depth(25, 100, 2000), database=None, phases=[Phase.generate])
    @given(
        st.sampled_from(["hour", "day", "week", "month"]),
        st.sampled_from(NEAR),
        st.integers(-300, 300),
        st.integers(1, 2000),
    )
    def agree(by: str, near: tuple[str, datetime], before: int, length: int) -> None:
        zone, at = near
        start = at + before * QUARTER
        end = start + length * QUARTER
        assert starts(migrated, by, zone, start, end) == starts_of(by, zone, start, end)

    agree()


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", "2026-03-29", 23),
        ("Europe/Berlin", "2026-10-25", 25),
        ("America/Havana", "2024-11-03", 25),
        # 01:59 is followed by 01:30, and 02:00 by 02:30.
        ("Australia/Lord_Howe", "2026-04-05", 24),
        ("Australia/Lord_Howe", "2026-10-04", 24),
    ],
)
def test_a_day_on_which_clocks_change_has_other_hours(
    migrated: Database, zone: str, day: str, hours: int
) -> None:
    ((start, end),) = migrated.rows(
        "SELECT ai_first_time_of(%s::timestamp, %s), ai_first_time_of(%s::timestamp + '1 day', %s)",
        day, zone, day, zone,
    )  # fmt: skip
    assert len(starts(migrated, "hour", zone, start, end)) == hours
    assert starts(migrated, "day", zone, start, end) == [start]


@pytest.mark.parametrize(
    ("zone", "month", "days", "start"),
    [
        ("UTC", "2024-02-01", 29, "2024-02-01T00:00Z"),
        ("UTC", "2026-12-01", 31, "2026-12-01T00:00Z"),
        ("Europe/Berlin", "2026-03-01", 31, "2026-02-28T23:00Z"),
        ("America/Los_Angeles", "2026-11-01", 30, "2026-11-01T07:00Z"),
    ],
)
def test_a_month_is_one_of_the_time_zone(
    migrated: Database, zone: str, month: str, days: int, start: str
) -> None:
    ((found, ends),) = migrated.rows(MONTH, "day", zone, month)
    assert (len(found), found[0]) == (days, datetime.fromisoformat(start))
    ((whole, same),) = migrated.rows(MONTH, "month", zone, month)
    assert (whole, same) == ([found[0]], ends)


def test_weeks_start_on_monday_and_the_first_may_be_shorter(migrated: Database) -> None:
    found = starts(migrated, "week", "UTC", utc(2026, 11, 1), utc(2026, 11, 17))
    assert found == [utc(2026, 11, 1), *(utc(2026, 11, day) for day in (2, 9, 16))]


def test_the_current_month_is_that_of_the_zones_clocks(migrated: Database) -> None:
    zone = "Pacific/Kiritimati"
    ((found, ends),) = migrated.rows(
        "SELECT starts, ends FROM ai_series_period('month', %s, NULL, NULL, NULL)", zone
    )
    ((now, first),) = migrated.rows(
        "SELECT now(), date_trunc('month', now() AT TIME ZONE %s) AT TIME ZONE %s", zone, zone
    )
    assert found == [first]
    assert first <= now < ends <= first + timedelta(days=31)


@pytest.mark.parametrize(
    ("zone", "is_known"),
    [
        ("UTC", True),
        ("Europe/Berlin", True),
        ("America/Port-au-Prince", True),
        ("Etc/GMT+5", True),
        ("Europe/Berlin3", False),
        ("Europe/Bern", False),
        ("right/Europe/Berlin", False),
        ("Posix/Europe/Berlin", False),
        ("CET", False),
        ("../UTC", False),
        ("Europe/", False),
        ("/", False),
    ],
)
def test_only_names_of_the_list_are_time_zones(
    migrated: Database, zone: str, is_known: bool
) -> None:
    assert migrated.rows("SELECT ai_knows_time_zone(%s)", zone) == [(is_known,)]
