"""GET, PUT, DELETE /api/v2/users/{user}/ai/budget/override: values, bodies and audit entries."""

import re
from uuid import UUID

import pytest

from tests.gateway import Client
from tests.overrides import MAYA, NOT_FOUND, entries, limit
from tests.people import Acme
from tests.postgres import Database


@pytest.mark.parametrize("ending", ["/ai/budget/override", "/ai/budget"])
def test_an_override_is_set_read_and_deleted(olivia: Client, acme: Acme, ending: str) -> None:
    path = f"/api/v2/users/maya{ending}"
    assert olivia.get(path).json() == NOT_FOUND
    put = olivia.put(path, limit(acme, 50_000_000))
    assert put.status == 200
    assert put.json() == {
        "user_id": str(acme.users["maya"]),
        **limit(acme, 50_000_000),
        "expires_at": None,
        "created_at": put.json()["created_at"],
        "updated_at": put.json()["updated_at"],
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", put.json()["created_at"])
    for user in ("maya", str(acme.users["maya"]), str(acme.users["maya"]).upper()):
        got = olivia.get(path.replace("maya", user))
        assert (got.status, got.json(), got.headers["ETag"]) == (
            200,
            put.json(),
            put.headers["ETag"],
        )
    deleted = olivia.delete(path)
    assert (deleted.status, deleted.body) == (204, "")
    assert olivia.get(path).json() == NOT_FOUND
    assert olivia.delete(path).json() == NOT_FOUND


def test_me_is_the_caller(olivia: Client, acme: Acme, maya: Client) -> None:
    olivia.put(MAYA, limit(acme))
    assert maya.get("/api/v2/users/me/ai/budget/override").json()["user_id"] == str(
        acme.users["maya"]
    )
    assert olivia.get("/api/v2/users/me/ai/budget/override").status == 404


GROUP = "A group of which the user is a member; spend is attributed to it."


@pytest.mark.parametrize(
    ("body", "field", "detail"),
    [
        ({"spend_limit_micros": 1}, "group_id", f"Required. {GROUP}"),
        ({"group_id": 7, "spend_limit_micros": 1}, "group_id", f"Must be a string. {GROUP}"),
        (
            {"group_id": "7", "spend_limit_micros": 1},
            "group_id",
            "Must be a UUID of 36 characters with hyphens.",
        ),
        ({"group_id": None, "spend_limit_micros": 1}, "group_id", f"Must be a string. {GROUP}"),
        (
            {"group_id": str(UUID(int=5)), "spend_limit_micros": -1},
            "spend_limit_micros",
            "Must not be negative.",
        ),
        (
            {"group_id": str(UUID(int=5)), "spend_limit_micros": "1"},
            "spend_limit_micros",
            "Must be a whole number. Whole micro-units of US dollars per person and month: "
            "25000000 is $25.00; 0 blocks all spend.",
        ),
        (
            {"group_id": str(UUID(int=5)), "spend_limit_micros": 1, "x": 1},
            "x",
            "Unknown field. Known fields: spend_limit_micros, group_id, expires_at.",
        ),
    ],
)
def test_a_bad_body_names_the_field(olivia: Client, body: object, field: str, detail: str) -> None:
    answer = olivia.put(MAYA, body)
    assert (answer.status, answer.json()["message"]) == (400, "Validation failed.")
    assert answer.json()["validations"] == [{"field": field, "detail": detail}]


def test_a_limit_above_the_cap_has_a_message_of_its_own(olivia: Client, acme: Acme) -> None:
    assert olivia.put(MAYA, limit(acme, 10**12)).status == 200
    assert olivia.put(MAYA, limit(acme, 10**12 + 1)).json() == {
        "message": "Invalid AI spend limit.",
        "validations": [
            {"field": "spend_limit_micros", "detail": "Must not exceed 1000000000000."}
        ],
    }


def test_if_match_protects_an_override_too(olivia: Client, acme: Acme) -> None:
    tag = olivia.put(MAYA, limit(acme), headers={"If-None-Match": "*"}).headers["ETag"]
    assert olivia.put(MAYA, limit(acme), headers={"If-None-Match": "*"}).status == 412
    moved = olivia.put(MAYA, limit(acme, 6, "acme/Everyone"), headers={"If-Match": tag})
    assert moved.status == 200
    assert olivia.delete(MAYA, headers={"If-Match": tag}).status == 412
    assert olivia.delete(MAYA, headers={"If-Match": moved.headers["ETag"]}).status == 204


def test_every_change_leaves_an_entry(
    olivia: Client, acme: Acme, adam: Client, database: Database
) -> None:
    olivia.put(MAYA, limit(acme, 1))
    olivia.put(MAYA, limit(acme, 2))
    olivia.delete(MAYA)
    olivia.delete(MAYA)
    before, after = limit(acme, 1), limit(acme, 2)
    assert [entry[:4] for entry in entries(database)] == [
        ("olivia", "create", None, before),
        ("olivia", "update", before, after),
        ("olivia", "delete", after, None),
    ]
    listed = adam.get(f"/api/v2/audit?user={acme.users['maya']}&limit=3").json()["entries"]
    assert [entry["action"] for entry in listed] == ["delete", "update", "create"]
