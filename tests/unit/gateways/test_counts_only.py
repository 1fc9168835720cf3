"""A usage object goes on without free text, and what is left has the same meaning."""

from typing import Any

import pytest

from allowance.gateways.counts_only import counts_only
from allowance.gateways.litellm.log_models import Payload
from allowance.gateways.litellm.records import record_of
from allowance.usage.records import Usage, usage_of
from tests.gateway_accounts import payload_of_litellm

COUNTS = {"prompt_tokens": 10, "completion_tokens": 2}


@pytest.mark.parametrize(
    "usage",
    [
        COUNTS | {"details": {"audio_tokens": 0, "cost": 0.5, "none": None, "is_byok": True}},
        COUNTS | {"service_tier": "priority", "type": "tokens", "traffic_type": "ON_DEMAND"},
        {"prompt_tokens": "10", "list": [{"count": 1}]},
    ],
)
def test_numbers_and_known_words_stay(usage: dict[str, Any]) -> None:
    assert counts_only(usage) == usage


def test_a_placeholder_stands_for_any_other_text() -> None:
    found = counts_only({"a": "say hi", "b": {"c": ["hi", 1]}, "say hi": 2})
    assert found == {"a": "(text)", "b": {"c": ["(text)", 1]}, "(name)": 2}


def test_an_object_without_end_is_cut_where_the_ledger_refuses_it() -> None:
    nested: dict[str, Any] = {"a": "hi"}
    for _ in range(500):
        nested = {"a": nested}
    kept = str(counts_only(nested))
    assert kept.count("{") == 9
    assert "hi" not in kept


@pytest.mark.parametrize("name", ["service_tier", "greeting"])
def test_a_text_that_is_left_out_is_named_and_gives_no_cost(name: str) -> None:
    metadata = {"usage_object": COUNTS | {name: "say hi"}}
    payload = Payload.model_validate(payload_of_litellm(metadata=metadata))
    read = usage_of(record_of(payload, "maya"))
    assert isinstance(read, Usage)
    assert read.kept is not None
    assert name in str(read.kept)
    assert "say hi" not in str(read.kept)
