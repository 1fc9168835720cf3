"""One record of several requests: counts say how many, and tiers do not apply."""

from tests.gateway import Client
from tests.ledger import assert_sums_agree
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, seed
from tests.usage import custom, of_vendor, record, rerate, rerated, results

SINCE_EVER = "2020-01-01T00:00:00Z"
COUNTS = (
    "SELECT cost_micros, usage_count, unpriced_usage_count FROM ai_usage ORDER BY id",
    "SELECT sum(cost_micros), sum(usage_count), sum(unpriced_usage_count)"
    " FROM ai_usage_quarter_hourly",
    "SELECT sum(cost_micros), sum(usage_count), sum(unpriced_usage_count) FROM ai_spend_daily",
)
RESULT = {
    "object": "organization.usage.completions.result",
    "input_tokens": 1000,
    "output_tokens": 100,
    "input_cached_tokens": 0,
    "num_model_requests": 470,
    "model": "m",
}
"""Of OpenAI's usage of an organization."""


def test_an_aggregate_counts_its_requests(gateway: Client, database: Database) -> None:
    results(gateway, record(1, requests=470), record(2), record(3, model="new", requests=30))
    ledger, *sums = map(database.rows, COUNTS)
    assert ledger == [(3000, 470, 0), (3000, 1, 0), (None, 30, 30)]
    assert sums == [[(6000, 501, 30)]] * 2
    assert_sums_agree(database)
    seed(price("new", input_price=1_000_000, output_price=0))
    assert rerate() == rerated(3, 1, 1000)
    ledger, *sums = map(database.rows, COUNTS)
    assert ledger[-1] == (1000, 0, -30)
    assert sums == [[(7000, 501, 0)]] * 2
    assert rerate() == rerated()
    assert_sums_agree(database)


def test_tiers_do_not_apply_to_an_aggregate(
    gateway: Client, acme: Acme, database: Database
) -> None:
    """The size of each of its requests is unknown."""
    tier = {"above_input_tokens": 999, "input_price": 9_000_000, "output_price": 90_000_000}
    terms = {"input_price": 2_000_000, "output_price": 10_000_000, "tiers": [tier]}
    custom(acme, **terms, effective_from=SINCE_EVER)
    one, two = results(gateway, record(1), record(2, requests=2))
    assert (one["cost_micros"], two["cost_micros"]) == (18_000, 3000)
    changed = terms | {"tiers": [tier | {"input_price": 8_000_000}], "input_price": 3_000_000}
    custom(acme, **changed, effective_from=SINCE_EVER)
    assert rerate() == rerated(2, 2, -1000 + 1000)
    assert [cost for cost, *_ in database.rows(COUNTS[0])] == [18_000, 3000, -1000, 1000]


def test_an_organizations_usage_is_read_as_an_aggregate(
    gateway: Client, database: Database
) -> None:
    (found,) = results(gateway, of_vendor(RESULT))
    assert (found["cost_micros"], found["validations"]) == (3000, [])
    (again,) = results(gateway, of_vendor(RESULT, requests=470, id="b"))
    assert again["cost_micros"] == 3000
    (differs,) = results(gateway, of_vendor(RESULT, requests=469, id="c"))
    assert (differs["cost_micros"], differs["validations"][0]["field"]) == (None, "requests")
    assert database.rows(COUNTS[0]) == [(3000, 470, 0), (3000, 470, 0), (None, 469, 469)]
    assert_sums_agree(database)


def test_a_better_reader_may_find_more_requests(gateway: Client, database: Database) -> None:
    results(gateway, of_vendor(RESULT | {"mystery": 1}))
    assert database.rows(COUNTS[0]) == [(None, 1, 1)]
    database.run("UPDATE ai_usage SET usage_object = usage_object - 'mystery'")
    database.run("UPDATE ai_usage_rating SET rules = 'before'")
    assert rerate() == rerated(1, 1, 3000)
    assert database.rows(COUNTS[0]) == [(None, 1, 1), (3000, 469, -1)]
    assert database.rows(COUNTS[1]) == [(3000, 470, 0)]
    assert_sums_agree(database)
