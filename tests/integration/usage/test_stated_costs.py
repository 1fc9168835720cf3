"""A record may state its cost: it is kept beside ours, the difference is listed, or it counts."""

from decimal import Decimal
from typing import Any

import pytest

from tests.gateway import Client
from tests.ledger import assert_sums_agree
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, seed
from tests.usage import custom, failed, message, of_vendor, record, rerate, rerated, results

DIFFERENCES = "/api/v2/ai/usage/cost-differences"
SINCE_EVER = "2020-01-01T00:00:00Z"
LEDGER = (
    "SELECT cost_micros, stated_cost_micros, stated_difference_micros, cost_from, priced"
    " FROM ai_usage ORDER BY id"
)
SUMS = (
    "SELECT sum(stated_cost_micros), sum(stated_difference_micros), sum(compared_usage_count),"
    " sum(compared_cost_micros) FROM ai_usage_quarter_hourly"
)


def set_source(database: Database, source: str, cost_from: str) -> None:
    database.run(
        "INSERT INTO ai_usage_sources (source, cost_from, created_at, updated_at)"
        " VALUES (%s, %s, now(), now()) ON CONFLICT (source)"
        " DO UPDATE SET cost_from = excluded.cost_from",
        source,
        cost_from,
    )


def differences(client: Client, query: str = "") -> dict[str, Any]:
    answer = client.get(DIFFERENCES + query)
    assert answer.status == 200, answer.body
    return answer.json()


def test_a_stated_cost_is_kept_beside_ours(gateway: Client, database: Database) -> None:
    found = results(
        gateway,
        record(1, cost_usd=0.003125000001),
        record(2, cost_micros=3000),
        record(3, cost_usd="0"),
        record(4),
        record(5, model="new", cost_micros=7),
    )
    shown = [(each["cost_micros"], each.get("stated_cost_micros")) for each in found]
    assert shown == [(3000, 3125), (3000, 3000), (3000, 0), (3000, None), (None, 7)]
    assert [each.get("cost_difference_micros") for each in found] == [-125, 0, 3000, None, None]
    assert database.rows(LEDGER) == [
        (3000, Decimal("3125.000001"), Decimal("-125.000001"), None, True),
        (3000, 3000, 0, None, True),
        (3000, 0, 3000, None, True),
        (3000, None, None, None, True),
        (None, 7, None, None, False),
    ]
    assert database.rows(SUMS) == [(Decimal("6132.000001"), Decimal("2874.999999"), 3, 9000)]
    assert_sums_agree(database)
    (again,) = results(gateway, record(1, cost_usd="3.125000001e-3"))
    assert again == found[0] | {"status": "duplicate"}
    (other,) = results(gateway, record(1, cost_usd=0.003125))
    assert other["status"] == "conflict"


def test_the_cost_of_an_object_counts_as_stated(gateway: Client, database: Database) -> None:
    usage = {"prompt_tokens": 1000, "completion_tokens": 100, "cost": 0.0029}
    strange = usage | {"mystery_tokens": 4}
    (found, unread) = results(
        gateway, of_vendor(usage, "openrouter"), of_vendor(strange, "openrouter", id="b")
    )
    assert (found["cost_micros"], found["stated_cost_micros"]) == (3000, 2900)
    assert (unread["cost_micros"], unread["stated_cost_micros"]) == (None, 2900)
    assert database.rows(SUMS) == [(5800, 100, 1, 3000)]


def test_a_correction_moves_the_difference(gateway: Client, acme: Acme, database: Database) -> None:
    results(gateway, record(1, cost_micros=2500), record(2, model="new", cost_micros=10))
    assert database.rows(SUMS) == [(2510, 500, 1, 3000)]
    seed(price("new", input_price=1_000, output_price=0))
    assert rerate() == rerated(2, 1, 1)
    assert database.rows(SUMS) == [(2510, 491, 2, 3001)]
    custom(acme, input_price=1_000_000, output_price=10_000_000, effective_from=SINCE_EVER)
    assert rerate() == rerated(1, 1, -1000)
    assert database.rows(SUMS) == [(2510, -509, 2, 2001)]
    assert rerate() == rerated()
    assert_sums_agree(database)


def test_differences_are_listed_by_model_the_largest_first(
    gateway: Client, acme: Acme, database: Database
) -> None:
    seed(price("a", input_price=1), price("b", input_price=1_000_000), price("c", input_price=0))
    results(
        gateway,
        record(1, model="a", tokens={"input": 1}, cost_micros=0),
        record(2, model="b", tokens={"input": 5}, cost_micros=7),
        record(3, model="b", tokens={"input": 5}, cost_micros=10, requests=4),
        record(4, model="c", tokens={"input": 1}, cost_usd="0.000000000001"),
        record(5, model="d", cost_micros=900),
        record(6, model="a"),
    )
    database.run("UPDATE users SET roles = '{auditor}' WHERE username = 'otto'")
    auditor = acme.client("otto")
    listed = differences(auditor)
    assert listed == {
        "models": [
            {
                "provider": "p",
                "model": model,
                "usage_count": count,
                "cost_micros": ours,
                "stated_cost_micros": stated,
                "difference_micros": difference,
            }
            for model, count, ours, stated, difference in (
                ("b", 5, 10, 17, -7),
                ("a", 1, 0, 0, 0),
                ("c", 1, 0, 0, 0),
            )
        ],
        "next": None,
    }
    for limit in (1, 2, 3):
        page = differences(auditor, f"?limit={limit}")
        seen = page["models"]
        while page["next"] is not None:
            page = differences(auditor, f"?limit={limit}&after={page['next']}")
            seen += page["models"]
        assert seen == listed["models"]
    assert auditor.get(f"{DIFFERENCES}?after=x").status == 400
    assert auditor.get(f"{DIFFERENCES}?limit=0").status == 400
    assert acme.client("maya").get(DIFFERENCES).status == 404


def test_the_stated_cost_is_the_cost_where_its_source_says_so(
    gateway: Client, acme: Acme, database: Database
) -> None:
    set_source(database, "litellm", "record")
    set_source(database, "books", "book")
    mystery = {"prompt_tokens": 1000, "mystery_tokens": 4}
    found = results(
        gateway,
        record(1, cost_usd=0.0000005),
        record(2),
        record(3, model="new", cost_micros=7),
        record(4, source="books", cost_micros=7),
        of_vendor(mystery, id="5", cost_micros=9),
    )
    assert [(each["cost_micros"], each["priced"]) for each in found] == [
        (0, True),
        (3000, True),
        (7, True),
        (3000, True),
        (9, True),
    ]
    assert [each.get("cost_difference_micros") for each in found] == [0, None, 0, 2993, 0]
    # What was not understood is still named.
    assert [each["field"] for each in found[4]["validations"]] == ["usage.mystery_tokens"]
    assert database.rows(LEDGER) == [
        (Decimal("0.5"), Decimal("0.5"), None, "record", True),
        (3000, None, None, None, True),
        (7, 7, None, "record", True),
        (3000, 7, 2993, None, True),
        (9, 9, None, "record", True),
    ]
    assert_sums_agree(database)
    set_source(database, "litellm", "book")
    custom(acme, input_price=1_000_000, output_price=10_000_000, effective_from=SINCE_EVER)
    seed(price("new", input_price=1_000))
    assert rerate() == rerated(2, 2, -2000), "the cost of a record stays"
    assert results(gateway, record(1, cost_usd=0.0000005))[0]["cost_micros"] == 0
    assert_sums_agree(database)


@pytest.mark.parametrize(("cost_from", "cost"), [("record", 5), ("book", 3000)])
def test_the_queue_follows_the_setting_of_the_source(
    gateway: Client, database: Database, cost_from: str, cost: int
) -> None:
    set_source(database, "litellm", cost_from)
    assert failed(message("a", record(1, cost_micros=5))) == []
    assert database.rows("SELECT cost_micros FROM ai_usage") == [(cost,)]


def test_amounts_beyond_a_bigint_are_kept_and_compared(gateway: Client, database: Database) -> None:
    set_source(database, "by-record", "record")
    most = 10**13
    found = results(
        gateway,
        record(1, cost_micros=most),
        record(2, cost_usd=10_000_000, source="by-record"),
        record(3, tokens={"input": 1}),
    )
    assert [each["cost_micros"] for each in found] == [3000, most, 2]
    assert found[0]["cost_difference_micros"] == 3000 - most
    assert database.rows(LEDGER)[0][1:3] == (most, 3000 - most)
    assert_sums_agree(database)
    assert differences(gateway_reader(database, gateway))["models"][0]["stated_cost_micros"] == most


def gateway_reader(database: Database, gateway: Client) -> Client:
    """The gateway, which may now read usage too."""
    database.run("UPDATE users SET roles = '{gateway,auditor}' WHERE username = 'nora'")
    return gateway
