"""A batch counts in each budget what that budget is about, whatever the batch has in common.

A reservation comes first, because the first to touch a budget counts what the sums have.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.gateway import Client
from tests.organization_budgets import created, figures
from tests.people import Acme
from tests.reservations import of_cost, reserve
from tests.usage import custom, record, results

COST, LIMIT = 3000, 1_000_000
MINUTE = timedelta(minutes=1)


def sent(client: Client, *records: dict[str, Any]) -> None:
    assert {each["status"] for each in results(client, *records)} == {"recorded"}


def spent(acme: Acme, name: str) -> int:
    return figures(acme.client("adam"), name)[0]


def test_days_of_two_zones_are_kept_apart(gateway: Client, acme: Acme) -> None:
    adam, now = acme.client("adam"), datetime.now(UTC)
    zones = {"utc": "UTC", "india": "Asia/Kolkata"}
    for name, zone in zones.items():
        created(adam, name, limit_micros=LIMIT, period={"unit": "day", "time_zone": zone})
    local = now.astimezone(ZoneInfo("Asia/Kolkata"))
    turn = local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
    times = [turn - 2 * MINUTE, turn - MINUTE, turn + MINUTE]
    sent(gateway, *(record(n, occurred_at=each.isoformat()) for n, each in enumerate(times)))
    for name, zone in zones.items():
        today = now.astimezone(ZoneInfo(zone)).date()
        days = [each.astimezone(ZoneInfo(zone)).date() for each in times]
        assert spent(acme, name) == COST * days.count(today), zone


def test_models_and_labels_are_kept_apart(gateway: Client, acme: Acme) -> None:
    adam = acme.client("adam")
    custom(acme, model="other", input_price=1_000_000, effective_from="2020-01-01T00:00:00Z")
    other = {"model": "other", "tokens": {"input": 500}}
    search = {"labels": {"project": "search"}}
    created(adam, "all", limit_micros=LIMIT)
    created(adam, "other", limit_micros=LIMIT, models=["p/other"])
    scope = {"type": "label", "key": "project", "value": "search"}
    created(adam, "search", limit_micros=LIMIT, scope=scope)
    reserve(gateway, of_cost(1, model="other", **search))
    now = datetime.now(UTC).isoformat()
    records = [{}, search, other, other | search, {"labels": {"project": "chat"}}]
    sent(gateway, *(record(n, **({"occurred_at": now} | each)) for n, each in enumerate(records)))
    assert [spent(acme, name) for name in ("all", "other", "search")] == [10_000, 1000, 3500]


def test_a_budget_counts_from_its_first_quarter_of_an_hour_on(gateway: Client, acme: Acme) -> None:
    now = datetime.now(UTC)
    starts = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
    created(acme.client("adam"), limit_micros=LIMIT, starts_at=starts.isoformat())
    reserve(gateway, of_cost(1))
    times = [starts - MINUTE, starts + MINUTE, starts + 2 * MINUTE]
    sent(gateway, *(record(n, occurred_at=each.isoformat()) for n, each in enumerate(times)))
    assert spent(acme, "all") == 2 * COST
