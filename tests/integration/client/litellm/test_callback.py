"""LiteLLM's callback against the service, driven by what LiteLLM gives its hooks."""

from collections.abc import Callable
from typing import Any

import pytest

from tests import litellm_hooks
from tests.litellm_hooks import (
    HTTPException,
    Timeout,
    UsageObject,
    VendorFailed,
    before,
    details,
    eventually,
    failed,
    failure,
    request,
    success,
)
from tests.people import Acme
from tests.postgres import Database
from tests.reservations import held, limit_everyone

COST = 4_000
"""1,000 tokens of input, 200 of output."""

HELD = 15 * 2 + 300 * 10
"""15 tokens of input, 300 of output."""

TABLES = (
    "SELECT c.oid::regclass::text FROM pg_class AS c"
    " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'"
)

Callback = Any


def recorded(database: Database, number: int) -> list[tuple[Any, ...]]:
    """Input, output and cost of what is in the ledger, when it is this number of records."""
    query = "SELECT input_tokens, output_tokens, cost_micros::int FROM ai_usage ORDER BY id"
    return eventually(lambda: database.rows(query), number)


def test_calls_are_held_and_settled_by_what_they_used(
    callback: Callback, run: Callable[..., Any], database: Database, acme: Acme
) -> None:
    object_, streamed, cached, fixed = (request(model=name) for name in ("alias", *["p/m"] * 3))
    for asked in (object_, streamed, cached, fixed):
        run(before(callback, asked))
    assert list(held(database).values()) == [4 * HELD]
    counts = {"prompt_tokens": 10, "completion_tokens": 1, "total_tokens": 11}
    run(success(callback, details(object_["litellm_call_id"])))
    response = {"usage": counts}
    run(success(callback, details(streamed["litellm_call_id"], metadata={}), response))
    run(success(callback, details(cached["litellm_call_id"], cache_hit=True)))
    twice = details(fixed["litellm_call_id"])
    for _ in range(2):
        run(success(callback, twice))
    assert recorded(database, 4) == [(1000, 200, COST), (10, 1, 30), (0, 0, 0), (1000, 200, COST)]
    assert held(database) == {}
    ((source, user, provider, model),) = database.rows(
        "SELECT DISTINCT source, user_id, provider, model FROM ai_usage"
    )
    assert (source, user, provider, model) == ("litellm", acme.users["maya"], "p", "m")
    ((ids,),) = database.rows("SELECT array_agg(source_id ORDER BY id) FROM ai_usage")
    assert ids[0].startswith(f"{object_['litellm_call_id']}.")
    for (table,) in database.rows(TABLES):
        assert "secret" not in str(database.rows(f"SELECT t::text FROM {table} AS t"))


def test_a_refusal_is_a_403_and_holds_nothing(
    callback: Callback, run: Callable[..., Any], database: Database, acme: Acme
) -> None:
    limit_everyone(database, acme, HELD - 1)
    asked = request()
    with pytest.raises(HTTPException, match="AI budget of US") as refused:
        run(before(callback, asked))
    assert refused.value.status_code == 403
    run(failed(callback, asked, refused.value))
    limit_everyone(database, acme, HELD)
    run(before(callback, asked))
    for user in (None, "default_user_id", "nobody"):
        with pytest.raises(HTTPException) as refused:
            run(before(callback, request(), user_id=user))
        assert refused.value.status_code == 403
    with pytest.raises(HTTPException) as refused:
        run(before(callback, request(model="unknown")))
    assert refused.value.status_code == 403
    assert list(held(database).values()) == [HELD]


def test_a_failure_releases_once_for_all_attempts(
    callback: Callback, run: Callable[..., Any], database: Database
) -> None:
    assert "async_log_failure_event" not in vars(type(callback))
    asked = request()
    run(before(callback, asked))
    run(failed(callback, {"litellm_call_id": asked["litellm_call_id"]}, VendorFailed()))
    assert list(held(database).values()) == [HELD]
    run(failed(callback, failure(asked), VendorFailed()))
    assert held(database) == {}
    run(before(callback, asked))
    run(failed(callback, asked, VendorFailed()))
    assert held(database) == {}
    assert recorded(database, 0) == []


def test_a_hold_stays_where_nobody_knows_the_usage(
    callback: Callback, run: Callable[..., Any], database: Database
) -> None:
    late, begun, silent = request(), request(), request()
    for asked in (late, begun, silent):
        run(before(callback, asked))
    run(failed(callback, failure(late), Timeout()))
    log = litellm_hooks.log(begun["litellm_call_id"], metadata={}, response_cost=0)
    log["completionStartTime"] = log["endTime"] - 0.5
    run(failed(callback, failure(begun, standard_logging_object=log), VendorFailed()))
    nothing = {"metadata": {"usage_object": {"total_tokens": 0}}, "response_cost": 0}
    run(success(callback, details(silent["litellm_call_id"], **nothing)))
    # The queue keeps the order: what comes after these is there, so these never will be.
    run(success(callback, details("a-later-one")))
    assert recorded(database, 1) == [(1000, 200, COST)]
    assert list(held(database).values()) == [3 * HELD]


def test_a_guess_is_at_least_the_held_input(
    callback: Callback, run: Callable[..., Any], database: Database
) -> None:
    left, broken = request(), request()
    for asked in (left, broken):
        run(before(callback, asked))
    few = {"completion_tokens": 7, "prompt_tokens": 2, "total_tokens": 9}
    metadata = {"usage_object": few}
    run(success(callback, details(left["litellm_call_id"], left=True, metadata=metadata)))
    more = {"completion_tokens": 7, "prompt_tokens": 90, "total_tokens": 97}
    run(failed(callback, failure(broken, combined_usage_object=UsageObject(more)), Timeout()))
    assert recorded(database, 2) == [(15, 7, 100), (90, 7, 250)]
    assert held(database) == {}


def test_an_id_that_runs_is_refused_and_later_free(
    callback: Callback, run: Callable[..., Any], database: Database
) -> None:
    asked = request()
    run(before(callback, asked))
    again = request(litellm_call_id=asked["litellm_call_id"])
    with pytest.raises(HTTPException, match="id of its own") as refused:
        run(before(callback, again))
    assert refused.value.status_code == 409
    run(failed(callback, again, refused.value))
    assert list(held(database).values()) == [HELD]
    run(success(callback, details(asked["litellm_call_id"], id="first")))
    run(before(callback, again))
    run(success(callback, details(asked["litellm_call_id"], id="second")))
    assert recorded(database, 2) == [(1000, 200, COST)] * 2
    assert held(database) == {}
    with pytest.raises(HTTPException, match="no id") as refused:
        run(before(callback, request(litellm_call_id="")))
    assert refused.value.status_code == 400
    with pytest.raises(HTTPException, match=r"cannot decide.*user: ") as refused:
        run(before(callback, request(), user_id="x" * 300))
    assert refused.value.status_code == 400
