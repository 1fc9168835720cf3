"""Calls without a price: the policy of the organization that the call counts for decides."""

import json
from typing import Any

import pytest

from tests.conftest import environment
from tests.gateway import Answer, Client
from tests.organization_budgets import BUDGETS, created, figures
from tests.people import Acme
from tests.postgres import Database
from tests.reservations import PATH, held, limit_everyone, of_cost, request

POLICY = "/api/v2/organizations/acme/ai/policy"
ALLOW = {"unpriced": "allow"}
ASSUME = {"unpriced": "assume", "assumed_input_price": 3_000_000, "assumed_output_price": 7}
REFUSALS = (
    "SELECT r.code, b.name, r.provider, r.model, r.refused, r.organization_id, u.username"
    " FROM ai_refusals AS r LEFT JOIN ai_budgets AS b ON b.id = r.budget_id"
    " JOIN users AS u ON u.id = r.user_id ORDER BY 1, 2, 3, 4"
)


@pytest.fixture
def adam(acme: Acme) -> Client:
    return acme.client("adam")


def ask(gateway: Client, number: int = 1, **changes: Any) -> Answer:
    """Ask for a call without a price."""
    return gateway.post(PATH, request(number, **({"model": "unheard-of"} | changes)))


def outcome(answer: Answer) -> tuple[int, Any]:
    """The status, and what is reserved or why it is refused."""
    shown = answer.json()
    return answer.status, shown.get("code", shown.get("reserved_micros"))


def test_a_call_without_a_price_is_refused_where_a_limit_applies(
    gateway: Client, acme: Acme, adam: Client, database: Database
) -> None:
    for name, terms in (("warned", {"enforcement": "warn"}), ("claude", {"models": ["a/*"]})):
        created(adam, name, **terms)
    # Nothing that can refuse concerns the call.
    assert outcome(ask(gateway)) == (201, 0)
    refused = ask(gateway, 2, provider="a")
    assert outcome(refused) == (403, "unpriced_model")
    decision = refused.json()["decision"]
    assert (decision["allowed"], decision["retry_at"]) == (False, None)
    assert [each["name"] for each in decision["budgets"] if each["binding"]] == ["claude"]
    assert not any(each["would_refuse"] for each in decision["budgets"])
    assert outcome(gateway.post(PATH, of_cost(5, 3, provider="a", model="x"))) == (201, 5)
    limit_everyone(database, acme, 10**9)
    assert outcome(ask(gateway, 4)) == (403, "unpriced_model")
    # The limits of acme concern no call of globex.
    assert outcome(ask(gateway, 5, user="gus")) == (201, 0)
    assert held(database)[acme.users["maya"]] == 5


def test_a_policy_admits_it_or_assumes_its_price(
    gateway: Client, acme: Acme, adam: Client, database: Database
) -> None:
    limit_everyone(database, acme, 10_000)
    created(adam, limit_micros=10**9)
    assert adam.put(POLICY, ALLOW).status == 200
    assert outcome(ask(gateway)) == (201, 0)
    assert adam.put(POLICY, ASSUME).status == 200
    # The same request is replayed, although it would be decided in another way now.
    assert outcome(ask(gateway)) == (201, 0)
    tokens = {"input": 1_000, "cache_read": 100, "cache_write_1h": 10, "output": 100}
    granted = ask(gateway, 2, estimate={"tokens": tokens})
    assert (granted.status, granted.json()["price"]) == (201, None)
    assert database.rows("SELECT max(estimate_micros)::text FROM ai_reservations") == [
        ("3330.000700",)
    ]
    assert figures(adam, "all") == (0, 3330, 10**9 - 3330)
    # Its policy assumes prices of tokens, not of audio and searches.
    for estimate in (
        {"tokens": {"input": 1, "input_audio": 1}},
        {"tokens": {"input": 1}, "units": {"web_searches": 1}},
    ):
        assert outcome(ask(gateway, 3, estimate=estimate)) == (403, "unpriced_model")
    # The bound is exact: 6669.9993 micro-units are left.
    exact = {"tokens": {"input": 2_223}}
    assert outcome(ask(gateway, 3, estimate=exact)) == (201, 6_669)
    assert outcome(ask(gateway, 4, estimate={"tokens": {"output": 142_757}})) == (201, 1)
    assert outcome(ask(gateway, 5, estimate={"tokens": {"output": 1}})) == (
        403,
        "ai_budget_exceeded",
    )


def test_without_a_policy_the_deployment_decides(
    gateway: Client, acme: Acme, adam: Client, database: Database
) -> None:
    limit_everyone(database, acme, 10_000)
    url = {"DATABASE_URL": database.app_url}
    with environment(**url, UNPRICED_MODELS="allow"):
        assert outcome(ask(gateway)) == (201, 0)
    assumed = {"ASSUMED_INPUT_PRICE": "2000000", "ASSUMED_OUTPUT_PRICE": "0"}
    with environment(**url, UNPRICED_MODELS="assume", **assumed):
        assert outcome(ask(gateway, 2)) == (201, 2_000)
        assert adam.put(POLICY, {"unpriced": "deny"}).status == 200
        assert outcome(ask(gateway, 3)) == (403, "unpriced_model")
        assert outcome(ask(gateway, 4, user="gus")) == (201, 2_000)


def test_refusals_are_counted_by_each_limit_that_refuses(
    gateway: Client,
    acme: Acme,
    adam: Client,
    database: Database,
    capsys: pytest.CaptureFixture[str],
) -> None:
    limit_everyone(database, acme, 1_000)
    created(adam, "all", limit_micros=500)
    created(adam, "off", limit_micros=0, enforcement="off")
    grant = of_cost(400)
    assert gateway.post(PATH, grant).status == 201
    capsys.readouterr()
    refused = [
        of_cost(101, 2),
        of_cost(101, 2),
        of_cost(10**6, 3),
        request(4, model="unheard-of"),
        of_cost(101, 5, provider="q"),
    ]
    for body in (*refused, *(body | {"dry_run": True} for body in refused)):
        assert gateway.post(PATH, body).status == 403
    assert adam.delete(f"{BUDGETS}/all").status == 204
    assert gateway.post(PATH, of_cost(601, 6)).status == 403
    # A replay, a conflict, and what is no decision.
    assert gateway.post(PATH, grant).status == 201
    assert gateway.post(PATH, of_cost(1)).status == 409
    assert gateway.post(PATH, of_cost(1, 7, group="nowhere")).status == 400
    of_acme = acme.organizations["acme"]
    assert database.rows(REFUSALS) == [
        ("ai_budget_exceeded", "all", "p", "m", 3, of_acme, "maya"),
        ("ai_budget_exceeded", "all", "q", "m", 1, of_acme, "maya"),
        ("ai_budget_exceeded", None, "p", "m", 2, of_acme, "maya"),
        ("unpriced_model", None, "p", "unheard-of", 1, of_acme, "maya"),
    ]
    lines = map(json.loads, capsys.readouterr().out.splitlines())
    assert sum(each["RefusedDecisions"][0] for each in lines if "RefusedDecisions" in each) == 6
