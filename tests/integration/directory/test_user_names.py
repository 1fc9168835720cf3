"""The names of a user beside the handle: user name, external id, display name, identities."""

from typing import Any

from tests.directory_documents import apply, problems
from tests.people import Acme
from tests.postgres import Database

STATE = (
    "SELECT after - '{username,email,status,roles}'::text [] FROM audit_log"
    " WHERE resource_type = 'user' AND user_id = %s ORDER BY id"
)
ISSUER = "https://idp.example"


def bring(*users: dict[str, Any]) -> None:
    apply({"users": list(users)})


def identity(sub: str, issuer: str = ISSUER) -> dict[str, str]:
    return {"issuer": issuer, "sub": sub}


def test_names_are_set_kept_and_cleared_each_with_an_entry(database: Database, acme: Acme) -> None:
    names = {
        "user_name": "Maya.Keller@Acme.example",
        "external_id": "00u1",
        "display_name": "Maya Keller",
    }
    identities = [identity("1"), identity("2")]
    bring({"username": "maya", **names, "identities": identities})
    bring({"username": "maya"})
    bring({"username": "maya", "identities": [identity("2")]})
    bring({"username": "maya", **dict.fromkeys(names), "identities": []})
    assert database.rows(STATE, acme.users["maya"]) == [
        ({},),
        (names,),
        (names | {"identities": identities},),
        (names | {"identities": [identity("2")]},),
        ({"identities": [identity("2")]},),
        ({},),
    ]
    bring({"username": "new", **names, "identities": identities})
    assert database.rows(
        "SELECT user_name, external_id, display_name FROM users WHERE username = 'new'"
    ) == [tuple(names.values())]


def test_a_user_name_is_unique_without_regard_to_case(database: Database, acme: Acme) -> None:
    bring({"username": "maya", "user_name": "M.Keller"})
    assert problems({"users": [{"username": "otto", "user_name": "m.keller"}]}) == [
        'users[0].user_name: "m.keller" is the user name of "maya"'
    ]
    # Usage from before a deletion finds its user by the name.
    bring({"username": "maya", "status": "deleted"})
    taking = {"username": "otto", "user_name": "m.keller"}
    assert problems({"users": [taking]}) == [
        'users[0].user_name: "m.keller" is the user name of "maya"'
    ]
    bring(taking, {"username": "maya", "user_name": None})
    two = [{"username": "ana", "user_name": "x.y"}, {"username": "adam", "user_name": "X.Y"}]
    assert problems({"users": two}) == [
        'users[0].user_name: "x.y" is the user name of "adam"',
        'users[1].user_name: "X.Y" is the user name of "ana"',
    ]


def test_user_names_pass_from_one_user_to_another(database: Database, acme: Acme) -> None:
    bring({"username": "maya", "user_name": "one"}, {"username": "otto", "user_name": "two"})
    bring({"username": "maya", "user_name": "TWO"}, {"username": "otto", "user_name": "One"})
    assert database.rows(
        "SELECT before ->> 'user_name', after ->> 'user_name' FROM audit_log"
        " WHERE resource_type = 'user' AND user_id = %s AND before ? 'user_name'",
        acme.users["maya"],
    ) == [("one", "TWO")]


def test_a_name_of_one_user_is_no_other_name_of_another(database: Database, acme: Acme) -> None:
    bring({"username": "gus", "user_name": "Gus.Sales"})
    assert problems(
        {
            "users": [
                {"username": "maya", "user_name": "OTTO"},
                {"username": "otto", "user_name": "maya@ACME.example"},
                {"username": "ana", "email": "ada@acme.example"},
                {"username": "adam", "user_name": "Ada@acme.example"},
            ]
        }
    ) == [
        'users[0].email: "maya@acme.example" means "otto" too',
        'users[0].user_name: "OTTO" means "otto" too',
        'users[1].user_name: "maya@ACME.example" means "maya" too',
        'users[1].username: "otto" means "maya" too',
        'users[2].email: "ada@acme.example" means "adam" too',
        'users[3].user_name: "Ada@acme.example" means "ana" too',
    ]
    bring({"username": "gus", "user_name": "sales"})
    assert problems({"users": [{"username": "sales"}]}) == [
        'users[0].username: "sales" means "gus" too'
    ]
    # One's own names may be equal.
    bring({"username": "maya", "user_name": "Maya@acme.example"})


def test_an_external_id_is_unique_in_an_organization(database: Database, acme: Acme) -> None:
    bring({"username": "maya", "external_id": "1"})
    there = [{"name": "globex"}]
    bring({"username": "hans", "external_id": "1", "organizations": there})
    assert problems({"users": [{"username": "ana", "external_id": "2"},
                               {"username": "otto", "external_id": "2"}]}) == [
        'users[0].external_id: "2" means "otto" too',
        'users[1].external_id: "2" means "ana" too',
    ]  # fmt: skip
    taken = {"username": "ana", "external_id": str(acme.users["maya"])}
    assert problems({"users": [taken, {"username": "gus", "external_id": "adam"}]}) == [
        f'users[0].external_id: "{acme.users["maya"]}" means "maya" too',
        'users[1].external_id: "adam" means "adam" too',
    ]
    # The organizations of an entry say which of both users it means.
    bring({"username": "hans-2", "external_id": "1", "organizations": there})
    assert database.rows("SELECT username FROM users WHERE external_id = '1' ORDER BY 1") == [
        ("hans-2",), ("maya",),
    ]  # fmt: skip
    assert problems({"users": [{"username": "x", "external_id": "1"}]}) == [
        'users[0].external_id: "1" is the external id of "hans-2" and "maya"'
    ]
    both = [{"name": "acme"}, {"name": "globex"}]
    assert problems({"users": [{"username": "hans-2", "organizations": both}]}) == [
        'users[0].external_id: "1" means "maya" too'
    ]


def test_an_identity_belongs_to_one_user(database: Database, acme: Acme) -> None:
    bring({"username": "maya", "identities": [identity("1")]})
    taking = {"username": "ana", "identities": [identity("1"), identity("1", f"{ISSUER}/2")]}
    assert problems({"users": [taking, {"username": "gus", "identities": [identity("1")]}]}) == [
        f'users[0].identities[0]: "{ISSUER}#1" is the identity of "maya"',
        f'users[1].identities[0]: "{ISSUER}#1" is the identity of "maya"',
    ]
    two = [{"username": name, "identities": [identity("9")]} for name in ("otto", "nora")]
    assert problems({"users": two}) == [
        f'users[1].identities[0]: "{ISSUER}#9" is the identity of "otto"'
    ]
    bring(taking, {"username": "maya", "identities": []})
    owners = "SELECT username, sub FROM user_identities JOIN users ON id = user_id ORDER BY issuer"
    assert database.rows(owners) == [("ana", "1"), ("ana", "1")]
    # Nobody signs in as a deleted user, nor after the user is active again.
    bring({"username": "ana", "status": "deleted"})
    assert database.rows(owners) == []
    bring({"username": "ana", "identities": [identity("3")]})
    bring({"username": "ana", "status": "active"})
    assert database.rows(owners) == []


def test_the_form_of_names_is_checked(database: Database) -> None:
    assert problems(
        {
            "users": [
                {"username": "a", "user_name": "6cb07611-f869-4f10-9f09-a6d791899a4f"},
                {"username": "b", "display_name": ""},
                {"username": "c", "identities": [{"issuer": "https://a#b", "sub": "1"}]},
                {"username": "d", "identities": [{"issuer": "https://a"}]},
                {"username": "e", "external_id": 5},
            ]
        }
    ) == [
        "users[0].user_name: must be no UUID",
        "users[1].display_name: must not be empty",
        "users[2].identities[0].issuer: must be an http or https address without ? and #",
        "users[3].identities[0].sub: required",
        "users[4].external_id: must be a string",
    ]
    twice = [identity("1"), identity("1")]
    assert problems({"users": [{"username": "a", "identities": twice}]}) == [
        f'users[0].identities[1]: "{ISSUER}#1" is listed at users[0].identities[0] already'
    ]
