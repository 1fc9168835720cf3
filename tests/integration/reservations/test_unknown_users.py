"""Reservations for users who are not known: refused, unless the settings of their source say so."""

from typing import Any

import pytest

from tests.gateway import Client
from tests.organization_budgets import created, figures
from tests.people import Acme
from tests.postgres import Database
from tests.reservations import (
    ESTIMATE,
    PATH,
    assert_holds_agree,
    limit_everyone,
    of_cost,
    request,
    reserve,
    settle,
    used,
)
from tests.unattributed import assign, spent
from tests.usage import results

UNKNOWN = {"message": "There is no such user.", "code": "unknown_user"}
KIM: dict[str, Any] = {"user": "kim", "source": "litellm"}


@pytest.fixture
def olivia(acme: Acme) -> Client:
    return acme.client("olivia")


def set_source(olivia: Client, **settings: Any) -> None:
    path = "/api/v2/ai/sources/litellm"
    assert olivia.put(path, {"cost_from": "book"} | settings).status == 200


@pytest.fixture
def admitting(olivia: Client) -> None:
    """A source whose unknown users get reservations, in acme."""
    set_source(olivia, unknown_users="unattributed", organization="acme")


def test_a_source_decides_if_unknown_users_get_a_reservation(
    gateway: Client, olivia: Client
) -> None:
    for settings in (None, {}, {"unknown_users": "deny"}):
        if settings is not None:
            set_source(olivia, **settings)
        refused = gateway.post(PATH, request(**KIM))
        assert (refused.status, refused.json()) == (403, UNKNOWN)
    set_source(olivia, unknown_users="unattributed")
    assert gateway.post(PATH, request(user="kim")).json() == UNKNOWN, "it names no source"
    assert gateway.post(PATH, request(user="kim", source="other")).json() == UNKNOWN
    granted = gateway.post(PATH, request(**KIM)).json()
    assert (granted["user"], granted["group"]) == (None, None)
    assert granted["reserved_micros"] == ESTIMATE
    known = gateway.post(PATH, request(2, source="litellm")).json()
    assert known["user"]["username"] == "maya"


@pytest.mark.usefixtures("admitting")
def test_nobody_is_held_to_the_budgets_of_the_organization(
    gateway: Client, adam: Client, acme: Acme, database: Database
) -> None:
    limit_everyone(database, acme, 1)
    created(adam, "all", limit_micros=2 * ESTIMATE, enforcement="enforce")
    created(adam, "each", per="member", limit_micros=1, enforcement="enforce")
    granted = gateway.post(PATH, request(**KIM)).json()
    looked_at = [(each["kind"], each["name"]) for each in granted["decision"]["budgets"]]
    assert [name for kind, name in looked_at if kind == "budget"] == ["all"]
    assert figures(adam, "all") == (0, ESTIMATE, ESTIMATE)
    again = gateway.post(PATH, request(**KIM))
    assert (again.status, again.json()) == (201, granted)
    results(gateway, used(9, user="lee"))
    refused = gateway.post(PATH, of_cost(1, 2, **KIM))
    assert (refused.status, refused.json()["code"]) == (403, "ai_budget_exceeded")
    dry = gateway.post(PATH, of_cost(1, 3, **KIM, dry_run=True))
    assert dry.status == 403
    assert_holds_agree(database)
    assert gateway.delete(f"{PATH}/{granted['reservation_id']}").status == 204
    assert gateway.post(PATH, of_cost(ESTIMATE, 4, **KIM)).status == 201


@pytest.mark.usefixtures("admitting")
@pytest.mark.parametrize("dry_run", [True, False])
def test_a_reservation_of_nobody_shows_nothing_of_others(gateway: Client, dry_run: bool) -> None:
    results(gateway, used(8, user="lee"))
    reserve(gateway, request(9, user="lee", source="litellm"))
    answer = gateway.post(PATH, request(**KIM, dry_run=dry_run)).json()
    shown = [answer["budget"], *answer["decision"]["budgets"]]
    if not dry_run:
        call = used(user="kim")
        shown.append(settle(gateway, answer["reservation_id"], call).json()["budget"])
    assert {(each["spent_micros"], each["reserved_micros"]) for each in shown} == {(0, 0)}


@pytest.mark.usefixtures("admitting")
@pytest.mark.parametrize("by_record", [True, False])
def test_usage_of_nobody_settles_a_reservation_of_nobody(
    gateway: Client, adam: Client, database: Database, by_record: bool
) -> None:
    created(adam, "all", limit_micros=10 * ESTIMATE, enforcement="enforce")
    reservation = reserve(gateway, request(**KIM))
    if by_record:
        (found,) = results(gateway, used(user="kim", reservation_id=reservation))
        assert [each["field"] for each in found["validations"]] == ["user"]
    else:
        answer = settle(gateway, reservation, used(user="kim"))
        assert (answer.status, answer.json()["cost_micros"]) == (200, ESTIMATE)
        assert settle(gateway, reservation, used(user="kim")).status in (200, 409)
    assert figures(adam, "all") == (ESTIMATE, 0, 9 * ESTIMATE)
    shown = gateway.get(f"{PATH}/{reservation}").json()
    assert (shown["user"], shown["state"]) == (None, "settled")
    assert [each["user"] for each in gateway.get(PATH).json()["reservations"]] == [None]
    assert_holds_agree(database)
    assert gateway.delete(f"{PATH}/{reserve(gateway, request(2, **KIM))}").status == 204
    assert figures(adam, "all") == (ESTIMATE, 0, 9 * ESTIMATE)


@pytest.mark.usefixtures("admitting")
def test_a_user_who_is_known_by_then_settles_what_nobody_reserved(
    gateway: Client, olivia: Client, database: Database
) -> None:
    reservation = reserve(gateway, request(**KIM))
    assign(olivia, "kim", "maya")
    assert settle(gateway, reservation, used(user="kim")).status == 200
    assert spent(database) == {"maya": ESTIMATE}
    reservation = reserve(gateway, request(2, **KIM))
    assert gateway.get(f"{PATH}/{reservation}").json()["user"]["username"] == "maya"
    assert settle(gateway, reservation, used(2, user="kim")).status == 200


def test_an_assigned_name_is_limited_as_its_user(
    gateway: Client, olivia: Client, acme: Acme, database: Database
) -> None:
    limit_everyone(database, acme, ESTIMATE)
    assign(olivia, "kim", "maya")
    granted = gateway.post(PATH, request(**KIM, group="platform")).json()
    assert (granted["user"]["username"], granted["group"]["name"]) == ("maya", "platform")
    assert gateway.post(PATH, of_cost(1, 2, user="maya")).status == 403
    assert gateway.post(PATH, request(3, **KIM, group="research")).status == 400


def test_usage_of_nobody_settles_no_reservation_of_a_user(
    gateway: Client, database: Database
) -> None:
    reservation = reserve(gateway, request())
    refused = settle(gateway, reservation, used(user="kim"))
    assert (refused.status, [each["field"] for each in refused.json()["validations"]]) == (
        400,
        ["user"],
    )
    (found,) = results(gateway, used(2, user="kim", reservation_id=reservation))
    assert [each["field"] for each in found["validations"]] == ["reservation_id", "user"]
    assert gateway.get(f"{PATH}/{reservation}").json()["state"] == "held"
    assert spent(database) == {"nobody": ESTIMATE}
