"""The usage of the demo company: the same every time, of two months, with all that a demo shows."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from local.demo_company import EMPLOYEES, whole_cents
from local.demo_usage import UNKNOWN_USER, UNPRICED, records
from local.options import CannotRun, Options

NOW = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)


def test_a_later_run_makes_the_same_records_and_those_that_came_since() -> None:
    now, later = records(NOW), records(NOW + timedelta(days=2))
    assert records(NOW) == now == later[: len(now)]
    assert all(NOW.strftime("%Y-%m-%dT%H") <= each["occurred_at"] for each in later[len(now) :])
    ids = [each["id"] for each in later]
    assert len(ids) == len(set(ids)) > len(now)


def test_records_reach_from_the_month_before_to_now() -> None:
    times = [each["occurred_at"] for each in records(NOW)]
    assert times == sorted(times)
    assert times[0].startswith("2026-10-01")
    assert "2026-11-25" < times[-1] <= "2026-11-25T15:00:00Z"


@pytest.mark.parametrize(
    ("now", "first"),
    [(datetime(2027, 1, 1, tzinfo=UTC), "2026-12"), (datetime(2028, 3, 31, tzinfo=UTC), "2028-02")],
)
def test_the_month_before_may_be_shorter_or_of_another_year(now: datetime, first: str) -> None:
    made = records(now)
    assert {each["occurred_at"][:7] for each in made} <= {first, f"{now:%Y-%m}"}
    assert made[0]["occurred_at"].startswith(f"{first}-01")


def test_the_company_shows_what_a_demo_needs() -> None:
    made = records(NOW)
    assert {each["user"] for each in made} == {
        UNKNOWN_USER,
        *(each.username for each in EMPLOYEES),
    }
    assert len(EMPLOYEES) == 15
    assert len({each.group for each in EMPLOYEES}) == 3
    assert len({each["provider"] for each in made}) >= 4
    assert UNPRICED in {(each["provider"], each["model"]) for each in made}
    assert all({"project", "client"} == each["labels"].keys() for each in made)
    of_days = Counter(datetime.fromisoformat(each["occurred_at"]).weekday() for each in made)
    assert max(of_days[5], of_days[6]) * 2 < min(of_days[day] for day in range(5))


def test_a_limit_is_in_whole_cents_and_never_blocks() -> None:
    assert [whole_cents(each) for each in (1, 10_000, 19_999, 26_742_211)] == [
        10_000,
        10_000,
        10_000,
        26_740_000,
    ]


@pytest.mark.parametrize(
    ("environment", "has_usage"),
    [
        ({}, True),
        ({"DEMO": "month"}, True),
        ({"DEMO": "empty"}, False),
        ({"AI_BUDGETS_ENABLED": "false"}, False),
    ],
)
def test_the_demo_can_be_left_out(environment: dict[str, str], has_usage: bool) -> None:
    assert Options.read(environment).has_usage == has_usage


def test_an_unknown_demo_is_refused() -> None:
    with pytest.raises(CannotRun, match="DEMO must be month or empty"):
        Options.read({"DEMO": "full"})
