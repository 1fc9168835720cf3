"""Which callers may read and change prices, and which refusal wins."""

import json

import pytest

from tests.conftest import environment
from tests.gateway import Client
from tests.model_prices import EXPERIMENTAL, FORBIDDEN, PRICES
from tests.people import Acme
from tests.postgres import Database

ROUTES = [
    ("GET", PRICES, True), ("GET", EXPERIMENTAL, True),
    ("GET", f"{PRICES}/resolve?provider=p&model=m", True),
    ("POST", PRICES, False), ("POST", EXPERIMENTAL, False), ("DELETE", f"{PRICES}/p/m", False),
    ("GET", f"{PRICES}/held", False),
    ("POST", f"{PRICES}/held/00000000-0000-0000-0000-000000000001/approve", False),
    ("POST", f"{PRICES}/held/00000000-0000-0000-0000-000000000001/reject", False),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "reads"), ROUTES)
def test_a_refused_caller_gets_403_after_the_credential_and_the_gate(
    acme: Acme, price_reader: Client, database: Database, method: str, path: str, reads: bool
) -> None:
    too_much = "x" * (2 << 20) if method == "POST" else None
    assert Client().send(method, path, body=too_much).status == 401
    for username in ("adam", "gus") if reads else ():
        assert acme.client(username).send(method, path).status == 200, "admins read prices"
    for username in ("maya", "ana", "otto") if reads else ("adam", "maya", "ana", "gus"):
        refused = acme.client(username).send(method, path, body=too_much)
        assert (refused.status, refused.json()) == (403, FORBIDDEN)
    if reads:
        assert price_reader.send(method, path).status == 200
    else:
        assert price_reader.send(method, path, body=too_much).json() == FORBIDDEN
    with environment(DATABASE_URL=database.app_url, AI_BUDGETS_ENABLED="false"):
        gated = acme.client("maya").send(method, path, body=too_much)
        assert gated.json() == {"message": "AI budgets are not enabled for this deployment."}
        assert gated.status == 403


def test_a_refusal_wins_over_a_bad_query_and_a_bad_body(acme: Acme) -> None:
    maya = acme.client("maya")
    assert maya.get(f"{PRICES}?x=1").json() == FORBIDDEN
    assert maya.post(PRICES, "{").json() == FORBIDDEN
    assert (
        acme.client("olivia").post(PRICES, "{").json()["message"]
        == "Request body must be valid JSON."
    )
    too_much = acme.client("olivia").post(
        PRICES, "x" * (2 << 20), headers={"content-type": "text/plain"}
    )
    assert too_much.status == 413


def test_a_scope_for_other_things_may_not_see_prices(
    acme: Acme, database: Database, olivia: Client
) -> None:
    scope = {
        "site": [{"resource_type": "ai_model_price", "action": "read", "negate": False}],
        "user": [],
        "by_org_id": {},
        "allow_list": [{"type": "*", "id": "*"}],
    }
    database.run("UPDATE api_tokens SET scope = %s::jsonb", json.dumps(scope))
    assert olivia.get(PRICES).status == 200
    assert olivia.post(PRICES, {"prices": []}).json() == FORBIDDEN


def test_another_method_gets_the_allowed_ones(olivia: Client) -> None:
    assert olivia.send("PUT", PRICES).headers["Allow"] == "GET, POST"
    assert olivia.send("PATCH", f"{PRICES}/p/a/b").headers["Allow"] == "DELETE"
    assert olivia.get(f"{PRICES}/p").status == 404
