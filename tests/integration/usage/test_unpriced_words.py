"""Words that no price list knows are kept with their usage, and so is usage that counts nothing."""

from typing import Any

import pytest

from tests.gateway import Client
from tests.postgres import Database
from tests.price_books import price, seed
from tests.usage import of_vendor, record, rerate, results

EMPTY = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
NOTHING = "Nothing was counted"


def told(found: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["field"], each["detail"][:19]) for each in found["validations"]]


@pytest.mark.parametrize("word", ["scale", "Batch+US", "flex/eu-1"])
def test_another_word_for_a_variant_is_kept_without_a_cost(
    gateway: Client, database: Database, word: str
) -> None:
    (found,) = results(gateway, record(variant=word))
    assert (found["status"], found["cost_micros"], found["priced"]) == ("recorded", None, False)
    assert [each["field"] for each in found["validations"]] == ["variant"]
    kept = "SELECT variant, input_tokens, unpriced_usage_count FROM ai_usage"
    assert database.rows(kept) == [(word.lower(), 1000, 1)]
    (again,) = results(gateway, record(variant=word.upper()))
    assert again["status"] == "duplicate"
    rerate()
    assert database.rows(kept) == [(word.lower(), 1000, 1)]


def test_a_word_in_a_usage_object_is_kept_without_a_cost(gateway: Client) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 1}
    found = results(
        gateway,
        of_vendor(usage | {"service_tier": "scale"}),
        of_vendor(usage, id="call-2", variant="scale"),
    )
    assert [each["priced"] for each in found] == [False, False]
    assert [each["validations"][0]["field"] for each in found] == ["usage.service_tier", "variant"]


@pytest.mark.parametrize(
    "change",
    [
        {"tokens": {}},
        {"tokens": {"input": 0}, "units": {"pages": 0}},
        {"tokens": {}, "requests": 5},
        {"tokens": {}, "cost_micros": 7},
        {"tokens": None, "usage_format": "openai", "usage": EMPTY},
    ],
)
def test_usage_that_counts_nothing_says_so(gateway: Client, change: dict[str, Any]) -> None:
    for status in ("recorded", "duplicate"):
        (found,) = results(gateway, record(**change))
        assert (found["status"], found["cost_micros"], found["priced"]) == (status, 0, True)
        assert told(found) == [("(record)", NOTHING)]


def test_what_counts_a_request_or_is_free_counts_something(gateway: Client) -> None:
    fee = {"requests": 5_000_000_000}
    seed(price("fee", input_price=1, unit_prices=fee), price("free", input_price=0, output_price=0))
    found = results(
        gateway,
        record(1, model="fee", tokens={}),
        record(2, model="free", units={"requests": 1}, tokens={}),
        record(3, model="free"),
    )
    assert [each["cost_micros"] for each in found] == [5000, None, 0]
    assert [told(each) for each in found][::2] == [[], []]
