"""Usage and reservations find a user by any name, and never one of several."""

from tests.directory_documents import apply
from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.usage import record, results

RESERVATIONS = "/api/v2/ai/reservations"
HOLD = {"id": "r", "provider": "openai", "model": "m", "estimate": {"cost_micros": 5}}


def users_of(database: Database) -> list[tuple[str]]:
    return database.rows(
        "SELECT u.username FROM ai_usage AS e JOIN users AS u ON u.id = e.user_id"
        " ORDER BY e.source_id"
    )


def test_each_name_of_a_user_finds_the_user(
    gateway: Client, acme: Acme, database: Database
) -> None:
    names = {"user_name": "Maya.Keller@Corp.example", "external_id": "00uA"}
    apply({"users": [{"username": "maya", **names}]})
    sent = ["maya", "MAYA@acme.example", "maya.keller@CORP.example", "00uA"]
    found = results(gateway, *(record(n, user=name) for n, name in enumerate(sent)))
    assert [each["status"] for each in found] == ["recorded"] * 4
    (unknown,) = results(gateway, record(9, user="00ua"))
    assert (unknown["attributed"], unknown["validations"][0]["field"]) == (False, "user")
    assert users_of(database) == [("maya",)] * 4
    granted = gateway.post(RESERVATIONS, HOLD | {"user": "00uA"})
    assert (granted.status, granted.json()["user"]["username"]) == (201, "maya")


def test_usage_of_a_name_of_several_users_counts_for_none(
    gateway: Client, acme: Acme, database: Database
) -> None:
    there = [{"name": "globex"}]
    apply(
        {
            "users": [
                {"username": "maya", "external_id": "7"},
                {"username": "gus", "external_id": "7", "organizations": there},
                {"username": "hans", "organizations": there},
            ]
        }
    )
    # An import refuses these two.
    change = "UPDATE users SET external_id = %s WHERE username = %s"
    database.run(change, "otto", "hans")
    database.run(change, str(acme.users["maya"]), "ana")
    sent = ["7", "otto", str(acme.users["maya"]), "gus"]
    found = results(gateway, *(record(n, user=name) for n, name in enumerate(sent)))
    assert [each["attributed"] for each in found] == [False] * 3 + [True]
    assert users_of(database) == [("gus",)]
    refused = gateway.post(RESERVATIONS, HOLD | {"user": "7"})
    assert (refused.status, refused.json()["code"]) == (403, "unknown_user")


def test_names_of_a_deleted_user_that_may_pass_on_find_nobody(
    gateway: Client, acme: Acme, database: Database
) -> None:
    apply({"users": [{"username": "maya", "user_name": "M.Keller", "external_id": "7"}]})
    apply({"users": [{"username": "maya", "status": "deleted"}]})
    sent = ["maya", "m.keller", "7", "maya@acme.example"]
    found = results(gateway, *(record(n, user=name) for n, name in enumerate(sent)))
    assert [each["attributed"] for each in found] == [True] * 2 + [False] * 2
    assert users_of(database) == [("maya",)] * 2
