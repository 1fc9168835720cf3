"""What a caller sees of the vendors' figures beside the ledger's."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from allowance.reconciliation import comparison
from tests.conftest import environment
from tests.gateway import Client
from tests.organization_budgets import fields
from tests.people import Acme
from tests.plans import blocks_read
from tests.postgres import Database
from tests.price_books import seed
from tests.reconciliation import PATH, line, row, seen, statuses
from tests.refusals import NOT_FOUND
from tests.rolled_days import days_ago, roll_up
from tests.usage import record, results
from tests.wire import wire

P = {"vendor": "p"}
NOVEMBER = "?month=2026-11"


def codes(found: Any) -> list[str]:
    return [each["code"] for each in found["reasons"]]


def test_rolled_up_days_and_others_show_the_same(
    gateway: Client, olivia: Client, ana: Client, database: Database
) -> None:
    tokens = {"input": 1, "output": 2, "cache_read": 4, "cache_write": 8, "cache_write_1h": 16}
    days = [days_ago(each).date().isoformat() for each in (2, 1, 0)]
    units = {"input_audio": 32}
    sent = [
        record(number, occurred_at=f"{day}T00:00:01Z", tokens=tokens | units, labels={"k": day})
        for number, day in enumerate(days)
    ]
    twice = record(9, occurred_at=f"{days[0]}T23:59:59Z", user="otto", requests=5, cost_usd=1)
    results(gateway, *sent, twice)
    statuses(olivia, *(row("m", day, requests=1, **P) for day in days))
    before = [seen(ana, f"?day={day}")["lines"] for day in days]
    roll_up(database)
    assert database.rows("SELECT count(*), max(changed_at) FROM ai_rolled_models") == [(2, None)]
    assert [seen(ana, f"?day={day}")["lines"] for day in days] == before
    (first,), (second,), (today,) = before
    assert second["recorded"]["tokens"] == today["recorded"]["tokens"] == tokens | units
    assert first["recorded"]["total_tokens"] == sum((tokens | units).values()) + 1100
    assert (first["recorded"]["requests"], first["difference"]["requests"]) == (6, 5)
    assert first["ledger_names"] == [{"provider": "p", "model": "m"}]
    # An audio token has no price here: the ledger states how many calls lack one.
    assert (first["unpriced_usage_count"], today["unpriced_usage_count"]) == (1, 1)


def test_late_usage_of_a_rolled_up_day_is_a_reason(
    gateway: Client, olivia: Client, ana: Client, database: Database
) -> None:
    late = {"occurred_at": (days_ago(3) + timedelta(hours=7)).isoformat()}
    query = f"?day={days_ago(3).date()}"
    results(gateway, record(1, **late))
    roll_up(database)
    statuses(olivia, row("m", str(days_ago(3).date()), requests=1, tokens={"input": 1100}, **P))
    assert "changed_later" not in codes(line(ana, "m", query))
    results(gateway, record(2, **late), record(3, model="new", **late))
    roll_up(database)
    assert line(ana, "m", query)["difference"]["requests"] == 1
    assert "changed_later" in codes(line(ana, "m", query))
    assert "changed_later" in codes(line(ana, "new", query))


def test_a_cost_that_usage_states_alone_is_a_reason(
    acme: Acme, gateway: Client, olivia: Client, ana: Client, database: Database
) -> None:
    day = days_ago(1)
    at = {"occurred_at": day.isoformat(), "tokens": {"input": 100}}
    # Priced by the book, which the stated cost is compared with.
    results(gateway, record(1, cost_usd=5, **at))
    statuses(olivia, row("m", str(day.date()), cost_micros=9000, tokens={"input": 100}, **P))
    query = f"?day={day.date()}"
    assert "stated_costs" not in codes(line(ana, "m", query))
    source = {"cost_from": "record"}
    assert olivia.put("/api/v2/ai/sources/other", source).status == 200
    results(gateway, record(2, source="other", cost_usd=0.007, **at))
    for _ in range(2):
        (found,) = (
            each for each in line(ana, "m", query)["reasons"] if each["code"] == "stated_costs"
        )
        assert "US$ 0.007 " in found["text"]
        roll_up(database)


def test_an_alias_joins_names_and_a_pattern_only_those_without_a_price(
    gateway: Client, olivia: Client, ana: Client
) -> None:
    alias = {"provider": "openai", "model": "gpt-5"}
    seed(alias | {"input_price": 5}, complete=False)
    for name in ("azure/prod", "p/*"):
        made = olivia.put(f"/api/v2/ai/model-aliases/{name}", alias)
        assert made.status == 200, made.body
    results(
        gateway,
        record(1, provider="azure", model="Prod"),
        record(2, model="chat"),
        record(3, model="m"),
    )
    statuses(olivia, row("gpt-5-2025-08-07", "2026-11-20", tokens={"input": 2200}))
    joined = line(ana, "gpt-5")
    assert joined["vendor"] == "openai"
    assert joined["difference"]["total_tokens"] == 0
    assert joined["vendor_names"] == [
        {"vendor": "openai", "account": None, "model": "gpt-5-2025-08-07"}
    ]
    assert joined["ledger_names"] == [
        {"provider": "azure", "model": "Prod"},
        {"provider": "p", "model": "chat"},
    ]
    assert line(ana, "m")["vendor"] == "p"


def test_pages_follow_each_other_and_each_has_all_totals(
    gateway: Client, olivia: Client, ana: Client
) -> None:
    results(gateway, record(1, tokens={"input": 10}))
    rows = [row(None, "2026-11-19", cost_micros=3, **P), row("m", "2026-11-20", cost_micros=5, **P)]
    statuses(olivia, *rows, row("z", "2026-11-20", requests=4), row("z", "2026-10-31", requests=1))
    whole = seen(ana, NOVEMBER)
    assert (whole["first_day"], whole["last_day"]) == ("2026-11-01", "2026-11-30")
    assert [(each["day"][-2:], each["vendor"], each["model"]) for each in whole["lines"]] == [
        ("19", "p", None),
        ("20", "openai", "z"),
        ("20", "p", "m"),
    ]
    pages, after = [], ""
    for _ in whole["lines"]:
        page = seen(ana, f"{NOVEMBER}&limit=1{after}")
        pages += page["lines"]
        assert page["totals"] == whole["totals"]
        after = f"&after={page['next']}"
    assert (pages, page["next"]) == (whole["lines"], None)
    openai, p = whole["totals"]
    assert (openai["vendor"], openai["counted"]["requests"]) == ("openai", 4)
    assert (p["counted"]["cost_micros"], p["recorded"]["cost_micros"]) == (8, 20)
    assert p["difference"] == {"total_tokens": None, "requests": None, "cost_micros": 12}
    assert p["uncovered"] == {"total_tokens": 10, "requests": 1, "cost_micros": 0}
    of_p = seen(ana, f"{NOVEMBER}&vendor=P")
    assert (of_p["totals"], len(of_p["lines"])) == ([p], 2)


def test_too_many_rows_are_refused_and_never_cut(
    olivia: Client, ana: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    statuses(olivia, *(row(day=f"2026-11-{day:02}", requests=1) for day in (3, 4, 5, 8)))
    monkeypatch.setattr(comparison, "MAX_ROWS", 3)
    assert fields(ana.get(PATH + NOVEMBER)) == (400, ["month"])
    assert len(seen(ana, "?day=2026-11-04")["lines"]) == 1


def test_it_costs_two_round_trips(ana: Client, database: Database) -> None:
    with wire(database.app_url) as trips, environment(DATABASE_URL=trips.url):
        seen(ana)  # warms the connection
        trips.reset()
        seen(ana)
        assert trips.trips == 2


def test_readers_of_all_spend_see_it_and_to_others_it_looks_absent(
    acme: Acme, olivia: Client, database: Database
) -> None:
    statuses(olivia, row(requests=1))
    for reader in ("olivia", "adam", "ana"):
        assert len(seen(acme.client(reader))["lines"]) == 1
    for stranger in ("maya", "gus", "nora"):
        for path in (PATH, PATH.replace("acme", "nowhere")):
            answer = acme.client(stranger).get(path)
            assert (answer.status, answer.json()) == (404, NOT_FOUND)


def test_usage_of_no_organization_is_a_reason_for_who_may_read_it(
    gateway: Client, olivia: Client, ana: Client
) -> None:
    results(gateway, record(1, user="nobody", provider="openai", model="gpt-5"))
    statuses(olivia, row(day="2026-11-20", requests=1))
    for client, sees in ((olivia, True), (ana, False)):
        assert seen(client)["sees_unattributed"] is sees
        found = line(client)
        assert found["recorded"]["requests"] == 0
        assert ("unattributed_usage" in codes(found)) is sees


QUARTERS = (
    "INSERT INTO ai_usage_quarter_hourly (starts_at, organization_id, group_id, provider, model,"
    " cost_micros, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,"
    " cache_write_1h_tokens, usage_count, unpriced_usage_count)"
    " SELECT '2026-10-01Z'::timestamptz + q * interval '1 hour', %s, md5(g::text)::uuid, 'p',"
    " 'm' || g %% 3, 1, 1, 1, 1, 1, 1, 1, 0"
    " FROM generate_series(0, 9 * 24) AS q, generate_series(1, 40) AS g"
)


def test_of_rolled_up_days_it_reads_a_row_for_each_model(database: Database, acme: Acme) -> None:
    organization = acme.organizations["acme"]
    database.run(QUARTERS, organization)
    database.run("ANALYZE ai_usage_quarter_hourly")
    days = {"first_day": "2026-09-30", "end_day": "2026-11-02", "most": 100}
    with psycopg.connect(database.app_url) as app:
        parameters = {"organization_id": organization} | days
        blocks_read(app, "list_recorded_models", **parameters)
        fine = blocks_read(app, "list_recorded_models", **parameters)
    roll_up(database)
    database.run("ANALYZE ai_rolled_models, ai_rolled_days")
    with psycopg.connect(database.app_url) as app:
        blocks_read(app, "list_recorded_models", **parameters)
        rolled = blocks_read(app, "list_recorded_models", **parameters)
    assert fine > 100 > rolled * 2
