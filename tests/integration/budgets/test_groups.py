"""GET, PUT, DELETE /api/v2/groups/{group}/ai/budget, as the people of acme."""

import re

from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database


def test_a_budget_is_set_read_and_deleted(adam: Client, acme: Acme) -> None:
    path = acme.budget_path()
    assert adam.get(path).status == 404
    put = adam.put(path, {"spend_limit_micros": 25_000_000})
    assert put.status == 200
    assert put.json() == {
        "group_id": str(acme.groups["acme/platform"]),
        "spend_limit_micros": 25_000_000,
        "created_at": put.json()["created_at"],
        "updated_at": put.json()["updated_at"],
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", put.json()["created_at"])
    got = adam.get(path)
    assert (got.status, got.json(), got.headers["ETag"]) == (200, put.json(), put.headers["ETag"])
    deleted = adam.delete(path)
    assert (deleted.status, deleted.body) == (204, "")
    assert adam.get(path).status == 404
    assert adam.delete(path).status == 404


def test_putting_the_same_value_updates_updated_at_and_writes_an_entry(
    adam: Client, acme: Acme, database: Database
) -> None:
    first = adam.put(acme.budget_path(), {"spend_limit_micros": 7}).json()
    second = adam.put(acme.budget_path(), {"spend_limit_micros": 7}).json()
    assert second["created_at"] == first["created_at"]
    assert second["updated_at"] > first["updated_at"]
    assert (
        len(database.rows("SELECT 1 FROM audit_log WHERE resource_type = 'group_ai_budget'")) == 2
    )


def test_zero_and_the_cap_are_limits(adam: Client, acme: Acme) -> None:
    for limit in (0, 10**12):
        assert (
            adam.put(acme.budget_path(), {"spend_limit_micros": limit}).json()["spend_limit_micros"]
            == limit
        )


def test_a_group_id_is_accepted_in_any_case(adam: Client, acme: Acme) -> None:
    path = acme.budget_path()
    adam.put(path, {"spend_limit_micros": 7})
    upper = adam.get(
        path.replace(str(acme.groups["acme/platform"]), str(acme.groups["acme/platform"]).upper())
    )
    assert upper.json()["group_id"] == str(acme.groups["acme/platform"])
