"""POST /api/v2/ai/reservations: a decision with its reasons, and a hold for what is admitted."""

from typing import Any

import pytest

from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.reservations import (
    ESTIMATE,
    PATH,
    assert_holds_agree,
    end_holds,
    held,
    limit_everyone,
    of_cost,
    request,
    reserve,
)
from tests.usage import custom, record, results


def test_a_grant_holds_the_estimate_and_says_why(
    gateway: Client, acme: Acme, database: Database
) -> None:
    limit_everyone(database, acme, 10_000)
    answer = gateway.post(PATH, request())
    granted = answer.json()
    everyone = str(acme.organizations["acme"])
    assert answer.status == 201
    assert granted["reserved_micros"] == ESTIMATE
    assert granted["user"] == {"id": str(acme.users["maya"]), "username": "maya"}
    assert granted["group"] == {"id": everyone, "name": "Everyone"}
    assert granted["price"].keys() == {"provider", "model", "version_id"}
    (looked_at,) = granted["decision"].pop("budgets")
    assert granted["decision"] == {"allowed": True, "would_fit_micros": 10_000, "retry_at": None}
    found = {
        "limit_source": "group",
        "spent_micros": 0,
        "reserved_micros": 0,
        "remaining_micros": 10_000,
    }
    assert looked_at.items() >= (found | {"kind": "allowance", "limit_micros": 10_000}).items()
    assert (looked_at["binding"], looked_at["would_refuse"]) == (True, False)
    assert granted["budget"].items() >= (found | {"spend_limit_micros": 10_000}).items()
    assert held(database) == {acme.users["maya"]: ESTIMATE}
    assert_holds_agree(database)


def test_a_refusal_says_what_fits_and_when(gateway: Client, acme: Acme, database: Database) -> None:
    limit_everyone(database, acme, 5_000_000)
    results(gateway, record(tokens={"input": 1_000_000}))
    held_until = gateway.post(PATH, of_cost(1_000_000, 1)).json()["expires_at"]
    answer = gateway.post(PATH, of_cost(2_500_000, 2))
    refused = answer.json()
    assert (answer.status, refused["code"]) == (403, "ai_budget_exceeded")
    assert refused["message"] == (
        "AI budget of US$5.00 exceeded. Please contact an administrator for more details."
    )
    assert refused["decision"]["allowed"] is False
    assert refused["decision"]["would_fit_micros"] == 2_000_000
    assert refused["decision"]["retry_at"] == held_until
    (looked_at,) = refused["decision"]["budgets"]
    assert looked_at["would_refuse"] is True
    assert refused["budget"]["spent_micros"] == 2_000_000
    assert gateway.post(PATH, of_cost(2_000_000, 2)).status == 201, "a refusal keeps no key"


def test_what_no_expiry_makes_room_for_fits_in_the_next_period_or_never(
    gateway: Client, acme: Acme, database: Database
) -> None:
    limit_everyone(database, acme, 10_000)
    results(gateway, record(tokens={"input": 5_000}))
    refused = gateway.post(PATH, of_cost(1)).json()
    assert refused["decision"]["retry_at"] == refused["budget"]["period_end"]
    assert gateway.post(PATH, of_cost(10_001)).json()["decision"]["retry_at"] is None


def test_the_bound_is_exact(gateway: Client, acme: Acme, database: Database) -> None:
    """A million tokens of input cost a micro-unit: one more token is a millionth of it."""
    custom(acme, model="tiny", input_price=1)
    limit_everyone(database, acme, 3)
    tiny = {"model": "tiny", "user": "maya"}
    three = request(1, **tiny, estimate={"tokens": {"input": 2_999_999}})
    assert gateway.post(PATH, three).status == 201
    two = request(2, **tiny, estimate={"tokens": {"input": 2}})
    assert gateway.post(PATH, two).status == 403
    one = request(3, **tiny, estimate={"tokens": {"input": 1}})
    assert gateway.post(PATH, one).status == 201


def test_the_same_request_gets_the_same_response_word_for_word(
    gateway: Client, acme: Acme, database: Database
) -> None:
    limit_everyone(database, acme, 10_000)
    first = gateway.post(PATH, request())
    gateway.post(PATH, request(2))
    again = gateway.post(PATH, request())
    assert (again.status, again.body) == (201, first.body)
    end_holds(database)
    assert gateway.post(PATH, request()).body == first.body
    other = gateway.post(PATH, request(model="n"))
    assert (other.status, other.json()["message"]) == (
        409,
        "Another request with other content has this id already.",
    )
    assert len(database.rows("SELECT FROM ai_reservations")) == 2


def test_a_key_is_of_its_maker(gateway: Client, acme: Acme, database: Database) -> None:
    first = reserve(gateway, request())
    assert reserve(acme.client("olivia"), request()) != first
    assert held(database) == {acme.users["maya"]: 2 * ESTIMATE}


def test_a_dry_run_decides_and_holds_nothing(
    gateway: Client, acme: Acme, database: Database
) -> None:
    limit_everyone(database, acme, ESTIMATE)
    for _ in range(2):
        answer = gateway.post(PATH, request(dry_run=True))
        assert answer.status == 200
        assert "reservation_id" not in answer.json()
        assert answer.json()["decision"]["allowed"] is True
    assert gateway.post(PATH, of_cost(ESTIMATE + 1, dry_run=True)).status == 403
    assert database.rows("SELECT FROM ai_reservations") == held(database).items() or not held(
        database
    )
    assert gateway.post(PATH, request()).status == 201, "a dry run keeps no key"


def test_an_expired_hold_counts_for_nothing(
    gateway: Client, acme: Acme, database: Database
) -> None:
    limit_everyone(database, acme, ESTIMATE)
    reserve(gateway, request(1, ttl_seconds=1))
    assert gateway.post(PATH, request(2)).status == 403
    end_holds(database)
    spend = acme.client("maya").get("/api/v2/users/me/ai/spend").json()
    assert spend["reserved_micros"] == 0
    assert gateway.post(PATH, request(2)).status == 201
    assert held(database) == {acme.users["maya"]: ESTIMATE}
    assert_holds_agree(database)


def test_without_a_limit_everything_is_admitted_and_held(
    gateway: Client, acme: Acme, database: Database
) -> None:
    granted = gateway.post(PATH, of_cost(10**13)).json()
    assert granted["decision"]["would_fit_micros"] is None
    assert granted["budget"]["remaining_micros"] is None
    assert granted["decision"]["budgets"][0]["binding"] is False
    assert held(database) == {acme.users["maya"]: 10**13}


def test_a_model_without_a_price_is_refused_only_where_a_limit_applies(
    gateway: Client, acme: Acme, database: Database
) -> None:
    granted = gateway.post(PATH, request(model="unheard-of"))
    assert (granted.status, granted.json()["price"]) == (201, None)
    limit_everyone(database, acme, 10**12)
    refused = gateway.post(PATH, request(2, model="unheard-of"))
    assert (refused.status, refused.json()["code"]) == (403, "unpriced_model")
    assert refused.json()["decision"]["allowed"] is False
    assert gateway.post(PATH, of_cost(5, 3, model="unheard-of")).status == 201


def test_what_an_alias_declares_free_is_admitted_under_any_limit(
    gateway: Client, acme: Acme, database: Database
) -> None:
    limit_everyone(database, acme, 0)
    alias = {"free": True, "confirm": True}
    olivia = acme.client("olivia")
    assert olivia.put("/api/v2/ai/model-aliases/ollama/*", alias).status == 200
    granted = gateway.post(PATH, request(provider="ollama", model="llama"))
    assert (granted.status, granted.json()["price"]) == (201, None)
    assert granted.json()["reserved_micros"] == 0


@pytest.mark.parametrize("status", ["suspended", "deleted"])
def test_a_user_who_is_not_active_gets_nothing(
    gateway: Client, acme: Acme, database: Database, status: str
) -> None:
    database.run("UPDATE users SET status = %s WHERE username = 'maya'", status)
    refused = gateway.post(PATH, request(user=str(acme.users["maya"])))
    assert (refused.status, refused.json()["code"]) == (403, "user_inactive")
    assert held(database) == {}


def test_an_unknown_user_gets_nothing(gateway: Client, database: Database) -> None:
    refused = gateway.post(PATH, request(user="nobody-known"))
    assert (refused.status, refused.json()) == (
        403,
        {"message": "There is no such user.", "code": "unknown_user"},
    )
    assert database.rows("SELECT FROM ai_user_reserved") == []


def test_who_may_not_record_usage_may_not_reserve(acme: Acme, gateway: Client) -> None:
    del gateway
    assert acme.client("maya").post(PATH, {"not": "even read"}).status == 404
    assert Client("alw_unknown_unknown").post(PATH, request()).status == 401


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"ttl_seconds": 0}, "ttl_seconds"),
        ({"ttl_seconds": 3601}, "ttl_seconds"),
        ({"ttl_seconds": 1.5}, "ttl_seconds"),
        ({"id": "x" * 513}, "id"),
        ({"id": ""}, "id"),
        ({"estimate": {}}, "estimate"),
        ({"estimate": {"cost_micros": -1}}, "estimate.cost_micros"),
        ({"estimate": {"cost_micros": 1.5}}, "estimate.cost_micros"),
        ({"estimate": {"cost_micros": "NaN"}}, "estimate.cost_micros"),
        ({"estimate": {"cost_micros": 10**13 + 1}}, "estimate.cost_micros"),
        ({"estimate": {"cost_micros": 1, "tokens": {"input": 1}}}, "estimate"),
        ({"estimate": {"tokens": {"input": -1}}}, "estimate.tokens.input"),
        ({"estimate": {"tokens": {"inputs": 1}}}, "estimate.tokens.inputs"),
        ({"estimate": {"units": {"wings": 1}}}, "estimate.units.wings"),
        ({"estimate": {"tokens": {"input": 10**12, "output": 10**12}}}, "estimate"),
        ({"variant": "slow"}, "variant"),
        ({"period": "month"}, "period"),
    ],
)
def test_bad_input_names_its_field_and_holds_nothing(
    gateway: Client, database: Database, changes: dict[str, Any], field: str
) -> None:
    answer = gateway.post(PATH, request(**changes))
    assert answer.status == 400, answer.body
    assert [each["field"] for each in answer.json()["validations"]] == [field]
    assert held(database) == {}


def test_a_key_of_512_characters_is_taken(gateway: Client) -> None:
    assert gateway.post(PATH, request(id="x" * 512)).status == 201
