"""LiteLLM's log: a message that comes again changes nothing, and a call ends only its own hold."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from allowance.contract.fields import rfc3339
from tests.gateway import Client
from tests.gateway_accounts import payload_of_litellm
from tests.litellm import COST, ESTIMATE, NOTHING, configure, decide, log, log_one
from tests.people import Acme
from tests.postgres import Database
from tests.reservations import held, limit_everyone
from tests.usage import record, results

OTTO = {"metadata": {"user_api_key_user_id": "otto"}}
COUNTED = "SELECT count(*), sum(cost_micros)::bigint FROM ai_usage"


@pytest.fixture
def holding(gateway: Client, acme: Acme, database: Database) -> Client:
    """The gateway, which holds money for a call of maya."""
    limit_everyone(database, acme, 9 * ESTIMATE)
    assert decide(gateway) == ("NONE", "")
    return gateway


def early(seconds: float) -> dict[str, Any]:
    """The times of a call that ended so long ago."""
    payload = payload_of_litellm()
    return {each: payload[each] - seconds for each in ("startTime", "endTime")}


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({}, id="settles"),
        pytest.param({"litellm_call_id": "call-2"}, id="has no hold"),
        pytest.param(OTTO, id="is of another user than its hold"),
        pytest.param(early(400), id="is long before its hold"),
        pytest.param({"model": "p/n"}, id="is of another model than its hold"),
        pytest.param({"cache_hit": True}, id="has the other id"),
        pytest.param({"litellm_call_id": None}, id="has no key"),
    ],
)
@pytest.mark.parametrize("shares_its_id", [False, True])
def test_a_log_that_comes_again_changes_nothing(
    holding: Client, database: Database, changed: dict[str, Any], *, shares_its_id: bool
) -> None:
    if shares_its_id:
        log_one(holding, **early(100), litellm_call_id="call-0")
    payload = payload_of_litellm(**changed)
    twice = [each["status"] for each in log(holding, payload, payload)]
    assert twice == ["recorded", "duplicate"]
    counted, holds = database.rows(COUNTED), held(database)
    for _ in range(2):
        assert log(holding, payload)[0]["status"] == "duplicate"
    assert (database.rows(COUNTED), held(database)) == (counted, holds)
    assert counted[0][0] == 1 + shares_its_id


def test_a_retry_counts_once_though_its_id_got_a_hold(
    holding: Client, acme: Acme, database: Database
) -> None:
    """The first log came when nothing was held by its id."""
    payload = payload_of_litellm(litellm_call_id="call-2")
    assert log(holding, payload)[0]["status"] == "recorded"
    other = {"model": "m", "litellm_call_id": "call-2"}
    configure(acme.client("olivia"), estimate_micros=ESTIMATE)
    assert decide(holding, **other) == ("NONE", "")
    assert log(holding, payload)[0]["status"] == "duplicate"
    assert database.rows(COUNTED) == [(1, COST)]


@pytest.mark.parametrize("at", ["startTime", "endTime"])
def test_a_call_that_a_spend_log_counted_counts_once(
    gateway: Client, database: Database, logged: Callable[[], list[dict[str, Any]]], at: str
) -> None:
    """An import of LiteLLM's database comes before its log, or after it."""
    payload = payload_of_litellm()
    imported = record(1, id=payload["id"], source="litellm", tokens={"input": 1})
    imported["occurred_at"] = rfc3339(datetime.fromtimestamp(payload[at], UTC))
    assert results(gateway, imported)[0]["status"] == "recorded"
    before = database.rows(COUNTED)
    for _ in range(2):
        assert log(gateway, payload)[0]["status"] == "duplicate"
    assert database.rows(COUNTED) == before
    assert "usage not recorded" not in {each["message"] for each in logged()}


def test_a_spend_log_after_the_log_counts_no_call_twice(
    gateway: Client, database: Database
) -> None:
    payload = payload_of_litellm()
    log(gateway, payload)
    imported = record(1, id=payload["id"], source="litellm", tokens={"input": 1})
    assert results(gateway, imported)[0]["status"] == "conflict"
    assert database.rows(COUNTED) == [(1, COST)]


@pytest.mark.parametrize(
    "changed", [OTTO, {"model": "p/n"}, {"metadata": {"user_api_key_user_id": "stranger"}}]
)
def test_a_failed_call_ends_no_hold_of_another_call(
    holding: Client, acme: Acme, database: Database, changed: dict[str, Any]
) -> None:
    """A caller may send a failing call with the id of a dear one."""
    assert log_one(holding, **NOTHING | changed)["status"] == "nothing_used"
    assert held(database) == {acme.users["maya"]: ESTIMATE}


def test_a_cheap_call_settles_no_hold_of_another_model(
    holding: Client, acme: Acme, database: Database
) -> None:
    assert log_one(holding, model="p/n", id="cheap")["status"] == "recorded"
    assert held(database) == {acme.users["maya"]: ESTIMATE}


@pytest.mark.parametrize("used", [{}, NOTHING])
@pytest.mark.parametrize(
    "names",
    [{"model": "m"}, {"model": "deployed", "model_group": "p/m"}],
)
def test_a_call_ends_a_hold_by_each_name_of_its_model(
    holding: Client, database: Database, names: dict[str, Any], used: dict[str, Any]
) -> None:
    log_one(holding, **names | used)
    assert held(database) == {}
