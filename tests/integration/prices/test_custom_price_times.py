"""The last word about a custom price counts for the time that it names, and taking it back takes
back what it did.
"""

from datetime import UTC, datetime, timedelta

import pytest

from tests.gateway import Client
from tests.ledger import assert_sums_agree
from tests.model_prices import PRICES, confirmed, set_prices, url_time
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, seed, versions
from tests.resolved_prices import resolve
from tests.unattributed import assign
from tests.usage import (
    custom,
    expire,
    in_month_before,
    month_before,
    record,
    rerate,
    rerated,
    results,
)

USED_AT = "2026-11-20T10:00:00Z"
BEFORE, SINCE, AFTER = "2026-11-20T09:00:00Z", "2026-11-20T09:30:00Z", "2026-11-20T11:00:00Z"


def cost(database: Database) -> int:
    ((micros,),) = database.rows("SELECT sum(cost_micros)::bigint FROM ai_usage")
    return micros


def entries(database: Database) -> int:
    ((count,),) = database.rows("SELECT count(*) FROM audit_log")
    return count


def in_days(days: int) -> str:
    return url_time(datetime.now(UTC).replace(microsecond=0) + timedelta(days=days))


def test_a_correction_dated_back_counts_and_what_is_scheduled_stays(
    olivia: Client, acme: Acme, database: Database
) -> None:
    seed(price(input_price=5_000_000))
    results(olivia, record(tokens={"input": 1_000_000}, occurred_at=USED_AT))
    custom(acme, input_price=4_000_000, effective_from=SINCE)
    soon, later = in_days(10), in_days(20)
    custom(acme, input_price=1_000_000, effective_from=later)
    rerate()
    assert cost(database) == 4_000_000
    (made,) = set_prices(olivia, price(input_price=3_000_000, effective_from=BEFORE))
    assert made["replaced"] == [url_time(datetime.fromisoformat(SINCE)).replace("Z", ".000000Z")]
    assert [each[:10] for each in made["scheduled"]] == [later[:10]]
    assert "What is scheduled stays" in made["notes"][-1]
    assert rerate()["corrected"] == 1
    assert cost(database) == 3_000_000
    assert resolve(olivia, "p", "m")["price"]["input_price"] == 3_000_000
    assert resolve(olivia, "p", "m", f"&at={later}")["price"]["input_price"] == 1_000_000
    (made,) = set_prices(olivia, price(input_price=2_000_000, effective_from=soon))
    assert (made["replaced"], made["input_price"]) == ([], 2_000_000)
    assert made["applies_at"][:10] == soon[:10]
    assert resolve(olivia, "p", "m")["price"]["input_price"] == 3_000_000
    assert rerate()["corrected"] == 0
    assert_sums_agree(database)


def test_taking_a_price_back_takes_back_what_it_did(
    olivia: Client, acme: Acme, database: Database
) -> None:
    seed(price(input_price=5_000_000))
    results(
        olivia,
        *(
            record(n, tokens={"input": 1_000_000}, occurred_at=time)
            for n, time in enumerate((BEFORE, USED_AT))
        ),
    )
    custom(acme, input_price=4_000_000, effective_from=BEFORE)
    custom(acme, input_price=1_000_000, effective_from=in_days(10))
    rerate()
    assert cost(database) == 8_000_000
    assert olivia.delete(f"{PRICES}/p/m?from={SINCE}").status == 204
    rerate()
    assert cost(database) == 9_000_000, "what was before stays"
    assert resolve(olivia, "p", "m", f"&at={in_days(11)}")["price"]["source"] == "default"
    assert olivia.delete(f"{PRICES}/p/m").status == 204
    rerate()
    assert cost(database) == 10_000_000
    assert_sums_agree(database)
    assert olivia.delete(f"{PRICES}/p/m").status == 404
    custom(acme, input_price=3_000_000, effective_from=SINCE)
    rerate()
    assert cost(database) == 8_000_000, "it can be set again"
    for query in ("from=tomorrow", "since=2026-11-20T09:00:00Z", f"from={SINCE}&from={SINCE}"):
        assert olivia.delete(f"{PRICES}/p/m?{query}").status == 400


def test_usage_that_nothing_else_prices_has_no_cost_again(
    olivia: Client, acme: Acme, database: Database
) -> None:
    stated = record(0, model="own", tokens={"input": 1_000_000}, cost_micros=3, occurred_at=USED_AT)
    plain = record(1, model="own", tokens={"input": 1_000_000}, occurred_at=USED_AT)
    nobodys = record(2, model="own", tokens={"input": 1_000_000}, user="lee", occurred_at=USED_AT)
    costs = "SELECT sum(cost_micros)::bigint, sum(unpriced_usage_count)::bigint FROM ai_usage"
    results(olivia, stated, plain, nobodys)
    for attempt in range(2):
        custom(acme, model="own", input_price=4_000_000, effective_from=BEFORE)
        assert rerate() == rerated(3, 3, 12_000_000), attempt
        assert database.rows(costs) == [(12_000_000, 0)]
        assert olivia.delete(f"{PRICES}/p/own").status == 204
        assert rerate() == rerated(3, 3, -12_000_000), attempt
        assert database.rows(costs) == [(0, 3)]
        assert olivia.get("/api/v2/ai/usage/cost-differences").json()["models"] == []
        assert_sums_agree(database)
    # Also after it has become somebody's.
    assign(olivia, "lee", "maya")
    assert_sums_agree(database)
    custom(acme, model="own", input_price=5_000_000, effective_from=BEFORE)
    assert rerate() == rerated(3, 3, 15_000_000)
    assert_sums_agree(database)


def test_the_same_request_again_changes_nothing(olivia: Client, database: Database) -> None:
    seed(price(input_price=5_000_000))
    body = confirmed(
        [
            price(input_price=4_000_000, effective_from=BEFORE, unit_prices={"web_searches": None}),
            price(input_price=5_000_000, effective_from=AFTER),
            price(input_price=4_000_000, effective_from=in_days(10)),
        ]
    )
    set_prices(olivia, price(input_price=3_000_000, effective_from=SINCE))
    first = olivia.post(PRICES, body)
    written, told = versions(database), entries(database)
    again = olivia.post(PRICES, body)
    assert (first.status, again.status) == (200, 200)
    assert (versions(database), entries(database)) == (written, told)
    undated = confirmed([price(input_price=4_500_000)])
    assert [olivia.post(PRICES, undated).status for _ in range(2)] == [200, 200]
    assert len(versions(database)) == len(written) + 1
    for path in (f"{PRICES}/p/m?from={AFTER}", f"{PRICES}/p/m"):
        assert olivia.delete(path).status == 204
        written, told = versions(database), entries(database)
        assert olivia.delete(path).status == 404
        assert (versions(database), entries(database)) == (written, told)


def test_a_price_for_dropped_months_says_what_it_cannot_change(
    olivia: Client, database: Database
) -> None:
    seed(price(input_price=5_000_000))
    results(olivia, *(in_month_before(months, months) for months in range(5)))
    expire(database, 2)
    kept, dropped = f"{month_before(2)}T00:00:00Z", f"{month_before(3)}T23:00:00Z"
    (made,) = set_prices(olivia, price(input_price=4_000_000, effective_from=kept))
    assert made["notes"] == []
    (made,) = set_prices(olivia, price(input_price=4_000_000, effective_from=dropped))
    assert made["notes"] == [
        f"The ledger has every month since {month_before(2)}T00:00:00.000000Z only. Usage from"
        " before that was dropped keeps its cost."
    ]


@pytest.mark.parametrize("path", [f"{PRICES}/p/m?from=2026-11-20T09:00:00Z", f"{PRICES}/p/m"])
def test_without_a_custom_price_there_is_nothing_to_take_back(olivia: Client, path: str) -> None:
    seed(price(input_price=5_000_000))
    assert olivia.delete(path).status == 404


def test_what_a_deleted_price_left_is_no_price_of_anybody(olivia: Client) -> None:
    """Neither the response nor the list shows times at which a deleted price began."""
    seed(price(input_price=5_000_000))
    set_prices(olivia, price(input_price=4_000_000, effective_from=SINCE))
    assert olivia.delete(f"{PRICES}/p/m").status == 204
    begins = url_time(datetime.fromisoformat(BEFORE)).replace("Z", ".000000Z")
    (made,) = set_prices(olivia, price(input_price=3_000_000, effective_from=BEFORE))
    assert (made["replaced"], made["effective_from"]) == ([], begins)
    (listed,) = olivia.get(PRICES).json()["prices"]
    assert (listed["input_price"], listed["effective_from"]) == (3_000_000, begins)
    assert resolve(olivia, "p", "m")["price"]["effective_from"] == begins
    (again,) = set_prices(olivia, price(input_price=2_000_000, effective_from=BEFORE))
    assert (again["replaced"], again["effective_from"]) == ([begins], begins)


def test_an_end_that_is_scheduled_stays_for_all_that_was_after_it(olivia: Client) -> None:
    seed(price(input_price=5_000_000))
    ends, later = in_days(10), in_days(20)
    set_prices(olivia, price(input_price=4_000_000, effective_from=later))
    set_prices(olivia, price(input_price=3_000_000))
    assert olivia.delete(f"{PRICES}/p/m?from={ends}").status == 204
    set_prices(olivia, price(input_price=2_000_000))
    found = [resolve(olivia, "p", "m", f"&at={at}")["price"] for at in (in_days(5), ends, later)]
    assert [each["input_price"] for each in found] == [2_000_000, 5_000_000, 5_000_000]
