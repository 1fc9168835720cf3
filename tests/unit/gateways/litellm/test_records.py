"""The usage record of a call that LiteLLM logged."""

from typing import Any

import pytest

from allowance.gateways.litellm.log_models import EXAMPLE, Payload
from allowance.gateways.litellm.records import other_id_of, record_of
from allowance.prices.cost import Tokens
from allowance.usage.records import Usage, usage_of

CALL_ID = EXAMPLE["litellm_call_id"]


def record(**changes: Any) -> dict[str, Any]:
    return record_of(Payload.model_validate(EXAMPLE | changes), "maya")


def usage(**changes: Any) -> Usage:
    found = usage_of(record(**changes))
    assert isinstance(found, Usage)
    return found


def with_usage(usage_object: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return changes | {"metadata": {"usage_object": usage_object}}


def test_a_record_has_the_end_of_the_call_and_its_reservation() -> None:
    made = record()
    assert made["occurred_at"] == "2026-11-22T06:00:01.500000Z"
    assert made["reservation_key"] == CALL_ID
    assert (made["provider"], made["model"]) == ("openai", "gpt-5.1")


def test_the_usage_object_counts_rather_than_the_totals() -> None:
    counted = {
        "prompt_tokens": 1000,
        "completion_tokens": 200,
        "total_tokens": 1200,
        "prompt_tokens_details": {"cached_tokens": 600},
    }
    assert usage(**with_usage(counted)).tokens == Tokens(400, 200, 600, 0, 0)
    assert usage().tokens == Tokens(1000, 200, 0, 0, 0)


@pytest.mark.parametrize(("cost", "picos"), [(0.00325, 3_250_000_000), (0, None), (None, None)])
def test_a_cost_above_zero_is_the_stated_cost(cost: float | None, picos: int | None) -> None:
    assert usage(response_cost=cost).stated_cost_picos == picos


def test_a_response_from_the_cache_costs_nothing() -> None:
    found = usage(cache_hit=True)
    assert found.tokens == Tokens(0, 0, 0, 0, 0)
    assert found.stated_cost_picos is None


def test_a_cost_without_a_token_is_kept_rather_than_counted_as_nothing() -> None:
    """An image or a sound has a cost, and LiteLLM counts no token of it."""
    nothing = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    found = usage(**nothing)
    assert found.kept is not None
    assert [each.field for each in found.kept.reasons] == ["usage.response_cost"]
    assert usage(**nothing, response_cost=0).kept is None


@pytest.mark.parametrize(
    "changes", [{"id": "other"}, {"startTime": 1795327199.0}, {"endTime": 1795327202.0}]
)
def test_calls_of_one_chosen_id_have_different_ids(changes: dict[str, Any]) -> None:
    def other_id(**changes: Any) -> str:
        return other_id_of(Payload.model_validate(EXAMPLE | changes))

    assert other_id() == other_id()
    assert other_id(**changes) != other_id()


def test_a_record_has_the_id_of_the_spend_log_unless_the_caller_chose_it() -> None:
    assert record()["id"] == EXAMPLE["id"]
    for changes in ({"id": CALL_ID}, {"id": ""}, {"cache_hit": True}):
        assert record(**changes)["id"].startswith(f"{CALL_ID}.")


@pytest.mark.parametrize("call_id", [None, "", "x" * 300, "a\nb", "same again"])
def test_an_odd_id_of_a_call_loses_no_usage(call_id: str | None) -> None:
    found = usage(litellm_call_id=call_id, id="")
    assert len(found.id) == 16
    assert (found.reservation is None) == (call_id not in ("x" * 300, "same again"))


def test_a_record_without_a_model_or_a_provider_has_names_all_the_same() -> None:
    made = record(model="", custom_llm_provider=None)
    assert (made["provider"], made["model"]) == ("litellm", "unknown")
    assert record(custom_llm_provider=None)["provider"] == "openai"


@pytest.mark.parametrize(("length", "is_kept"), [(255, True), (256, False), (400, False)])
def test_an_id_that_no_record_may_have_is_replaced(length: int, is_kept: bool) -> None:
    """LiteLLM encrypts the ids of Responses, which makes them longer than 255 characters."""
    vendors = f"resp_{'x' * length}"[:length]
    assert (record(id=vendors)["id"] == vendors) is is_kept
    assert isinstance(usage_of(record(id=vendors)), Usage)
