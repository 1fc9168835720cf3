"""LiteLLM's log: each call counts once, and settles or releases what was held for it."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from tests.gateway import Client
from tests.gateway_accounts import payload_of_litellm
from tests.litellm import COST, ESTIMATE, LOG, NOTHING, configure, decide, log, log_one
from tests.people import Acme
from tests.postgres import Database
from tests.reservations import held, limit_everyone
from tests.usage import record, results

type Logged = Callable[[], list[dict[str, Any]]]

SPENT = "SELECT user_id, sum(cost_micros) FROM ai_usage GROUP BY user_id"


@pytest.fixture
def holding(gateway: Client, acme: Acme, database: Database) -> Client:
    """The gateway, which holds money for a call of maya."""
    limit_everyone(database, acme, 3 * ESTIMATE)
    assert decide(gateway) == ("NONE", "")
    return gateway


def spent(database: Database, acme: Acme, user: str = "maya") -> Decimal | None:
    return dict(database.rows(SPENT)).get(acme.users[user])


def test_a_call_settles_its_hold_and_counts_once(
    holding: Client, acme: Acme, database: Database
) -> None:
    payload = payload_of_litellm()
    for status in ("recorded", "duplicate"):
        (result,) = log(holding, payload)
        assert result["status"] == status
        assert held(database) == {}
        assert spent(database, acme) == COST
        assert database.rows("SELECT state FROM ai_reservations") == [("settled",)]


def test_calls_of_one_chosen_id_count_each(holding: Client, acme: Acme, database: Database) -> None:
    payload = payload_of_litellm()
    other = payload | {"id": "chatcmpl-2", "endTime": payload["endTime"] + 0.1}
    statuses = [each["status"] for each in log(holding, payload, other)]
    assert statuses == ["recorded", "recorded"]
    assert spent(database, acme) == 2 * COST


def test_a_failed_call_that_used_nothing_ends_its_hold(
    holding: Client, acme: Acme, database: Database
) -> None:
    assert log_one(holding, **NOTHING)["status"] == "released"
    assert held(database) == {}
    assert spent(database, acme) is None
    assert log_one(holding, **NOTHING)["status"] == "nothing_used"


def test_a_failure_before_any_deployment_ends_no_hold(holding: Client, database: Database) -> None:
    """A caller may send the id of a running call again, and be blocked."""
    assert log_one(holding, **NOTHING, model_id="")["status"] == "nothing_used"
    assert log_one(holding, **NOTHING, model_id=None)["status"] == "nothing_used"
    assert held(database)


def test_a_failed_call_that_used_something_counts(
    holding: Client, acme: Acme, database: Database
) -> None:
    assert log_one(holding, **(NOTHING | {"completion_tokens": 100}))["status"] == "recorded"
    assert held(database) == {}
    assert log_one(holding, **(NOTHING | {"response_cost": 0.1}), id="2")["status"] == "recorded"
    assert database.rows("SELECT count(*) FROM ai_usage") == [(2,)]


def test_a_retry_that_succeeds_settles_whatever_failed_before(
    holding: Client, acme: Acme, database: Database
) -> None:
    failed, used = log(holding, payload_of_litellm(**NOTHING, id="1"), payload_of_litellm(id="2"))
    assert (failed["status"], used["status"]) == ("nothing_used", "recorded")
    assert spent(database, acme) == COST
    assert database.rows("SELECT state FROM ai_reservations") == [("settled",)]


def test_a_response_from_the_cache_settles_and_costs_nothing(
    holding: Client, acme: Acme, database: Database
) -> None:
    assert log_one(holding, cache_hit=True)["status"] == "recorded"
    assert held(database) == {}
    assert spent(database, acme) == 0


def test_usage_counts_that_contradicts_the_hold_of_its_id(
    holding: Client, acme: Acme, database: Database
) -> None:
    """Otto's call has the id of maya's, which he chose."""
    log_one(holding, metadata={"user_api_key_user_id": "otto"})
    assert spent(database, acme, "otto") == COST
    assert held(database) == {acme.users["maya"]: ESTIMATE}


def test_a_call_without_a_hold_counts(gateway: Client, acme: Acme, database: Database) -> None:
    result = log_one(gateway)
    assert (result["status"], spent(database, acme)) == ("recorded", COST)
    assert [each["field"] for each in result["validations"]] == ["litellm_call_id"]


def test_the_hold_of_another_gateway_stays(holding: Client, acme: Acme, database: Database) -> None:
    olivia = acme.client("olivia")
    assert log_one(olivia)["status"] == "recorded"
    assert log_one(olivia, **NOTHING)["status"] == "nothing_used"
    assert held(database) == {acme.users["maya"]: ESTIMATE}


def test_usage_of_nobody_waits_for_an_owner(
    gateway: Client, acme: Acme, database: Database
) -> None:
    olivia = acme.client("olivia")
    for number, user in enumerate(("litellm_proxy_admin", None, "stranger")):
        metadata = {"user_api_key_user_id": user, "user_api_key_hash": "88dc28"}
        log_one(gateway, metadata=metadata, id=str(number))
    names = olivia.get("/api/v2/ai/usage/unattributed").json()["names"]
    assert {each["name"] for each in names} == {"litellm-key:88dc28", "stranger"}
    assert spent(database, acme) is None
    assigned = {"source": "litellm", "name": "litellm-key:88dc28", "user": "maya"}
    assert olivia.post("/api/v2/ai/usage/unattributed", assigned).status == 200
    assert spent(database, acme) == 2 * COST


def test_the_caller_names_nobody_unless_the_source_says_so(
    gateway: Client, acme: Acme, database: Database
) -> None:
    claims: dict[str, Any] = {
        "end_user": "otto",
        "request_tags": ["otto"],
        "metadata": {
            "user_api_key_user_id": "maya",
            "user_api_key_end_user_id": "otto",
            "requester_metadata": {"user_api_key_user_id": "otto"},
            "requester_custom_headers": {"x-user": "otto"},
        },
    }
    log_one(gateway, **claims)
    assert (spent(database, acme), spent(database, acme, "otto")) == (COST, None)
    for number, field in enumerate(("user_api_key_end_user_id", "header:X-User"), 2):
        configure(acme.client("olivia"), identity=[field])
        log_one(gateway, **claims, id=str(number))
    assert (spent(database, acme), spent(database, acme, "otto")) == (COST, 2 * COST)


def test_a_field_that_litellm_does_not_have_is_logged(
    gateway: Client, acme: Acme, database: Database, logged: Logged
) -> None:
    configure(acme.client("olivia"), identity=["user_id"])
    log_one(gateway)
    assert spent(database, acme) is None
    lines = [each for each in logged() if each["message"] == "identity not understood"]
    assert [each["fields"] for each in lines] == [["user_id"]]


def test_a_stated_cost_counts_where_the_source_says_so(
    gateway: Client, acme: Acme, database: Database
) -> None:
    configure(acme.client("olivia"), cost_from="record")
    log_one(gateway, response_cost=0.25)
    assert spent(database, acme) == 250_000
    log_one(gateway, response_cost=0, id="2")
    assert spent(database, acme) == 250_000 + COST


def test_what_is_not_understood_is_named_and_costs_no_other(
    gateway: Client, acme: Acme, database: Database, logged: Logged
) -> None:
    wrong = payload_of_litellm(status="done", id="wrong", messages="a secret prompt")
    late = payload_of_litellm(endTime=1_000_000.0, id="late")
    first, second, third, last = log(gateway, None, wrong, late, payload_of_litellm())
    assert [each["status"] for each in (first, second, third)] == ["rejected"] * 3
    assert [each["validations"][0]["field"] for each in (second, third)] == [
        "status",
        "endTime",
    ]
    assert (last["status"], spent(database, acme)) == ("recorded", COST)
    (line,) = [each for each in logged() if each["message"] == "usage not recorded"]
    assert line["payloads"] == 3
    assert [each["head"].get("id") for each in line["first"]] == [None, "wrong", "late"]
    assert "secret" not in json.dumps(logged())


def test_a_log_without_any_payload_that_is_understood_is_a_400(
    gateway: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = gateway.post(LOG, [{"call_type": "acompletion"}, payload_of_litellm(status="done")])
    assert answer.status == 400
    fields = [each["field"] for each in answer.json()["validations"]]
    assert fields[-1] == "[1].status"
    assert '"LostUsage":[2.0]' in capsys.readouterr().out.replace(" ", "")
    assert gateway.post(LOG, []).json() == {"results": []}


def test_more_payloads_than_a_request_of_usage_has_are_recorded(
    gateway: Client, acme: Acme, database: Database
) -> None:
    made = [payload_of_litellm(id=str(number), litellm_call_id=None) for number in range(1001)]
    assert {each["status"] for each in log(gateway, *made)} == {"recorded"}
    assert spent(database, acme) == 1001 * COST


def test_a_record_of_ours_and_a_log_are_different_usages(gateway: Client) -> None:
    (sent,) = results(gateway, record(id="chatcmpl-9f2b"))
    assert (sent["status"], log_one(gateway)["status"]) == ("recorded", "recorded")


def test_calls_with_one_id_of_a_vendor_count_each(
    holding: Client, acme: Acme, database: Database
) -> None:
    payload = payload_of_litellm()
    times = {each: payload[each] + 60 for each in ("startTime", "endTime")}
    later = payload | times | {"litellm_call_id": str(uuid4())}
    assert [each["status"] for each in log(holding, payload, later)] == ["recorded", "recorded"]
    assert [each["status"] for each in log(holding, payload, later)] == ["duplicate", "duplicate"]
    assert spent(database, acme) == 2 * COST
