"""Usage of other units: priced by the book, or kept with what has no price until it has one."""

from decimal import Decimal

from tests.gateway import Client
from tests.ledger import assert_sums_agree
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, seed
from tests.rerating import RULES_OF_BEFORE
from tests.usage import custom, of_vendor, record, rerate, rerated, results

SINCE_EVER = "2020-01-01T00:00:00Z"
LEDGER = "SELECT cost_micros, input_tokens, other_units, usage_object FROM ai_usage ORDER BY id"
SEARCHED = {
    "input_tokens": 1000,
    "output_tokens": 0,
    "server_tool_use": {"web_search_requests": 3},
}


def test_other_units_are_priced_and_kept_with_their_prices(
    gateway: Client, database: Database
) -> None:
    units = {"input_audio": 40_000_000, "web_searches": 10_000_000_000, "requests": 5_000_000}
    seed(price("live", input_price=2_000_000, unit_prices=units))
    tokens = {"input": 1000, "input_audio": 10, "input_image": 7}
    (found, plain) = results(
        gateway,
        record(1, model="live", tokens=tokens, units={"web_searches": 2}),
        record(2, model="live", tokens={"input": 1}),
    )
    # Tokens of images are sold as input, and each call costs 5 micro-units.
    assert found["cost_micros"] == 2000 + 400 + 14 + 20_000 + 5
    assert plain["cost_micros"] == 2 + 5
    assert database.rows(
        "SELECT other_units, rates -> 'unit_prices' FROM ai_usage ORDER BY id"
    ) == [
        ({"input_audio": 10, "input_image": 7, "web_searches": 2}, units),
        (None, units),
    ]
    assert database.rows("SELECT other_units FROM ai_usage_quarter_hourly") == [
        ({"input_audio": 10, "input_image": 7, "web_searches": 2},)
    ]
    results(gateway, record(3, model="live", tokens={}, units={"web_searches": 10**12 // 10**6}))
    assert database.rows("SELECT other_units -> 'web_searches' FROM ai_spend_daily") == [
        (10**6 + 2,)
    ]
    assert_sums_agree(database)


def test_a_unit_without_a_price_is_named_and_priced_once_it_has_one(
    gateway: Client, acme: Acme, database: Database
) -> None:
    by_object, by_record = results(
        gateway,
        of_vendor(SEARCHED, "anthropic", id="a"),
        record(2, tokens={"input": 1000, "output_audio": 1}, units={"pages": 5}),
    )
    assert [(each["status"], each["priced"]) for each in (by_object, by_record)] == [
        ("recorded", False)
    ] * 2
    assert [each["field"] for each in by_object["validations"]] == ["units.web_searches"]
    assert [each["field"] for each in by_record["validations"]] == [
        "tokens.output_audio",
        "units.pages",
    ]
    before = database.rows(LEDGER)
    assert before == [
        (None, 1000, {"web_searches": 3}, None),
        (None, 1000, {"output_audio": 1, "pages": 5}, None),
    ]
    assert database.rows("SELECT sum(unread_usage_count) FROM ai_usage_quarter_hourly") == [(0,)]
    stated = {"input_price": 2_000_000, "output_price": 0, "effective_from": SINCE_EVER}
    custom(acme, **stated, unit_prices={"web_searches": 10_000_000_001})
    assert rerate() == rerated(2, 1, 32_000)
    units = {"web_searches": 10_000_000_001, "pages": 1_000_000, "output_audio": 0}
    custom(acme, **stated, unit_prices=units)
    assert rerate() == rerated(2, 1, 2005)
    assert rerate() == rerated()
    assert database.rows(LEDGER)[2:] == [
        (Decimal("32000.000003"), 0, None, None),
        (2005, 0, None, None),
    ]
    assert database.rows("SELECT unpriced_usage_count, other_units FROM ai_spend_daily") == [
        (0, {"web_searches": 3, "output_audio": 1, "pages": 5})
    ]
    assert_sums_agree(database)


def test_units_that_a_better_reader_finds_are_booked(gateway: Client, database: Database) -> None:
    units = {"web_searches": 1_000_000, "code_executions": 1_000_000}
    seed(price("s", input_price=1_000_000, output_price=0, unit_prices=units))
    results(gateway, of_vendor(SEARCHED | {"mystery": 4}, "anthropic", model="s"))

    database.run("UPDATE ai_usage SET usage_object = usage_object - 'mystery'")
    database.run(RULES_OF_BEFORE)
    rerate()
    assert database.rows(LEDGER)[1:] == [(1003, 1000, {"web_searches": 3}, None)]
    units = database.rows("SELECT other_units FROM ai_usage_quarter_hourly")
    assert units == [({"web_searches": 3},)]
    assert_sums_agree(database)


def test_units_that_are_taken_back_leave_no_zero_in_a_sum(database: Database) -> None:
    two, gone, one = '{"pages": 2, "pixels": 1}', '{"pages": -2}', '{"pages": 1}'
    added = "SELECT ai_other_units_added(%s::jsonb, %s::jsonb)"
    assert database.rows(added, two, gone) == [({"pixels": 1},)]
    assert database.rows(added, '{"pages": 2}', gone) == [({},)]
    assert database.rows(added, None, one) == [(None,)]
    assert database.rows(
        "SELECT ai_other_units_sum(each) FROM unnest(%s::jsonb[]) AS each",
        [one, None, '{"pages": -1}', *['{"pages": 999999999999}'] * 2],
    ) == [({"pages": 2 * 999_999_999_999},)]
