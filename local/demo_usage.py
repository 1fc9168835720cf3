"""What the demo company uses: records of the month before and of this month so far, from a fixed
seed. Each day of each person has a generator of its own, so a day is the same whenever it is made.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from local.demo_company import EMPLOYEES

SEED = "allowance"
SOURCE = "demo"
SATURDAY = 5
MINUTES_OF_A_DAY = 24 * 60
WORK_BEGINS, WORK_ENDS = 7 * 60, 19 * 60
AT_NIGHT = 8
"""One call of eight is made outside of working hours."""

UNKNOWN_USER = "build-server"
"""A name that no user has: its usage is attributed to nobody."""
UNKNOWN_USER_CALLS = 2
UNPRICED = ("vllm", "acme-assistant-7b")
"""A model of the company's own. It has no price."""

Record = dict[str, Any]
Model = tuple[str, str]


@dataclass(frozen=True)
class Habits:
    """What a group calls: models by weight, the most tokens of a call, and its labels."""

    models: dict[Model, int]
    input: int
    output: int
    cache_read: int
    projects: tuple[str, ...]
    clients: tuple[str, ...]


HABITS = {
    "engineering": Habits(
        {
            ("anthropic", "claude-sonnet-4-5"): 6,
            ("openai", "gpt-5"): 3,
            ("anthropic", "claude-haiku-4-5"): 2,
            UNPRICED: 1,
        },
        input=90_000,
        output=12_000,
        cache_read=100_000,
        projects=("checkout", "search", "mobile-app"),
        clients=("claude-code", "copilot"),
    ),
    "support": Habits(
        {
            ("openai", "gpt-5-mini"): 5,
            ("anthropic", "claude-haiku-4-5"): 4,
            ("google", "gemini-2.5-flash"): 3,
            UNPRICED: 1,
        },
        input=60_000,
        output=4_000,
        cache_read=90_000,
        projects=("helpdesk",),
        clients=("zendesk", "chat"),
    ),
    "marketing": Habits(
        {
            ("openai", "gpt-4.1"): 4,
            ("google", "gemini-2.5-flash"): 3,
            ("mistral", "mistral-large-latest"): 2,
        },
        input=40_000,
        output=9_000,
        cache_read=0,
        projects=("autumn-campaign", "website"),
        clients=("chat",),
    ),
}


def days(now: datetime) -> Iterator[date]:
    """Yield the days of the month before and of this month, to today, in UTC."""
    today = now.astimezone(UTC).date()
    day = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    while day <= today:
        yield day
        day += timedelta(days=1)


def records(now: datetime) -> list[Record]:
    """Return what was used before a time, oldest first."""
    made = [
        record
        for day in days(now)
        for user, calls, habits in _users()
        for record in _of_day(day, user, calls, habits)
    ]
    until = _written(now)
    return sorted(
        (each for each in made if each["occurred_at"] <= until),
        key=lambda each: (each["occurred_at"], each["id"]),
    )


def _users() -> Iterator[tuple[str, int, Habits]]:
    for each in EMPLOYEES:
        yield each.username, each.calls, HABITS[each.group]
    yield UNKNOWN_USER, UNKNOWN_USER_CALLS, HABITS["engineering"]


def _of_day(day: date, user: str, calls: int, habits: Habits) -> Iterator[Record]:
    chance = Random(f"{SEED}/{day}/{user}")  # noqa: S311 - The same every time, not a secret.
    most = calls if day.weekday() < SATURDAY else calls // 4
    for number in range(chance.randint(most // 2, most)):
        provider, model = chance.choices(list(habits.models), weights=list(habits.models.values()))[
            0
        ]
        tokens = {
            "input": chance.randint(500, habits.input),
            "output": chance.randint(50, habits.output),
        }
        if habits.cache_read and model != UNPRICED[1]:
            tokens["cache_read"] = chance.randint(0, habits.cache_read)
        yield {
            "source": SOURCE,
            "id": f"{day}-{user}-{number}",
            "user": user,
            "provider": provider,
            "model": model,
            "occurred_at": _written(_time(day, chance)),
            "tokens": tokens,
            "labels": {
                "project": chance.choice(habits.projects),
                "client": chance.choice(habits.clients),
            },
        }


def _time(day: date, chance: Random) -> datetime:
    is_at_night = chance.randrange(AT_NIGHT) == 0
    first, end = (0, MINUTES_OF_A_DAY) if is_at_night else (WORK_BEGINS, WORK_ENDS)
    after_midnight = timedelta(minutes=chance.randrange(first, end), seconds=chance.randrange(60))
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + after_midnight


def _written(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
