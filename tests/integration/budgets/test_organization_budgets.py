"""The routes of an organization's budgets: create, list, get, change and end them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from allowance.budgets.organization_changes import MAX_BUDGETS
from allowance.contract.fields import rfc3339
from tests.gateway import Client
from tests.organization_budgets import BUDGETS, body, created, entries, fields, group, names, user
from tests.people import Acme
from tests.postgres import Database
from tests.refusals import NOT_FOUND

SOON, LATER = (datetime.now(UTC) + timedelta(days=days) for days in (10, 20))
OVER = datetime.now(UTC) - timedelta(days=1)


def test_a_budget_is_created_listed_read_changed_and_ended(
    adam: Client, acme: Acme, database: Database
) -> None:
    made = adam.post(BUDGETS, body("all", limit_micros=1_000_000, thresholds=[100, 50]))
    budget = made.json()
    assert made.status == 201
    assert budget == {
        "id": budget["id"],
        "organization_id": str(acme.organizations["acme"]),
        "name": "all",
        "scope": {"type": "organization"},
        "per": "total",
        "models": ["*"],
        "limit_micros": 1_000_000,
        "period": {"unit": "month", "time_zone": "UTC", "week_starts": 1, "year_starts": 1},
        "enforcement": "enforce",
        "thresholds": [50, 100],
        "starts_at": None,
        "ends_at": None,
        "rollover_micros": 0,
        "created_at": budget["created_at"],
        "updated_at": budget["created_at"],
        "ended_at": None,
    }
    by_name, by_id = f"{BUDGETS}/all", f"{BUDGETS}/{budget['id'].upper()}"
    for path in (by_name, by_id):
        got = adam.get(path)
        assert (got.status, got.json()) == (200, budget)
        assert got.headers["ETag"] == made.headers["ETag"]
    changed = adam.put(by_id, body("renamed", limit_micros=7, thresholds=[]))
    assert changed.status == 200
    assert changed.json()["limit_micros"] == 7
    assert changed.json()["created_at"] == budget["created_at"]
    assert changed.json()["updated_at"] > budget["updated_at"]
    assert (names(adam), adam.get(by_name).status) == (["renamed"], 404)
    ended = adam.delete(f"{BUDGETS}/renamed")
    assert (ended.status, ended.body) == (204, "")
    assert (names(adam), adam.get(f"{BUDGETS}/renamed").status) == ([], 404)
    # The history stays readable, and nothing changes it.
    assert adam.get(by_id).json() | {"ended_at": None, "updated_at": None} == (
        changed.json() | {"updated_at": None}
    )
    assert adam.get(by_id).json()["ended_at"] is not None
    assert adam.put(by_id, body()).status == adam.delete(by_id).status == 404
    # The entries are a chain, and the name is free.
    (_, _, _, first, *_), (_, _, before, second, *_), (_, _, last, nothing, *_) = entries(database)
    assert (first["name"], before, last, nothing) == ("all", first, second, None)
    assert [each[:2] for each in entries(database)] == [
        ("adam", "create"),
        ("adam", "update"),
        ("adam", "delete"),
    ]
    assert created(adam, "renamed")["id"] != budget["id"]


def test_limits_have_a_history_and_each_change_a_revision(adam: Client, database: Database) -> None:
    created(adam)
    for limit in (5, 5, 6):
        assert adam.put(f"{BUDGETS}/all", body(limit_micros=limit)).status == 200
    limits = "SELECT limit_micros FROM ai_budget_limits ORDER BY since"
    assert database.rows(limits) == [(1000,), (5,), (6,)]
    assert database.rows("SELECT revision, slices FROM ai_budgets") == [(4, 16)]
    assert adam.delete(f"{BUDGETS}/all").status == 204
    assert database.rows("SELECT revision FROM ai_budgets") == [(5,)]


def test_each_scope_is_stored_and_shown_as_it_was_sent(
    adam: Client, acme: Acme, database: Database
) -> None:
    scopes: dict[str, tuple[dict[str, Any], str]] = {
        "organization": ({"type": "organization"}, "member"),
        "group": (group(acme.groups["acme/platform"]), "total"),
        "user": (user(acme.users["maya"]), "total"),
        "named": ({"type": "label", "key": "project", "value": "search"}, "member"),
        "values": ({"type": "label", "key": "project", "value": None}, "value"),
    }
    for name, (scope, per) in scopes.items():
        made = created(adam, name, scope=scope, per=per, models=["p/m_1*", "q/*"])
        assert (made["scope"], made["per"], made["models"]) == (scope, per, ["p/m_1*", "q/*"])
    assert names(adam) == sorted(scopes)
    assert names(adam, "?limit=2") == ["group", "named"]
    following = adam.get(f"{BUDGETS}?limit=2").json()["next"]
    assert names(adam, f"?limit=9&after={following}") == ["organization", "user", "values"]
    assert database.rows("SELECT DISTINCT model_patterns FROM ai_budgets") == [
        (["p/m\\_1%", "q/%"],)
    ]
    assert [each[4:] for each in entries(database)] == [
        (None, None),
        (acme.groups["acme/platform"], None),
        (None, acme.users["maya"]),
        (None, None),
        (None, None),
    ]


def test_what_only_the_database_knows_is_refused_by_field(
    adam: Client, acme: Acme, database: Database
) -> None:
    created(adam)
    database.run("UPDATE users SET status = 'deleted' WHERE username = 'otto'")

    def refused(**terms: object) -> tuple[int, list[str]]:
        return fields(adam.post(BUDGETS, body("new", **terms)))

    for zone in ("Europe/Bonn", "europe/berlin", "posix/Europe/Berlin", "Europe/Berlin ", "a/b"):
        assert refused(period={"unit": "day", "time_zone": zone}) == (400, ["period.time_zone"])
    for id_ in (acme.groups["globex/sales"], UUID(int=7)):
        assert refused(scope=group(id_)) == (400, ["scope.group_id"])
    for id_ in (acme.users["gus"], acme.users["nora"], acme.users["otto"], UUID(int=7)):
        assert refused(scope=user(id_)) == (400, ["scope.user_id"])
    taken = adam.post(BUDGETS, body("all"))
    assert (fields(taken), taken.json()["message"]) == (
        (409, ["name"]),
        "Another budget of the organization has this name.",
    )
    assert len(entries(database)) == 1
    assert refused(period={"unit": "day", "time_zone": "Pacific/Apia"}) == (201, [])


def test_the_order_of_problems_is_that_of_the_contract(adam: Client, maya: Client) -> None:
    assert fields(adam.post(BUDGETS, body(limit_micros=-1, x=1))) == (400, ["limit_micros", "x"])
    assert fields(adam.post(BUDGETS, body(per="value"))) == (400, ["per"])
    # Who may not create a budget learns the problems of the body, and nothing of the database.
    assert maya.post(BUDGETS, body(limit_micros=-1)).status == 400
    assert maya.post(BUDGETS, body(period={"unit": "day", "time_zone": "a/b"})).status == 404


def test_scope_per_models_and_period_cannot_be_changed(adam: Client, acme: Acme) -> None:
    created(adam)
    path = f"{BUDGETS}/all"
    for terms, wrong in (
        ({"scope": group(acme.groups["acme/platform"])}, ["scope"]),
        ({"per": "member"}, ["per"]),
        ({"models": ["p/*"]}, ["models"]),
        ({"period": {"unit": "day"}}, ["period"]),
        ({"period": {"unit": "month", "time_zone": "Asia/Tokyo"}}, ["period"]),
        ({"period": {"unit": "month", "year_starts": 2}, "per": "member"}, ["per", "period"]),
    ):
        assert fields(adam.put(path, body(**terms))) == (400, wrong)
    created(adam, "other")
    assert fields(adam.put(path, body("other"))) == (409, ["name"])
    assert adam.put(path, body()).json()["limit_micros"] == 1000


def test_a_date_that_is_over_stays_and_none_becomes_one(adam: Client) -> None:
    soon, later, over = map(rfc3339, (SOON, LATER, OVER))
    path = f"{BUDGETS}/all"
    created(adam, starts_at=soon)

    def put(**terms: object) -> tuple[int, list[str]]:
        return fields(adam.put(path, body(**terms)))

    assert put(starts_at=over) == (400, ["starts_at"])
    assert put() == (400, ["starts_at"])
    assert put(starts_at=later) == put(starts_at=soon, ends_at=later) == (200, [])
    assert put(starts_at=soon) == (200, [])
    assert put(starts_at=soon, ends_at=soon) == (400, ["ends_at"])
    adam.delete(path)
    created(adam, starts_at=rfc3339(OVER - timedelta(days=9)), ends_at=over)
    assert put(starts_at=over, ends_at=later) == (400, ["starts_at", "ends_at"])
    adam.delete(path)
    created(adam)
    assert put(starts_at=soon) == (400, ["starts_at"])
    assert put(ends_at=over) == (400, ["ends_at"])
    assert put(ends_at=soon) == put(ends_at=later) == put() == (200, [])


def test_conditions_of_a_write_are_met_or_412(adam: Client, database: Database) -> None:
    path, old = f"{BUDGETS}/all", adam.post(BUDGETS, body()).headers["ETag"]
    new = adam.put(path, body(), headers={"If-Match": old}).headers["ETag"]
    assert new != old
    for headers in ({"If-Match": old}, {"If-None-Match": "*"}, {"If-None-Match": new}):
        assert adam.put(path, body(limit_micros=1), headers=headers).status == 412
        assert adam.delete(path, headers=headers).status == 412
    assert len(entries(database)) == 2
    assert adam.put(f"{BUDGETS}/none", body(), headers={"If-Match": "*"}).status == 404
    assert adam.delete(path, headers={"If-Match": new}).status == 204


@pytest.mark.parametrize("name", ["a%2Fb", "%00", "\ufffd", "none"])
def test_a_name_that_no_budget_has_is_not_found(adam: Client, name: str) -> None:
    for answer in (
        adam.get(f"{BUDGETS}/{name}"),
        adam.get(f"{BUDGETS}/{name}/spend"),
        adam.put(f"{BUDGETS}/{name}", body()),
        adam.delete(f"{BUDGETS}/{name}"),
    ):
        assert (answer.status, answer.json()) == (404, NOT_FOUND)


def test_an_organization_has_at_most_1000_budgets(adam: Client, database: Database) -> None:
    created(adam, "0")
    database.run(
        "INSERT INTO ai_budgets (organization_id, name, scope, per, models, limit_micros,"
        " period_unit, time_zone, week_starts, year_starts, enforcement, thresholds,"
        " rollover_micros) SELECT organization_id, n::text, scope, per, models, limit_micros,"
        " period_unit, time_zone, week_starts, year_starts, enforcement, thresholds, 0"
        " FROM ai_budgets CROSS JOIN generate_series(1, %s) AS n",
        MAX_BUDGETS - 2,
    )
    created(adam, "last")
    full = adam.post(BUDGETS, body("more"))
    assert fields(full) == (400, ["(document)"])
    assert "at most 1000 budgets" in full.json()["validations"][0]["detail"]
    assert adam.delete(f"{BUDGETS}/last").status == 204
    created(adam, "more")
    page = adam.get(f"{BUDGETS}?limit=1000").json()
    assert (len(page["budgets"]), page["next"]) == (1000, None)
