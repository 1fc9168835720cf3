"""POST /api/v2/ai/usage: refused records and callers, and the problems in the response."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from allowance.usage.models import MAX_PROBLEMS
from tests.gateway import MAX_RESPONSE_BYTES, Client
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, seed
from tests.usage import PATH, of_vendor, record, results, send


def test_a_bad_record_blocks_no_other_and_every_problem_is_named(
    gateway: Client, database: Database
) -> None:
    found = results(
        gateway,
        record(1),
        {"source": 1, "tokens": {"input": -1}, "colour": "red"},
        "nonsense",
        record(2, tokens=None),
        record(3, tokens={"input": 10**12 + 1}),
        record(4, tokens={"input": 1.5}),
        record(5, source="allowance"),
        record(
            6,
            usage_format="openai",
            usage={"prompt_tokens": 1, "prompt_tokens_details": {"cached_tokens": -2}},
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


def test_usage_of_the_future_or_before_2020_is_rejected(gateway: Client) -> None:
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


@pytest.mark.parametrize("records", [[], None, {}, [{}] * 1001])
def test_a_batch_has_from_one_to_a_thousand_records(gateway: Client, records: object) -> None:
    answer = gateway.post(PATH, {"records": records})
    assert (answer.status, answer.json()["validations"][0]["field"]) == (400, "records")


def test_only_gateways_and_owners_may_record_usage(gateway: Client, acme: Acme) -> None:
    assert {
        name: send(acme.client(name), record()).status for name in ("adam", "maya", "ana", "olivia")
    } == {
        "adam": 404,
        "maya": 404,
        "ana": 404,
        "olivia": 200,
    }


def test_a_record_of_unknown_fields_alone_has_a_response_that_fits(gateway: Client) -> None:
    """The other records of its batch are recorded, so the response must arrive."""
    unknown = {f"{n:x}": 0 for n in range(80_000)}
    answer = send(gateway, record(1), unknown)
    assert answer.status == 200
    recorded, refused = answer.json()["results"]
    assert recorded["status"] == "recorded"
    assert (refused["status"], len(refused["validations"])) == ("rejected", MAX_PROBLEMS + 1)
    assert re.fullmatch(r"And \d+ problems more\.", refused["validations"][-1]["detail"])
    assert answer.lambda_bytes < MAX_RESPONSE_BYTES


def test_a_batch_of_objects_that_are_not_read_has_a_response_that_fits(gateway: Client) -> None:
    """A control character of a name takes seven bytes in each reason."""
    usage = {"\x01" * 100: dict.fromkeys("abcdefghij", 1)}
    answer = send(gateway, *(of_vendor(usage, id=f"{n}") for n in range(1000)))
    assert {each["status"] for each in answer.json()["results"]} == {"recorded"}
    assert answer.lambda_bytes < MAX_RESPONSE_BYTES
