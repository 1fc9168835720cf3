"""How Postgres reads the ledger for RerateUsage: by index, in one partition, a page at a time."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
import pytest

from allowance.database.queries import queries
from allowance.rbac.system import Login
from tests.depth import by_depth
from tests.postgres import Database, Server

AT_ONCE = by_depth(2_000, 10_000, 50_000)
"""Usages of one organization at one time, each with a correction."""
OVER_TIME = by_depth(4_000, 20_000, 100_000)
LIMIT = 100
ORGANIZATION = "00000000-0000-0000-0000-000000000001"

MONTHS = "SELECT ensure_ai_usage_month(date '2026-01-01' + n * interval '1 month')"
ENTRIES = """
INSERT INTO ai_usage (
    id, corrects, reason, source, source_id, user_id, group_id, organization_id, provider, model,
    input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cache_write_1h_tokens,
    cost_micros, priced, usage_count, unpriced_usage_count, occurred_at
)
SELECT {id}, {corrects}, {reason}, 's', {id}, gen_random_uuid(), gen_random_uuid(),
    lpad((1 + n % {organizations})::text, 32, '0')::uuid, 'p', {model}, 1, 0, 0, 0, 0, 1, true, 1,
    0, {time}
FROM generate_series(1, {count}) AS n
"""
OVER_MONTHS = {
    "id": "n",
    "corrects": "NULL",
    "reason": "'usage'",
    "organizations": 3,
    "model": "'m' || n % 7",
    "time": f"timestamptz '2026-10-25 00:00:00+00' + n * interval '25 days' / {OVER_TIME}",
    "count": OVER_TIME,
}
OF_ONE_TIME = OVER_MONTHS | {
    "id": "1000000 + n",
    "organizations": 1,
    "model": "'at-once'",
    "time": "timestamptz '2026-11-10 10:30:00+00'",
    "count": AT_ONCE,
}
CORRECTIONS = OF_ONE_TIME | {
    "id": "2000000 + n",
    "corrects": "1000000 + n",
    "reason": "'rerate'",
}
STATEMENTS = (
    f"{MONTHS} FROM generate_series(8, 10) AS n",
    *(ENTRIES.format(**each) for each in (OVER_MONTHS, OF_ONE_TIME, CORRECTIONS)),
    "INSERT INTO ai_usage_quarter_hourly (starts_at, organization_id, group_id, provider, model,"
    " cost_micros, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,"
    " cache_write_1h_tokens, usage_count, unpriced_usage_count)"
    " SELECT date_bin('15 minutes', occurred_at, timestamptz '2020-01-01Z'), organization_id,"
    " organization_id, provider, model, 1, 1, 0, 0, 0, 0, count(*), 0"
    " FROM ai_usage GROUP BY 1, 2, 4, 5",
    "ANALYZE",
)
PAGE = {
    "provider": "p",
    "since": "2020-01-01 00:00:00+00",
    "recorded_since": "2020-01-01 00:00:00+00",
    "unpriced_only": False,
    "month_starts": "2026-11-01 00:00:00+00",
    "month_ends": "2026-12-01 00:00:00+00",
    "after_organization": ORGANIZATION,
    "after_entry": 0,
    "quarters": 50,
    "limit": LIMIT,
}
OF_MANY_HOURS = PAGE | {
    "model": "m1",
    "after_quarter": "2026-11-02 00:00:00+00",
    "after_moment": "2026-11-02 00:00:00+00",
    # They hold more entries than a page.
    "quarters": 400,
}
AT_FIRST = PAGE | {
    "model": "at-once",
    "after_quarter": "2026-11-10 10:00:00+00",
    "after_moment": "2026-11-10 10:00:00+00",
}
DEEP_DOWN = AT_FIRST | {
    "after_moment": "2026-11-10 10:30:00+00",
    "after_entry": 1_000_000 + AT_ONCE * 9 // 10,
}


@pytest.fixture(scope="module")
def ledger(server: Server, migrated: Database) -> Iterator[Database]:
    """One ledger for all plans."""
    with server.database(migrated.name) as database:
        for statement in STATEMENTS:
            database.run(statement)
        yield database


def plan_of(database: Database, query: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The plan of a query as the application's role, with what it read."""
    explain = b"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) "
    with psycopg.connect(database.url_of(Login.JOBS)) as app:
        # A second run reads the same pages without the first look at the catalogs.
        for _ in range(2):
            row = app.execute(explain + queries()[query].sql, parameters).fetchone()
    plan = row and row[0]
    return (plan if isinstance(plan, list) else json.loads(plan))[0]["Plan"]


def nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for each in plan.get("Plans", ()):
        yield from nodes(each)


def pages_read(plan: Mapping[str, Any]) -> int:
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


@pytest.mark.parametrize("page", [OF_MANY_HOURS, AT_FIRST, DEEP_DOWN], ids=["m1", "first", "deep"])
def test_a_page_reads_one_partition_by_its_keys_and_no_more_than_its_limit(
    ledger: Database, page: dict[str, Any]
) -> None:
    plan = plan_of(ledger, "list_booked_usage", page)
    found = list(nodes(plan))
    assert not any("Seq Scan" in each["Node Type"] for each in found)
    assert {each["Relation Name"] for each in found if "Relation Name" in each} == {
        "ai_usage_quarter_hourly",
        "ai_usage_2026_11",
    }
    by_index = {each["Index Name"]: each for each in found if "Index Name" in each}
    assert by_index.keys() == {
        "ai_usage_quarter_hourly_model_idx",
        "ai_usage_2026_11_pkey",
        "ai_usage_2026_11_corrects_idx",
    }
    entries = by_index["ai_usage_2026_11_pkey"]
    for condition in (
        "ROW(organization_id, occurred_at, id) >",
        "ROW(organization_id, occurred_at) <",
    ):
        assert condition in entries["Index Cond"]
    assert "Filter" not in entries
    # The quarter that fills the page is read up to another page.
    assert entries["Actual Rows"] * entries["Actual Loops"] <= 2 * LIMIT
    assert "corrects =" in by_index["ai_usage_2026_11_corrects_idx"]["Index Cond"]


def test_a_page_deep_in_an_hour_reads_no_more_than_the_first(ledger: Database) -> None:
    first, deep = (
        pages_read(plan_of(ledger, "list_booked_usage", each)) for each in (AT_FIRST, DEEP_DOWN)
    )
    assert deep < first + LIMIT


def test_the_list_of_used_models_takes_one_step_for_each(ledger: Database) -> None:
    parameters = {"after_provider": "", "after_model": "", "unpriced_only": False, "limit": 1000}
    plan = plan_of(ledger, "list_used_models", parameters)
    assert not any("Seq Scan" in each["Node Type"] for each in nodes(plan))
    (of_sums,) = ledger.rows("SELECT pg_relation_size('ai_usage_quarter_hourly') / 8192")
    assert plan["Actual Rows"] == 8
    assert pages_read(plan) < 8 * 6 < of_sums[0]
