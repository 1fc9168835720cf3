"""Exports equal the ledger to the micro-unit, through the pages of the route and in S3."""

import random
from collections.abc import Generator
from decimal import Decimal
from typing import Any

import pytest

import import_directory
import rerate_usage
from tests.exports import content, csv_rows, keys, pages, run, table
from tests.gateway import Client, Context
from tests.ledger import assert_sums_agree
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, seed
from tests.usage import record, results

USERS = ("maya", "otto", "ana", "gus", "nora")
MODELS = ("m", "new", "never", "cheap")
MONTHS = ("2026-10", "2026-11")
LEDGER = (
    "SELECT coalesce(sum(cost_micros), 0),"
    " sum(input_tokens + output_tokens + cache_read_tokens + cache_write_tokens"
    " + cache_write_1h_tokens), sum(usage_count), sum(unpriced_usage_count) FROM ai_usage"
    " WHERE to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM') = %s AND organization_id = ANY(%s)"
)


def random_records(chance: random.Random, count: int) -> Generator[dict[str, Any]]:
    for number in range(count):
        day, hour = (
            chance.choice(("2026-10-31", "2026-11-01", "2026-11-02", "2026-11-20")),
            chance.choice((0, 1, 23)),
        )
        classes = ("input", "output", "cache_read", "cache_write", "cache_write_1h")
        tokens = {name: chance.choice((0, 1, 333, 10**9 + 7)) for name in chance.sample(classes, 2)}
        yield record(
            number,
            user=chance.choice(USERS),
            model=chance.choice(MODELS),
            occurred_at=f"{day}T{hour:02}:59:59.999999Z",
            tokens=tokens,
        )


@pytest.mark.parametrize("chance", [1, 2, 3])
def test_exports_equal_the_ledger_to_the_micro_unit(
    s3: Any, gateway: Client, acme: Acme, database: Database, chance: int
) -> None:
    """Users of several groups, of another organization and of none.

    A group is deleted. Prices appear and change.
    """
    adam = acme.client("adam")
    seed(
        price(input_price=3_333_333, output_price=7, cache_read_price=1),
        price("cheap", input_price=1, output_price=1),
    )
    records = list(random_records(random.Random(chance), 200))  # noqa: S311
    adam.put(acme.budget_path(), {"spend_limit_micros": 5})
    results(gateway, *records[:70])
    adam.put(acme.budget_path("acme/research"), {"spend_limit_micros": 50})
    import_directory.handler(
        {
            "users": [
                {
                    "username": "maya",
                    "organizations": [{"name": "acme", "groups": ["platform", "research"]}],
                }
            ]
        },
        Context(),
    )
    results(gateway, *records[70:140])
    import_directory.handler(
        {"organizations": [{"name": "acme", "groups": ["platform"]}]}, Context()
    )
    results(gateway, *records[140:])
    seed(
        price(input_price=2_000_001, output_price=7, cache_read_price=1),
        price("cheap", input_price=1, output_price=1),
        price("new", input_price=11, output_price=1),
    )
    body = {
        "prices": [
            price("cheap", input_price=0, output_price=2, effective_from="2026-10-01T00:00:00Z")
        ]
    }
    assert acme.client("olivia").post("/api/v2/ai/model-prices", body).status == 204
    rerate_usage.handler({}, Context())
    assert_sums_agree(database)
    organization = acme.organizations["acme"]
    for month in MONTHS:
        ((micros, tokens, usages, unpriced),) = database.rows(LEDGER, month, [organization])
        spend = [row for page in pages(adam, f"month={month}&limit=7") for row in page]
        charges = [
            row for page in pages(adam, f"month={month}&limit=7&format=focus") for row in page
        ]
        assert sum(int(row["cost_micros"]) for row in spend) == micros
        assert sum(Decimal(row["cost_usd"]) for row in spend) * 10**6 == micros
        for column in ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"):
            assert sum(Decimal(row[column]) for row in charges) * 10**6 == micros
        assert sum(Decimal(row["ConsumedQuantity"]) for row in charges) == tokens
        assert sum(Decimal(row["PricingQuantity"]) for row in charges) * 10**6 == tokens
        for row_of in (spend, charges):
            names = (
                ("usage_count", "unpriced_usage_count")
                if row_of is spend
                else ("x_UsageCount", "x_UnpricedUsageCount")
            )
            assert tuple(sum(int(row[name]) for row in row_of) for name in names) == (
                usages,
                unpriced,
            )
        assert unpriced > 0
        run(database, {"month": month})
    everywhere = database.rows("SELECT DISTINCT organization_id FROM ai_usage")
    assert len(everywhere) == 3
    for month in MONTHS:
        ((micros, tokens, usages, unpriced),) = database.rows(
            LEDGER, month, [row[0] for row in everywhere]
        )
        written = [each for each in keys(s3) if f"billing_period={month}" in each]
        tables = [table(s3, each) for each in written if each.endswith(".parquet")]
        rows = [row for each in tables for row in each.to_pylist()]
        of_csv = [row for each in written if each.endswith(".csv.gz") for row in csv_rows(s3, each)]
        assert len(rows) == len(of_csv)
        assert sum(row["BilledCost"] for row in rows) * 10**6 == micros
        assert sum(Decimal(row["BilledCost"]) for row in of_csv) * 10**6 == micros
        assert sum(row["ConsumedQuantity"] for row in rows) == tokens
        assert sum(row["x_UsageCount"] for row in rows) == usages
        assert sum(row["x_UnpricedUsageCount"] for row in rows) == unpriced
        assert all(content(s3, each) for each in written)
