"""What changes between a grant and its retry, or between the two round trips of a request."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.gateway import Answer, Client
from tests.organization_budgets import fields
from tests.people import Acme
from tests.postgres import Database
from tests.reservations import ESTIMATE, PATH, assert_holds_agree, held, limit_everyone, request
from tests.sessions import PATIENCE_SECONDS, be_patient, wait_for_waiters

POLICY = "/api/v2/organizations/acme/ai/policy"
NO_PRICE = "DELETE FROM ai_model_price_versions"
HIGH_PRICE = "UPDATE ai_model_price_versions SET input_price = 1000000000000"
MANY_TOKENS = {"tokens": {"input": 10**8}}


def between_the_trips(database: Database, change: str, ask: Callable[[], Answer]) -> Answer:
    """The response to a request if the change commits after its look-ups, before its decision."""
    be_patient(database)
    with database.connect() as owner, ThreadPoolExecutor(1) as pool:
        owner.execute("BEGIN")
        owner.execute("SELECT FROM ai_user_reserved FOR UPDATE")
        asked = pool.submit(ask)
        wait_for_waiters(database)
        owner.execute(change.encode())
        owner.execute("COMMIT")
        return asked.result(PATIENCE_SECONDS)


@pytest.mark.parametrize("change", [NO_PRICE, HIGH_PRICE])
def test_a_retry_gets_its_grant_whatever_became_of_the_price(
    gateway: Client, acme: Acme, database: Database, change: str
) -> None:
    limit_everyone(database, acme, 10**12)
    sent = request(estimate=MANY_TOKENS)
    first = gateway.post(PATH, sent)
    database.run(change)
    again = gateway.post(PATH, sent)
    assert (first.status, again.status, again.body) == (201, 201, first.body)
    assert gateway.post(PATH, request(2, estimate=MANY_TOKENS)).status in (400, 403)
    assert gateway.post(PATH, sent | {"ttl_seconds": 1}).status == 409


def test_a_retry_gets_its_grant_whatever_became_of_the_policy(
    gateway: Client, acme: Acme, database: Database
) -> None:
    limit_everyone(database, acme, 10**12)
    adam, sent = acme.client("adam"), request(model="unheard-of", estimate=MANY_TOKENS)
    assume = {"unpriced": "assume", "assumed_input_price": 1, "assumed_output_price": 1}
    assert adam.put(POLICY, assume).status == 200
    first = gateway.post(PATH, sent)
    for policy in ({"unpriced": "deny"}, assume | {"assumed_input_price": 10**12}):
        assert adam.put(POLICY, policy).status == 200
        again = gateway.post(PATH, sent)
        assert (first.status, again.status, again.body) == (201, 201, first.body)


def test_an_estimate_above_what_a_call_may_cost_is_a_bad_request(
    gateway: Client, acme: Acme, database: Database
) -> None:
    """By the price list, or by the assumed price of a policy."""
    adam = acme.client("adam")
    assume = {"unpriced": "assume", "assumed_input_price": 10**12, "assumed_output_price": 0}
    assert adam.put(POLICY, assume).status == 200
    most: dict[str, Any] = {"model": "unheard-of", "estimate": {"tokens": {"input": 10**7}}}
    assert gateway.post(PATH, request(**most)).status == 201
    more = most | {"estimate": {"tokens": {"input": 10**7 + 1}}}
    for dry_run in (True, False):
        answer = gateway.post(PATH, request(2, dry_run=dry_run, **more))
        assert fields(answer) == (400, ["estimate"])
        (problem,) = answer.json()["validations"]
        assert problem["detail"] == "Must not cost more than 10000000000000 micro-units of USD."
    database.run(HIGH_PRICE)
    assert fields(gateway.post(PATH, request(3, estimate=MANY_TOKENS))) == (400, ["estimate"])
    # The user comes first.
    assert gateway.post(PATH, request(4, user="nobody", **more)).status == 403
    assert held(database) == {acme.users["maya"]: 10**13}
    assert_holds_agree(database)


@pytest.mark.parametrize("named", ["platform", None])
def test_a_group_that_is_deleted_between_the_trips_is_looked_up_again(
    gateway: Client, acme: Acme, database: Database, named: str | None
) -> None:
    platform, maya = acme.groups["acme/platform"], acme.users["maya"]
    database.run("UPDATE users SET primary_group_id = %s WHERE id = %s", platform, maya)
    database.run("INSERT INTO ai_user_reserved (user_id) VALUES (%s)", maya)
    answer = between_the_trips(
        database,
        f"DELETE FROM groups WHERE id = '{platform}'",
        lambda: gateway.post(PATH, request(group=named)),
    )
    if named:
        assert fields(answer) == (400, ["group"])
        assert held(database) == {}
    else:
        assert (answer.status, answer.json()["group"]["name"]) == (201, "Everyone")
        assert held(database) == {maya: ESTIMATE}
