"""Times in arguments and in cells."""

import re
from datetime import UTC, datetime, timedelta

DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
DAYS = re.compile(r"([0-9]{1,4})d")


def time_of(text: str) -> str:
    """A time for the API: a date is its midnight in UTC. The server checks anything else."""
    return f"{text}T00:00:00Z" if DATE.fullmatch(text) else text


def end_of(text: str, now: datetime | None = None) -> str:
    """Like `time_of`; `90d` is 90 days from now."""
    days = DAYS.fullmatch(text)
    if days is None:
        return time_of(text)
    return f"{(now or datetime.now(UTC)) + timedelta(days=int(days[1])):%Y-%m-%dT%H:%M:%SZ}"


def shown(time: str | None) -> str:
    """A time of the API without its microseconds, and without a midnight. Nothing for None."""
    if time is None:
        return ""
    return re.sub(r"\.[0-9]+Z$", "Z", time).removesuffix("T00:00:00Z")
