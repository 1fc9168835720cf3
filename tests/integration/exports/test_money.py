"""Exports equal the ledger exactly, through the pages of the route and in S3."""

import random
from collections.abc import Generator, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, NamedTuple
from uuid import UUID

import pytest

import import_directory
import rerate_usage
from allowance.exports.spend_csv import UNIT_COLUMNS as SPEND_UNITS
from allowance.exports.unit_columns import unit_text
from allowance.prices.units import COUNTED_IN_TOKENS, OTHER_UNITS
from tests.depth import by_depth
from tests.exports import content, csv_rows, keys, pages, run, table
from tests.gateway import Client, Context
from tests.ledger import assert_sums_agree
from tests.model_prices import set_prices
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, seed
from tests.usage import record, results

USERS = ("maya", "otto", "ana", "gus", "nora")
MODELS = ("m", "new", "never", "cheap")
MONTHS = ("2026-10", "2026-11")
OF_A_MONTH = (
    " WHERE to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM') = %s AND organization_id = ANY(%s)"
)
LEDGER = (
    "SELECT coalesce(sum(cost_micros), 0), coalesce(sum(stated_cost_micros), 0),"
    " coalesce(sum(stated_difference_micros), 0),"
    " sum(input_tokens + output_tokens + cache_read_tokens + cache_write_tokens"
    " + cache_write_1h_tokens), sum(usage_count), sum(unpriced_usage_count) FROM ai_usage"
) + OF_A_MONTH
UNITS = (
    "SELECT u.key, sum(u.value::numeric) FROM ai_usage CROSS JOIN jsonb_each_text(other_units) AS u"
    f"{OF_A_MONTH} GROUP BY u.key"
)
MICRO = Decimal("0.000001")
SPEND_NAMES = (
    "cost_usd", "stated_cost_usd", "stated_cost_difference_usd", "usage_count",
    "unpriced_usage_count",
)  # fmt: skip
FOCUS_NAMES = (
    "BilledCost", "x_StatedCost", "x_StatedCostDifference", "x_UsageCount",
    "x_UnpricedUsageCount",
)  # fmt: skip
CLASSES = ("input", "output", "cache_read", "cache_write", "cache_write_1h")


class Totals(NamedTuple):
    """The sums of a report: dollars, counts, the quantity of each other unit, and all tokens."""

    cost: Decimal
    stated: Decimal
    difference: Decimal
    usages: Decimal
    unpriced: Decimal
    units: list[Decimal]
    tokens: Decimal


def total(rows: Sequence[Mapping[str, Any]], name: str) -> Decimal:
    return sum((Decimal(row[name] or 0) for row in rows), Decimal())


def of_ledger(database: Database, month: str, organizations: list[UUID]) -> Totals:
    ((cost, stated, difference, tokens, usages, unpriced),) = database.rows(
        LEDGER, month, organizations
    )
    units = dict(database.rows(UNITS, month, organizations))
    counted = sum(units.get(each, 0) for each in COUNTED_IN_TOKENS)
    return Totals(
        cost * MICRO, stated * MICRO, difference * MICRO, usages, unpriced,
        [units.get(each, Decimal()) for each in OTHER_UNITS], tokens + counted,
    )  # fmt: skip


def of_spend(rows: Sequence[Mapping[str, Any]]) -> Totals:
    """The totals of the spend CSV. Each of its whole amounts is the exact one, rounded once."""
    for row in rows:
        exact = Decimal(row["cost_usd"]) / MICRO
        assert int(row["cost_micros"]) == exact.quantize(Decimal(1), ROUND_HALF_EVEN)
    units = {
        unit: total(rows, each.name) for unit, each in zip(OTHER_UNITS, SPEND_UNITS, strict=True)
    }
    tokens = sum(total(rows, f"{each}_tokens") for each in CLASSES)
    counted = sum(units[each] for each in COUNTED_IN_TOKENS)
    return Totals(*(total(rows, each) for each in SPEND_NAMES), [*units.values()], tokens + counted)


def of_focus(rows: Sequence[Mapping[str, Any]]) -> Totals:
    """The totals of FOCUS. Its four costs are the same, and so are its two quantities. A price
    times its quantity is the cost.
    """
    for row in rows:
        assert len({Decimal(row[f"{each}Cost"]) for each in ("Billed", "List", "Contracted")}) == 1
        assert row["EffectiveCost"] == row["BilledCost"]
        assert Decimal(row["PricingQuantity"]) / MICRO == Decimal(row["ConsumedQuantity"])
        if row["ListUnitPrice"] not in (None, ""):
            exact = Decimal(row["ListUnitPrice"]) * Decimal(row["PricingQuantity"])
            assert exact == Decimal(row["BilledCost"])
    units = {
        unit: total(
            [row for row in rows if row["SkuId"].endswith(f"/{unit_text(unit)}")],
            "ConsumedQuantity",
        )
        for unit in OTHER_UNITS
    }
    return Totals(
        *(total(rows, each) for each in FOCUS_NAMES),
        [*units.values()],
        total([row for row in rows if row["ConsumedUnit"] == "Tokens"], "ConsumedQuantity"),
    )


def random_records(chance: random.Random, count: int) -> Generator[dict[str, Any]]:
    """Plain records, and some with other units, of many requests, or with a cost of their own."""
    for number in range(count):
        day, hour = (
            chance.choice(("2026-10-31", "2026-11-01", "2026-11-02", "2026-11-20")),
            chance.choice((0, 1, 23)),
        )
        counted = (*CLASSES, *sorted(COUNTED_IN_TOKENS)) if chance.random() < 0.3 else CLASSES
        tokens = {name: chance.choice((0, 1, 333, 10**9 + 7)) for name in chance.sample(counted, 2)}
        more = {
            "units": {"web_searches": chance.choice((1, 7)), "pixels": 10**12},
            "requests": chance.choice((2, 470)),
            "cost_usd": chance.choice((0.1 + 0.2, "0.000000000001", 3)),
        }
        yield record(
            number,
            user=chance.choice(USERS),
            model=chance.choice(MODELS),
            occurred_at=f"{day}T{hour:02}:59:59.999999Z",
            tokens=tokens,
            **{name: more[name] for name in more if chance.random() < 0.2},
        )


@pytest.mark.parametrize("chance", range(by_depth(2, 6, 30)))
def test_exports_equal_the_ledger_exactly(
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
        {
            "organizations": [{"name": "acme", "groups": ["platform"]}],
            "confirm_deletions": True,
        },
        Context(),
    )
    results(gateway, *records[140:])
    seed(
        price(input_price=2_000_001, output_price=7, cache_read_price=1),
        price("cheap", input_price=1, output_price=1),
        price("new", input_price=11, output_price=1),
    )
    cheaper = price("cheap", input_price=0, output_price=2, effective_from="2026-10-01T00:00:00Z")
    set_prices(acme.client("olivia"), cheaper)
    rerate_usage.handler({}, Context())
    assert_sums_agree(database)
    organization = acme.organizations["acme"]
    finer: list[bool] = []
    for month in MONTHS:
        due = of_ledger(database, month, [organization])
        assert due.unpriced > 0
        finer.append(due.cost % MICRO != 0)
        assert due.stated != 0
        assert any(due.units)
        for form, of in (("spend", of_spend), ("focus", of_focus)):
            rows = pages(adam, f"month={month}&limit=7&format={form}")
            assert of([row for page in rows for row in page]) == due
        run(database, {"month": month})
    assert any(finer), "amounts finer than whole micro-units"
    everywhere = [row for (row,) in database.rows("SELECT DISTINCT organization_id FROM ai_usage")]
    assert len(everywhere) == 3
    for month in MONTHS:
        due = of_ledger(database, month, everywhere)
        written = [each for each in keys(s3) if f"billing_period={month}" in each]
        tables = [table(s3, each) for each in written if each.endswith(".parquet")]
        of_csv = [row for each in written if each.endswith(".csv.gz") for row in csv_rows(s3, each)]
        assert of_focus([row for each in tables for row in each.to_pylist()]) == due
        assert of_focus(of_csv) == due
        assert all(content(s3, each) for each in written)
