"""Usage for the reports of spend, and what a report of a period must say: summed by hand from the
ledger.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from allowance.contract.money import whole_micros
from tests.gateway import Client
from tests.postgres import Database
from tests.usage import record, results

SPEND = "/api/v2/organizations/acme/ai/spend"

type Entry = dict[str, Any]


def use(gateway: Client) -> None:
    """Calls of four days: by configured providers and clients, unpriced, taken back, replaced."""
    times = (
        "2026-11-18T23:59:59.999999Z",
        "2026-11-19T00:00:00Z",
        "2026-11-19T12:30:00Z",
        "2026-11-20T08:00:00.5Z",
        "2026-11-20T16:00:00Z",
        "2026-11-21T01:00:00Z",
    )
    more: Sequence[dict[str, Any]] = (
        {},
        {"provider_name": "p-eu", "labels": {"client": "Cursor"}},
        {"labels": {"client": ""}, "provider_name": "p"},
        {"provider_name": "p-us", "model": "new"},
        {"labels": {"client": "Claude Code", "project": "x"}},
    )
    made = [
        record(
            100 + n,
            user=("maya", "otto", "maya", "gus")[n % 4],
            occurred_at=times[n % 6],
            tokens={"input": 1000 + n, "output": n, "cache_read": 7 * (n % 5 == 4)},
            **more[n % 5],
        )
        for n in range(24)
    ]
    # Of it nothing is left: neither its model nor its client is in a report.
    gone = record(150, model="gone", labels={"client": "gone"}, occurred_at=times[4])
    results(gateway, *made, gone)
    assert {
        each["status"]
        for each in results(
            gateway,
            {"source": "litellm", "id": "call-100", "void": True},
            {"source": "litellm", "id": "call-150", "void": True},
            made[1] | {"amends": True, "tokens": {"input": 5}, "provider_name": "p-us"},
        )
    } == {"voided", "amended"}


def entries(database: Database, start: str, end: str) -> list[Entry]:
    """The ledger's entries of acme in a period."""
    names = (
        "user_id, username, display_name, group_id, group_name, provider, provider_name, model,"
        " client, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cost_micros,"
        " usage_count, unpriced_usage_count"
    )
    rows = database.rows(
        "SELECT e.user_id, u.username, coalesce(u.display_name, ''), e.group_id, g.name,"
        " e.provider, coalesce(e.provider_name, e.provider), e.model,"
        " coalesce(nullif(e.labels ->> 'client', ''), 'Unknown'), e.input_tokens, e.output_tokens,"
        " e.cache_read_tokens, e.cache_write_tokens + e.cache_write_1h_tokens,"
        " coalesce(e.cost_micros, 0), e.usage_count, e.unpriced_usage_count FROM ai_usage AS e"
        " JOIN organizations AS o ON o.id = e.organization_id AND o.name = 'acme'"
        " LEFT JOIN users AS u ON u.id = e.user_id LEFT JOIN groups AS g ON g.id = e.group_id"
        " WHERE e.occurred_at >= %s AND e.occurred_at < %s",
        datetime.fromisoformat(start),
        datetime.fromisoformat(end),
    )
    return [dict(zip(names.split(", "), each, strict=True)) for each in rows]


def matching(found: Sequence[Entry], filters: dict[str, str]) -> list[Entry]:
    return [
        each for each in found if all(str(each[key]) == value for key, value in filters.items())
    ]


def by_user(found: Sequence[Entry]) -> list[dict[str, Any]]:
    """The users of a report, most expensive first."""
    users: dict[Any, list[Entry]] = {}
    for each in found:
        users.setdefault(each["user_id"], []).append(each)
    listed = [
        (
            -sum((each["cost_micros"] for each in group), Decimal()),
            group[0]["username"],
            {
                "user_id": str(id_),
                "username": group[0]["username"],
                "name": group[0]["display_name"],
                "avatar_url": "",
                "cost_micros": whole_micros(sum(each["cost_micros"] for each in group)),
                "unpriced_usage_count": sum(each["unpriced_usage_count"] for each in group),
                "providers": _present(group, "provider"),
                "clients": _present(group, "client"),
                "models": _present(group, "model"),
            },
        )
        for id_, group in users.items()
        if sum(each["usage_count"] for each in group)
    ]
    return [each for *_, each in sorted(listed, key=lambda each: each[:2])]


def _present(found: Sequence[Entry], name: str) -> list[str]:
    """The values of a column whose usage was not all taken back."""
    counts: dict[str, int] = {}
    for each in found:
        counts[each[name]] = counts.get(each[name], 0) + each["usage_count"]
    return sorted(value for value, count in counts.items() if count)


def in_detail(found: Sequence[Entry]) -> list[dict[str, Any]]:
    """The rows of the details, in order."""
    key = ("user_id", "group_id", "provider", "provider_name", "model")
    rows: dict[tuple[Any, ...], list[Entry]] = {}
    for each in found:
        rows.setdefault(tuple(each[name] for name in key), []).append(each)
    return [
        {
            **{name: str(group[0][name]) for name in (*key, "username", "group_name")},
            **{
                name: sum(each[name] for each in group)
                for name in (
                    "input_tokens",
                    "output_tokens",
                    "cache_read_tokens",
                    "cache_write_tokens",
                )
            },
            "cost_micros": whole_micros(sum(each["cost_micros"] for each in group)),
        }
        for _, group in sorted(rows.items())
        if sum(each["usage_count"] for each in group)
    ]
