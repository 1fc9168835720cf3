"""Envoy's check and its access log, with a real ledger."""

import json
import time
from typing import Any

import pytest

from tests.doors import PRICED, spent
from tests.gateway import Client
from tests.otlp import SECRET, export, log_record
from tests.people import Acme
from tests.postgres import Database
from tests.reservations import assert_holds_agree, held, limit_everyone

CHECK = "/api/v2/ai/in/envoy/check/openai/v1/chat/completions"
ACCESS_LOG = "/api/v2/ai/in/envoy/v1/logs"


def headers(name: str, user: str = "maya") -> dict[str, str]:
    return {"x-request-id": name, "x-user-id": user, "x-ai-eg-model": "m", "content-type": ""}


def entry(name: str, **changed: Any) -> dict[str, Any]:
    found = {
        **PRICED,
        "gen_ai.provider.name": "default/p/route/r/rule/0/ref/0",
        "x-request-id": name,
        "x-user-id": "maya",
        "upstream_host": "10.0.0.1:443",
    }
    return log_record(found | changed, timeUnixNano=str(time.time_ns()))


@pytest.mark.usefixtures("trusting")
def test_envoy_checks_and_settles(gateway: Client, database: Database, acme: Acme) -> None:
    limit_everyone(database, acme, 7000)
    admitted = [gateway.post(CHECK, headers=headers(each)) for each in ("r1", "r2")]
    assert [each.status for each in admitted] == [200, 200]
    refused = gateway.post(CHECK, headers=headers("r3"))
    assert (refused.status, refused.json()["code"]) == (403, "ai_budget_exceeded")
    assert gateway.post(ACCESS_LOG, export(entry("r1"))).body == "{}"
    assert spent(database) == {"maya": 4000}
    assert sum(held(database).values()) == 3000
    assert_holds_agree(database)


@pytest.mark.usefixtures("trusting")
def test_a_request_id_holds_money_once(gateway: Client) -> None:
    """Otherwise a caller with one id for all calls is always admitted."""
    assert gateway.post(CHECK, headers=headers("r1")).status == 200
    assert gateway.post(CHECK, headers=headers("r1")).status == 409


@pytest.mark.usefixtures("trusting")
def test_a_call_that_a_vendor_failed_releases_its_hold(gateway: Client, database: Database) -> None:
    unused = dict.fromkeys((f"gen_ai.usage.{each}put_tokens" for each in ("in", "out")), "-")
    for name in ("r1", "r2"):
        assert gateway.post(CHECK, headers=headers(name)).status == 200
    refused = entry("r1", upstream_host="-", **unused)
    assert gateway.post(ACCESS_LOG, export(refused, entry("r2", **unused))).status == 200
    assert sum(held(database).values()) == 3000
    assert_holds_agree(database)


@pytest.mark.usefixtures("trusting")
def test_an_entry_of_another_user_is_recorded_and_settles_nothing(
    gateway: Client, database: Database
) -> None:
    assert gateway.post(CHECK, headers=headers("r1")).status == 200
    sent = export(entry("r1", **{"x-user-id": "otto"}))
    for _ in range(3):
        assert gateway.post(ACCESS_LOG, sent).body == "{}", "it is recorded once"
    assert spent(database) == {"otto": 4000}
    assert sum(held(database).values()) == 3000


@pytest.mark.usefixtures("trusting")
@pytest.mark.parametrize(
    "changed", [{"x-user-id": "otto"}, {"gen_ai.request.model": "n"}, {"gen_ai.request.model": "-"}]
)
def test_a_call_that_used_nothing_ends_no_hold_of_another(
    gateway: Client, database: Database, changed: dict[str, Any]
) -> None:
    assert gateway.post(CHECK, headers=headers("r1")).status == 200
    unused = dict.fromkeys((f"gen_ai.usage.{each}put_tokens" for each in ("in", "out")), "-")
    assert gateway.post(ACCESS_LOG, export(entry("r1", **unused | changed))).status == 200
    assert sum(held(database).values()) == 3000


@pytest.mark.usefixtures("trusting")
def test_a_call_of_another_model_settles_nothing(gateway: Client, database: Database) -> None:
    assert gateway.post(CHECK, headers=headers("r1")).status == 200
    sent = export(entry("r1", **{"gen_ai.request.model": "n"}))
    for _ in range(2):
        assert gateway.post(ACCESS_LOG, sent).body == "{}"
    assert sum(held(database).values()) == 3000
    renamed = export(entry("r1", **{"gen_ai.response.model": "n"}))
    assert gateway.post(ACCESS_LOG, renamed).body == "{}"
    assert held(database) == {}


@pytest.mark.usefixtures("trusting")
def test_a_log_that_comes_again_after_a_check_of_its_id_counts_once(
    gateway: Client, database: Database
) -> None:
    sent = export(entry("r1"))
    assert gateway.post(ACCESS_LOG, sent).status == 200
    assert gateway.post(CHECK, headers=headers("r1") | {"x-ai-eg-model": "n"}).status == 200
    assert gateway.post(ACCESS_LOG, sent).body == "{}"
    assert spent(database) == {"maya": 4000}


@pytest.mark.usefixtures("trusting")
def test_the_body_of_a_check_names_the_model(gateway: Client, database: Database) -> None:
    body = json.dumps({"model": "n", "messages": [{"content": SECRET}]})
    assert gateway.post(CHECK, body, headers=headers("r1")).status == 200
    assert database.rows("SELECT model FROM ai_reservations") == [("n",)]


def test_a_check_names_what_it_lacks(gateway: Client) -> None:
    answer = gateway.post(CHECK, headers={"x-user-id": "maya"})
    assert answer.status == 400
    assert [each["field"] for each in answer.json()["validations"]] == [
        "x-request-id",
        "x-ai-eg-model",
        "estimate_micros",
    ]
