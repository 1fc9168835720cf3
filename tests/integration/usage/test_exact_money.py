"""Money of the ledger is exact to 1e-12 USD, from the smallest call to the largest."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from allowance.prices.cost import MAX_TOKENS
from allowance.prices.terms import MAX_PRICE_MICROS
from tests.depth import by_depth
from tests.gateway import Client
from tests.ledger import assert_sums_agree
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, seed
from tests.usage import custom, record, rerate, rerated, results

SINCE_EVER = "2020-01-01T00:00:00Z"
MAX_COST_MICROS = 10**13
CALLS = by_depth(2000, 20_000, 1_000_000)
BATCH = 1000
SUMS = (
    "SELECT sum(cost_micros) FROM ai_usage",
    "SELECT sum(cost_micros) FROM ai_usage_keys",
    "SELECT sum(cost_micros) FROM ai_usage_quarter_hourly",
    "SELECT sum(cost_micros) FROM ai_spend_daily",
    "SELECT sum(cost_micros) FROM ai_user_spend_monthly",
    "SELECT sum(cost_micros) FROM ai_group_spend_monthly",
)


def sums(database: Database) -> set[Decimal]:
    """The sum of costs in micro-units, by each table."""
    return {total for query in SUMS for ((total,),) in [database.rows(query)]}


def records(count: int, **changes: Any) -> list[dict[str, Any]]:
    return [record(number, **changes) for number in range(count)]


def test_small_calls_add_up_without_loss(gateway: Client, database: Database) -> None:
    """From 1e-12 to 1e-7 USD a call: each response shows 0 or 1 micro-units at most."""
    seed(price("tiny", input_price=1, output_price=1), price("e", input_price=20_000))
    exact = Fraction()
    for start in range(0, CALLS, BATCH):
        batch = [
            record(
                number,
                model="tiny",
                tokens={"input": 1 + number * 37 % 99_999, "output": number % 2},
            )
            for number in range(start, start + BATCH)
        ]
        exact += sum(Fraction(sum(each["tokens"].values()), 10**6) for each in batch)
        shown = {each["cost_micros"] for each in results(gateway, *batch)}
        assert shown == {0}
    assert {Fraction(each) for each in sums(database)} == {exact}
    # An embedding of three tokens at two cents per million costs 0.06 micro-units.
    found = results(gateway, *records(BATCH, source="e", model="e", tokens={"input": 3}))
    assert {each["cost_micros"] for each in found} == {0}
    assert {Fraction(each) for each in sums(database)} == {exact + 60}
    assert_sums_agree(database)


@pytest.mark.parametrize(
    ("tokens", "shown"),
    [(500_000, 0), (500_001, 1), (1_500_000, 2), (2_500_000, 2), (2_500_001, 3)],
)
def test_a_response_shows_the_nearest_micro_unit(
    gateway: Client, database: Database, tokens: int, shown: int
) -> None:
    seed(price("tiny", input_price=1))
    sent = record(model="tiny", tokens={"input": tokens})
    answers = [results(gateway, sent)[0]["cost_micros"] for _ in range(2)]
    assert answers == [shown, shown], "a retry has the cost of the first response"
    assert sums(database) == {Decimal(tokens) / 10**6}


def test_the_largest_cost_is_recorded_and_taken_back(
    gateway: Client, acme: Acme, database: Database
) -> None:
    """1e13 micro-units are 1e19 units of 1e-12 USD, which are no bigint."""
    custom(acme, input_price=MAX_PRICE_MICROS, effective_from=SINCE_EVER)
    largest = MAX_COST_MICROS * 10**6 // MAX_PRICE_MICROS
    found = results(
        gateway,
        record(1, tokens={"input": largest}),
        record(2, tokens={"input": largest + 1}),
        record(3, tokens={"input": MAX_TOKENS}),
        record(4, tokens={"input": 1}),
    )
    assert [(each["status"], each["cost_micros"]) for each in found] == [
        ("recorded", MAX_COST_MICROS),
        ("rejected", None),
        ("rejected", None),
        ("recorded", 10**6),
    ]
    assert {each["field"] for each in found[1]["validations"]} == {"tokens"}
    assert results(gateway, record(1, tokens={"input": largest})) == [
        found[0] | {"status": "duplicate"}
    ]
    assert sums(database) == {Decimal(MAX_COST_MICROS + 10**6)}
    custom(acme, input_price=0, effective_from=SINCE_EVER)
    assert rerate() == rerated(2, 2, -MAX_COST_MICROS - 10**6)
    custom(acme, input_price=MAX_PRICE_MICROS, effective_from=SINCE_EVER)
    assert rerate() == rerated(2, 2, MAX_COST_MICROS + 10**6)
    custom(acme, input_price=MAX_PRICE_MICROS - 1, effective_from=SINCE_EVER)
    assert rerate() == rerated(2, 2, -10)
    assert sums(database) == {Decimal(MAX_COST_MICROS + 10**6) - Decimal(largest + 1) / 10**6}
    assert_sums_agree(database)


def test_a_correction_books_the_exact_difference(
    gateway: Client, acme: Acme, database: Database
) -> None:
    custom(acme, input_price=1, effective_from=SINCE_EVER)
    results(gateway, *records(3, tokens={"input": 700_001}))
    assert sums(database) == {Decimal("2.100003")}
    custom(acme, input_price=2, effective_from=SINCE_EVER)
    # Each correction is 0.700001, and so is rounded once: in the sum.
    assert rerate() == rerated(3, 3, 2)
    assert sums(database) == {Decimal("4.200006")}
    assert rerate() == rerated()
    assert_sums_agree(database)


def test_a_limit_is_reached_by_the_last_unit_of_money(
    gateway: Client, acme: Acme, database: Database
) -> None:
    path = acme.budget_path()
    assert acme.client("adam").put(path, {"spend_limit_micros": 1}).status == 200
    custom(acme, input_price=1, effective_from=SINCE_EVER)
    alerts = "SELECT threshold_percent, spent_micros FROM ai_alerts ORDER BY 1"
    now = database.rows(
        "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
    )
    at = {"occurred_at": now[0][0]}
    results(gateway, record(1, tokens={"input": 849_999}, **at))
    assert database.rows(alerts) == []
    results(gateway, record(2, tokens={"input": 1}, **at))
    assert database.rows(alerts) == [(85, Decimal("0.85"))]
    results(gateway, record(3, tokens={"input": 149_999}, **at))
    assert len(database.rows(alerts)) == 1
    results(gateway, record(4, tokens={"input": 1}, **at))
    assert database.rows(alerts)[1:] == [(100, Decimal(1))]
