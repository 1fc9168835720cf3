"""POST /api/v2/ai/usage: each record answered by itself, priced as of its time, counted once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.conftest import environment
from tests.gateway import Answer, Client
from tests.ledger import assert_sums_agree
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, seed
from tests.wire import wire

PATH = "/api/v2/ai/usage"
NOBODY = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def gateway(acme: Acme, database: Database) -> Client:
    """Someone who may record usage and do nothing else, and a model with a price: 2 USD and 10 USD
    a million.
    """
    database.run("UPDATE users SET roles = '{gateway}' WHERE username = 'nora'")
    seed(price(input_price=2_000_000, output_price=10_000_000))
    return acme.client("nora")


def record(number: int = 1, **changes: Any) -> dict[str, Any]:
    made = {
        "source": "litellm",
        "id": f"call-{number}",
        "user": "maya",
        "provider": "p",
        "model": "m",
        "occurred_at": "2026-11-20T10:00:00Z",
        "tokens": {"input": 1000, "output": 100},
    } | changes
    return {name: value for name, value in made.items() if value is not None}


def send(client: Client, *records: object) -> Answer:
    return client.post(PATH, {"records": list(records)})


def results(client: Client, *records: object) -> list[dict[str, Any]]:
    answer = send(client, *records)
    assert answer.status == 200, answer.body
    return answer.json()["results"]


def test_a_record_is_priced_and_kept_with_what_it_was_priced_by(
    gateway: Client, acme: Acme, database: Database
) -> None:
    assert results(gateway, record()) == [
        {"status": "recorded", "cost_micros": 3000, "priced": True, "validations": []}
    ]
    ((*entry, rates),) = database.rows(
        "SELECT user_id, group_id, organization_id, provider, model, priced_provider, priced_model, input_tokens,"
        " output_tokens, cost_micros, reason, rates FROM ai_usage"
    )
    everyone = acme.organizations["acme"]
    assert entry == [
        acme.users["maya"],
        everyone,
        everyone,
        "p",
        "m",
        "p",
        "m",
        1000,
        100,
        3000,
        "usage",
    ]
    assert rates == {
        "input_price": 2_000_000,
        "output_price": 10_000_000,
        "cache_read_price": None,
        "cache_write_price": None,
        "cache_write_1h_price": None,
    }
    assert_sums_agree(database)


def test_it_counts_against_the_group_whose_budget_is_in_effect(
    gateway: Client, acme: Acme, database: Database
) -> None:
    acme.client("adam").put(acme.budget_path(), {"spend_limit_micros": 5})
    results(gateway, record())
    assert database.rows("SELECT group_id, cost_micros FROM ai_spend_daily") == [
        (acme.groups["acme/platform"], 3000)
    ]


def test_who_has_no_organization_spends_for_no_group(gateway: Client, database: Database) -> None:
    database.run("UPDATE organizations SET is_default = false")
    results(gateway, record(user="nora"))
    ((group, organization),) = database.rows("SELECT group_id, organization_id FROM ai_usage")
    assert (str(group), str(organization)) == (NOBODY, NOBODY)


def test_a_user_is_called_by_id_by_name_or_by_address(
    gateway: Client, acme: Acme, database: Database
) -> None:
    called = [
        str(acme.users["maya"]),
        str(acme.users["maya"]).upper(),
        "maya",
        "Maya@ACME.example",
        "nobody",
        "a@b.c",
    ]
    found = results(gateway, *(record(number, user=name) for number, name in enumerate(called)))
    assert [each["status"] for each in found] == ["recorded"] * 4 + ["rejected"] * 2
    assert found[4]["validations"] == [{"field": "user", "detail": "There is no such user."}]
    assert database.rows("SELECT DISTINCT user_id FROM ai_usage") == [(acme.users["maya"],)]


def test_what_someone_used_who_left_since_is_recorded_still(
    gateway: Client, database: Database
) -> None:
    database.run("UPDATE users SET status = 'deleted' WHERE username = 'maya'")
    assert [
        each["status"] for each in results(gateway, record(), record(2, user="maya@acme.example"))
    ] == [
        "recorded",
        "rejected",
    ]


def test_the_same_again_is_a_duplicate_and_other_content_a_conflict(
    gateway: Client, database: Database
) -> None:
    first = results(gateway, record())
    again = results(
        gateway,
        record(),
        record(tokens={"input": 1}),
        record(occurred_at="2026-11-20T12:00:00+02:00"),
    )
    assert [each["status"] for each in again] == ["duplicate", "conflict", "duplicate"]
    assert again[0] == first[0] | {"status": "duplicate"}
    assert again[1]["validations"] == [
        {"field": "id", "detail": "It was recorded with other content."}
    ]
    assert database.rows("SELECT count(*) FROM ai_usage") == [(1,)]
    assert_sums_agree(database)


def test_a_retry_is_a_duplicate_whatever_became_of_user_and_price(
    gateway: Client, database: Database
) -> None:
    results(gateway, record(user="maya@acme.example"))
    database.run("UPDATE users SET status = 'deleted', email = NULL WHERE username = 'maya'")
    seed(price(input_price=2_100_000, output_price=10_000_000))
    assert [
        (each["status"], each["cost_micros"])
        for each in results(gateway, record(user="maya@acme.example"))
    ] == [("duplicate", 3000)]


def test_a_key_that_comes_twice_in_a_batch_counts_once(gateway: Client, database: Database) -> None:
    found = results(gateway, record(), record(), record(tokens={"input": 5}), record(2))
    assert [each["status"] for each in found] == ["recorded", "duplicate", "conflict", "recorded"]
    assert database.rows("SELECT usage_count, cost_micros FROM ai_spend_daily") == [(2, 6000)]


def test_a_bad_record_stops_no_other_and_every_problem_is_named(
    gateway: Client, database: Database
) -> None:
    found = results(
        gateway,
        record(1),
        {"source": 1, "tokens": {"input": -1}, "colour": "red"},
        "nonsense",
        record(2, tokens=None),
        record(3, tokens={"input": 10**12 + 1}),
        record(4, tokens={"input": 1.0}),
        record(5, source="allowance"),
        record(
            6,
            usage_format="openai",
            usage={"prompt_tokens": 1, "prompt_tokens_details": {"cached_tokens": 2}},
            tokens=None,
        ),
        record(7),
    )
    assert [each["status"] for each in found] == ["recorded", *["rejected"] * 7, "recorded"]
    fields = [[problem["field"] for problem in each["validations"]] for each in found]
    assert set(fields[1]) == {
        "source",
        "id",
        "user",
        "provider",
        "model",
        "occurred_at",
        "tokens.input",
        "colour",
    }
    assert fields[4] == ["tokens.input"]
    assert fields[7] == ["usage.prompt_tokens_details.cached_tokens"]
    assert database.rows("SELECT count(*) FROM ai_usage_keys") == [(2,)]


def test_a_cost_above_the_bound_is_rejected(gateway: Client) -> None:
    seed(price(model="dear", input_price=10**12))
    at, above = results(
        gateway,
        record(1, model="dear", tokens={"input": 10**7}),
        record(2, model="dear", tokens={"input": 10**7 + 1}),
    )
    assert (at["status"], at["cost_micros"]) == ("recorded", 10**13)
    assert (above["status"], above["validations"][0]["field"]) == ("rejected", "tokens")


def test_what_has_no_price_is_recorded_without_a_cost(gateway: Client, database: Database) -> None:
    found = results(
        gateway,
        record(1, model="unheard-of"),
        record(2, tokens={"cache_read": 5}),
        record(3, variant="batch"),
    )
    assert [(each["status"], each["cost_micros"], each["priced"]) for each in found] == [
        ("recorded", None, False)
    ] * 3
    assert {each["validations"][0]["field"] for each in found} == {"model"}
    assert database.rows(
        "SELECT usage_count, unpriced_usage_count, cost_micros FROM ai_spend_daily"
    ) == [(3, 3, 0)]
    assert [each["status"] for each in results(gateway, record(1, model="unheard-of"))] == [
        "duplicate"
    ]
    assert_sums_agree(database)


def test_each_is_priced_as_of_its_time(gateway: Client, acme: Acme, database: Database) -> None:
    custom = price(input_price=4_000_000) | {"effective_from": "2026-11-10T00:00:00Z"}
    assert acme.client("olivia").post("/api/v2/ai/model-prices", {"prices": [custom]}).status == 204
    moments = [
        "2026-11-09T23:59:59.999999Z",
        "2026-11-10T00:00:00Z",
        "2026-11-10T00:59:59+01:00",
        "2026-10-01T00:00:00Z",
    ]
    found = results(
        gateway,
        *(
            record(n, occurred_at=moment, tokens={"input": 1000})
            for n, moment in enumerate(moments)
        ),
    )
    assert [each["cost_micros"] for each in found] == [2000, 4000, 2000, 2000]


@pytest.mark.parametrize(
    ("provider", "model"), [("P", "M"), ("p", "m-2026-11-22"), ("litellm", "p/m")]
)
def test_the_price_is_the_one_that_the_name_resolves_to(
    gateway: Client, database: Database, provider: str, model: str
) -> None:
    resolved = gateway.get(
        f"/api/v2/ai/model-prices/resolve?provider={provider}&model={model}"
    ).json()["price"]
    (found,) = results(gateway, record(provider=provider, model=model))
    assert (found["cost_micros"] is None) == (resolved is None)
    ((priced, sent),) = database.rows("SELECT priced_model, model FROM ai_usage")
    assert (priced, sent) == (resolved and resolved["model"], model)


def test_a_month_ends_with_its_last_microsecond_wherever_the_gateway_is(
    gateway: Client, database: Database
) -> None:
    moments = [
        "2026-10-31T23:59:59.999999Z",
        "2026-11-01T00:00:00Z",
        "2026-11-01T00:59:59.999999+01:00",  # still October
        "2026-10-31T20:00:00-04:00",  # November already
        "2026-10-25T02:30:00+02:00",  # the hour that a clock in Berlin shows twice: UTC has each once
        "2026-10-25T02:30:00+01:00",
    ]
    results(gateway, *(record(n, occurred_at=moment) for n, moment in enumerate(moments)))
    assert database.rows(
        "SELECT to_char(day, 'YYYY-MM'), sum(usage_count)::int FROM ai_spend_daily GROUP BY 1 ORDER BY 1"
    ) == [("2026-10", 4), ("2026-11", 2)]
    assert database.rows("SELECT count(*) FROM ai_usage_2026_10") == [(4,)]
    assert database.rows(
        "SELECT count(DISTINCT hour) FROM ai_usage_hourly WHERE hour < '2026-10-26'"
    ) == [(2,)]


def test_what_is_to_come_or_dated_before_all_usage_is_rejected(gateway: Client) -> None:
    now = datetime.now(UTC)
    moments = [
        now + timedelta(minutes=4),
        now + timedelta(minutes=6),
        datetime(2019, 12, 31, tzinfo=UTC),
    ]
    found = results(
        gateway, *(record(n, occurred_at=each.isoformat()) for n, each in enumerate(moments))
    )
    assert [each["status"] for each in found] == ["recorded", "rejected", "rejected"]
    assert found[1]["validations"][0]["field"] == "occurred_at"


def test_vendors_usage_objects_are_read(gateway: Client) -> None:
    usage = {
        "prompt_tokens": 1000,
        "completion_tokens": 100,
        "total_tokens": 1100,
        "completion_tokens_details": None,
    }
    (found,) = results(gateway, record(tokens=None, usage_format="openai", usage=usage))
    assert found["cost_micros"] == 3000
    assert results(gateway, record())[0]["status"] == "duplicate", "the same, said otherwise"


@pytest.mark.parametrize("records", [[], None, {}, [{}] * 1001])
def test_a_batch_has_from_one_to_a_thousand_records(gateway: Client, records: object) -> None:
    answer = gateway.post(PATH, {"records": records})
    assert (answer.status, answer.json()["validations"][0]["field"]) == (400, "records")


def test_only_who_may_record_usage_may_and_others_see_nothing_there(
    gateway: Client, acme: Acme
) -> None:
    assert {
        name: send(acme.client(name), record()).status for name in ("adam", "maya", "ana", "olivia")
    } == {
        "adam": 404,
        "maya": 404,
        "ana": 404,
        "olivia": 200,
    }


@pytest.mark.parametrize("size", [1, 100, 1000])
def test_any_batch_costs_three_trips_and_two_when_it_comes_again(
    gateway: Client, database: Database, acme: Acme, size: int
) -> None:
    batch = [
        record(n, model=f"m{n % 7}", occurred_at=f"2026-{1 + n % 10:02}-01T00:00:00Z")
        for n in range(size)
    ]
    with wire(database.app_url) as counted, environment(DATABASE_URL=counted.url):
        assert acme.client("olivia").get("/api/v2/users/me").status == 200
        for expected, trips in (("recorded", 3), ("duplicate", 2)):
            counted.reset()
            assert {each["status"] for each in results(acme.client("olivia"), *batch)} == {expected}
            assert counted.trips == trips


def test_the_same_batch_from_many_at_once_counts_once(
    gateway: Client, database: Database, at_once: Any
) -> None:
    batch = [record(n, user=("maya", "otto", "adam")[n % 3]) for n in range(60)]
    answers = at_once(8, lambda number: batch[number:] + batch[:number])
    statuses = [each["status"] for answer in answers for each in answer]
    assert (statuses.count("recorded"), statuses.count("duplicate")) == (60, 60 * 7)
    assert database.rows(
        "SELECT sum(usage_count)::int, sum(cost_micros)::int FROM ai_spend_daily"
    ) == [(60, 180_000)]
    assert_sums_agree(database)


@pytest.fixture
def at_once(gateway: Client, database: Database, acme: Acme) -> Any:
    """Sends a batch of each of so many writers at once, each on a connection of its own."""
    from tests.ledger import connection_of, record_in

    def send_all(writers: int, batch_of: Any) -> list[list[dict[str, Any]]]:
        def one(number: int) -> list[dict[str, Any]]:
            connection = connection_of(database)
            try:
                answers = record_in(connection, batch_of(number), datetime.now(UTC))
            finally:
                connection.close()
            return [asdict(each) for each in answers]

        with ThreadPoolExecutor(writers) as pool:
            return list(pool.map(one, range(writers)))

    return send_all
