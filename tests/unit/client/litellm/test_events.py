"""What LiteLLM's hooks say of a call that ended."""

from typing import Any

import pytest

from allowance_client.litellm.callers import checked_identity, fields_of_key, user_of
from allowance_client.litellm.events import Ended, ended, is_uncertain
from allowance_client.litellm.open_calls import KEPT_SECONDS, OpenCalls
from allowance_client.models import Reservation
from tests.litellm_hooks import USAGE, Timeout, UsageObject, VendorFailed, details, key, log

CALL_ID = "2f0c6a0e-6d0f-4a53-9a3c-0d7c6f0f9a11"
COUNTS = {name: value for name, value in USAGE.items() if value is not None}


def of(**changes: Any) -> Ended:
    found = ended(details(CALL_ID, **changes))
    assert found is not None
    return found


def test_a_log_has_the_counts_of_the_vendor_and_the_cost() -> None:
    used = of().used()
    assert used.get("usage") == COUNTS
    assert (used.get("provider"), used.get("model")) == ("p", "m")
    assert (used.get("usage_format"), used.get("cost_usd")) == ("litellm", "0.004")
    assert str(used.get("id")).startswith(f"{CALL_ID}.")
    assert of(response_cost=2e-05).used().get("cost_usd") == "0.00002"


@pytest.mark.parametrize("usage", [COUNTS, UsageObject(COUNTS)])
def test_usage_of_a_response_is_an_object_or_a_dictionary(usage: object) -> None:
    for response in ({"usage": usage}, type("Response", (), {"usage": usage})()):
        found = ended(details(CALL_ID, metadata={}), response)
        assert found is not None
        assert found.used().get("usage") == COUNTS


def test_without_a_usage_object_the_counts_of_the_log_stand() -> None:
    found = of(metadata={}, prompt_tokens=3, completion_tokens=4, total_tokens=7)
    assert found.used().get("usage") == {
        "prompt_tokens": 3,
        "completion_tokens": 4,
        "total_tokens": 7,
    }


def test_a_call_without_a_log_is_not_read() -> None:
    assert ended({"litellm_call_id": CALL_ID}) is None
    assert ended({"standard_logging_object": {"id": "x"}}) is None


def test_a_guess_is_at_least_the_held_input_and_states_no_cost() -> None:
    used = of().used(1500)
    usage = used.get("usage")
    assert usage is not None
    assert (usage["prompt_tokens"], usage["total_tokens"]) == (1500, 1700)
    assert "cost_usd" not in used
    assert of().used(10).get("usage") == COUNTS


def test_a_cached_response_counts_nothing() -> None:
    used = of(cache_hit=True).used()
    assert used.get("tokens") == {}
    assert "usage" not in used
    assert "cost_usd" not in used


def test_a_cost_without_a_token_is_kept_without_a_price() -> None:
    found = of(metadata={"usage_object": {"total_tokens": 0}}, response_cost=0.5)
    assert found.has_used_something
    assert found.used().get("usage") == {"total_tokens": 0, "response_cost": 0.5}
    assert not of(
        metadata={"usage_object": {"total_tokens": 0}}, response_cost=0
    ).has_used_something


def test_a_record_has_the_same_id_only_for_the_same_call() -> None:
    first = log(CALL_ID, id="a", startTime=1.0)
    ids = {
        made.record_id
        for changes in ({}, {"id": "b"}, {"startTime": 2.0}, {"litellm_call_id": "short"})
        if (made := ended({"standard_logging_object": first | changes}))
    }
    assert len(ids) == 4
    assert all("short" not in each for each in ids)


def test_errors_after_which_the_vendor_may_count() -> None:
    class APITimeoutError(Timeout):
        status_code = None  # type: ignore[assignment]

    class Gone(Exception):
        status_code = 499

    assert all(map(is_uncertain, (Timeout(), APITimeoutError(), Gone())))
    assert not is_uncertain(VendorFailed())


def test_a_call_is_of_the_first_name_that_its_key_has() -> None:
    known = fields_of_key(key(user_email="m@acme.example", key_alias="ci"))
    for identity, user in (
        (["user_api_key_user_id"], "maya"),
        (["user_api_key_org_id", "user_api_key_user_email"], "m@acme.example"),
        (["user_api_key_alias"], "ci"),
        (["user_api_key_end_user_id"], "claimed"),
    ):
        assert user_of(checked_identity(identity), known) == user


@pytest.mark.parametrize("user_id", [None, "", "default_user_id"])
def test_a_key_of_nobody_has_a_name_and_never_shows_itself(user_id: str | None) -> None:
    identity = checked_identity(["user_api_key_user_id"])
    name = user_of(identity, fields_of_key(key(user_id=user_id)))
    assert len(name) == len("litellm-key:") + 64
    hashed = user_of(identity, fields_of_key(key(user_id=user_id, api_key="a" * 64)))
    assert hashed == f"litellm-key:{'a' * 64}"
    assert user_of(["user_api_key_hash"], fields_of_key(key())) == name.partition(":")[2]
    assert user_of(identity, {}) == "litellm-key:unknown"


@pytest.mark.parametrize("fields", [[], ["user"], ["header:x-user"], "user_api_key_user_id"])
def test_an_unknown_field_of_identity_is_refused(fields: Any) -> None:
    with pytest.raises(ValueError, match="identity must list"):
        checked_identity(fields)


def test_a_call_that_never_ends_is_forgotten_after_hours() -> None:
    calls = OpenCalls()
    asked = {"litellm_call_id": "a"}
    call = calls.begin("a", asked, 0)
    assert call is not None
    assert calls.get("a") is None
    call.reservation = Reservation("k", {"estimate": {}}, "t", "r", 1, None, None)
    assert calls.get("a") is call
    assert calls.begin("a", {}, 1) is None
    assert calls.failed(asked) == ("a", call)
    assert calls.failed(dict(asked)) is None
    assert calls.begin("b", {}, KEPT_SECONDS + 1) is not None
    assert len(calls) == 1
    assert calls.failed({"litellm_call_id": 5}) is None
