"""Spend over time in plain Python, from the entries of the ledger, to compare responses with."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from allowance.contract.fields import rfc3339
from tests.gateway import Client
from tests.ledger import ledger_of
from tests.postgres import Database

QUARTER = timedelta(minutes=15)
NOBODY = UUID(int=0)
TOKENS_IN_OTHER_UNITS = ("input_audio", "output_audio")
"""Of the other units that tests send, those that count tokens."""
ENTRIES = (
    "SELECT occurred_at, organization_id, group_id, user_id, provider, model,"
    " coalesce(labels, '{}'), cost_micros, input_tokens + output_tokens + cache_read_tokens"
    " + cache_write_tokens + cache_write_1h_tokens, other_units, usage_count, unpriced_usage_count"
    " FROM "
)


@dataclass(frozen=True)
class Entry:
    """What a series counts of an entry of the ledger."""

    occurred_at: datetime
    organization_id: UUID
    group_id: UUID
    user_id: UUID
    provider: str
    model: str
    labels: dict[str, str]
    cost_micros: Decimal | None
    text_tokens: int
    other_units: dict[str, int] | None
    usage_count: int
    unpriced_usage_count: int

    @property
    def sums(self) -> tuple[Decimal, int, int, int]:
        others = self.other_units or {}
        tokens = self.text_tokens + sum(others.get(each, 0) for each in TOKENS_IN_OTHER_UNITS)
        return self.cost_micros or Decimal(), tokens, self.usage_count, self.unpriced_usage_count

    def key(self, split: str | None) -> str | None:
        if split in ("group", "user"):
            id_ = self.group_id if split == "group" else self.user_id
            return None if id_ == NOBODY else str(id_)
        if split in ("model", "provider"):
            return self.model if split == "model" else self.provider
        return self.labels.get((split or "").removeprefix("label:"))

    def matches(self, parameters: dict[str, str]) -> bool:
        key, _, value = parameters.get("label", "").partition(":")
        return (
            self.model == parameters.get("model", self.model)
            and self.provider == parameters.get("provider", self.provider)
            and str(self.group_id) == parameters.get("group", str(self.group_id))
            and str(self.user_id) == parameters.get("user", str(self.user_id))
            and (not key or self.labels.get(key) == value)
        )


def entries(database: Database) -> list[Entry]:
    return [Entry(*row) for row in database.rows(ENTRIES + ledger_of(database))]


@lru_cache
def starts_of(by: str, zone: str, start: datetime, end: datetime) -> list[datetime]:
    """The points of a series, found by looking at the clocks every quarter of an hour."""
    clocks = ZoneInfo(zone)

    def shown(at: datetime) -> date | datetime:
        clock = at.astimezone(clocks).replace(tzinfo=None)
        if by == "hour":
            return clock.replace(minute=0)
        day = clock.date()
        if by == "week":
            return day - timedelta(days=day.weekday())
        return day.replace(day=1) if by == "month" else day

    starts = [start]
    # Two days before: clocks that go back show a day again that has ended.
    at = start - timedelta(days=2)
    before = latest = shown(at)
    while (at := at + QUARTER) < end:
        now = shown(at)
        if by == "hour":
            is_start = now != before or at.astimezone(clocks).minute == 0
        else:
            is_start = now > latest  # type: ignore[operator]
        if is_start and at > start:
            starts.append(at)
        before, latest = now, max(latest, now)  # type: ignore[type-var]
    return starts


def expected(
    found: list[Entry], parameters: dict[str, str], start: datetime, end: datetime
) -> dict[str, Any]:
    """The series, the rest and the total that a response has for these entries."""
    starts = starts_of(parameters.get("by", "day"), parameters.get("time_zone", "UTC"), start, end)
    counted = [each for each in found if start <= each.occurred_at < end]
    counted = [each for each in counted if each.matches(parameters)]
    split = parameters.get("split")
    if split == "client":
        split = "label:client"
    keys: defaultdict[str | None, list[Entry]] = defaultdict(list)
    for each in counted:
        keys[each.key(split) if split else None].append(each)
    if split is None:
        keys.setdefault(None, [])
    ranked = sorted(
        keys,
        key=lambda key: (
            -sum(each.sums[0] for each in keys[key]),
            -sum(each.unpriced_usage_count for each in keys[key]),
            key is None,
            key,
        ),
    )
    top = int(parameters.get("top", 10))
    rest = [each for key in ranked[top:] for each in keys[key]]
    return {
        # Usage that was taken back leaves sums of nothing.
        "series": [
            {"key": key, **series_of(keys[key], starts)}
            for key in ranked[:top]
            if split is None or any(map(any, points_of(keys[key], starts)))
        ],
        "rest_micros": round(sum((each.sums[0] for each in rest), Decimal())),
        "total_micros": round(sum((each.sums[0] for each in counted), Decimal())),
        "unpriced_usage_count": sum(each.unpriced_usage_count for each in counted),
        "rest": series_of(rest, starts) if rest else None,
    }


def points_of(counted: list[Entry], starts: list[datetime]) -> list[tuple[Decimal, int, int, int]]:
    points = [(Decimal(), 0, 0, 0)] * len(starts)
    for each in counted:
        place = sum(start <= each.occurred_at for start in starts) - 1
        cost, tokens, count, unpriced = points[place]
        more = each.sums
        points[place] = cost + more[0], tokens + more[1], count + more[2], unpriced + more[3]
    return points


def series_of(counted: list[Entry], starts: list[datetime]) -> dict[str, Any]:
    points = points_of(counted, starts)
    return {
        "total_micros": round(sum((each[0] for each in points), Decimal())),
        "points": [
            {
                "start": rfc3339(start),
                "cost_micros": round(cost),
                "tokens": tokens,
                "usage_count": count,
                "unpriced_usage_count": unpriced,
            }
            for start, (cost, tokens, count, unpriced) in zip(starts, points, strict=True)
        ],
    }


def get(client: Client, path: str, **parameters: str) -> dict[str, Any]:
    answer = client.get(f"{path}/ai/spend/series?{urlencode(parameters)}")
    assert answer.status == 200, answer.body
    return answer.json()


def assert_series_agree(
    client: Client, path: str, found: list[Entry], start: datetime, end: datetime, **more: str
) -> dict[str, Any]:
    """The series of a path are those of the entries. Returns the response."""
    bounds = {"from": rfc3339(start), "to": rfc3339(end)}
    response = get(client, path, **bounds, **more)
    shown = {
        name: [
            {field: value for field, value in each.items() if field != "name"}
            for each in response[name]
        ]
        if name == "series"
        else response[name]
        for name in ("series", "rest_micros", "total_micros", "unpriced_usage_count", "rest")
    }
    model = expected(found, more, start, end)
    # A rest of which every point is empty is left out, or not: it is nothing either way.
    if shown["rest"] is None or model["rest"] is None:
        for each in (shown, model):
            rest = each.pop("rest")
            assert rest is None or all(
                not any(value for name, value in point.items() if name != "start")
                for point in rest["points"]
            )
    assert shown == model, (path, more)
    assert response["from"], response["to"] == tuple(bounds.values())
    return response


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]
