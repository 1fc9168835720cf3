"""Which budgets of an organization a call counts in, and what each of them does with it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from allowance.contract.fields import rfc3339
from tests.budget_counters import assert_counters_agree
from tests.gateway import Answer, Client
from tests.organization_budgets import BUDGETS, created, figures, group, user
from tests.people import Acme
from tests.postgres import Database
from tests.reservations import PATH, held, limit_everyone, of_cost, reserve, settle, used
from tests.usage import results

NOW = datetime.now(UTC)
SEARCH = {"project": "search"}


def label(value: str | None = None) -> dict[str, str | None]:
    return {"type": "label", "key": "project", "value": value}


def looked_at(answer: Answer) -> dict[str, str | None]:
    """The budgets of an organization in a decision, each with its subject."""
    budgets = answer.json()["decision"]["budgets"]
    assert budgets[0]["kind"] == "allowance"
    return {each["name"]: each["subject"] for each in budgets[1:]}


def dry_run(gateway: Client, micros: int = 1, **changes: Any) -> Answer:
    return gateway.post(PATH, of_cost(micros, dry_run=True, **changes))


@pytest.fixture
def adam(acme: Acme) -> Client:
    return acme.client("adam")


def test_a_call_counts_in_the_budgets_that_match_it(
    gateway: Client, acme: Acme, adam: Client, database: Database
) -> None:
    maya = str(acme.users["maya"])
    created(adam, "all")
    created(adam, "members", per="member")
    created(adam, "platform", scope=group(acme.groups["acme/platform"]))
    created(adam, "platform's", scope=group(acme.groups["acme/platform"]), per="member")
    created(adam, "maya", scope=user(maya))
    created(adam, "otto", scope=user(acme.users["otto"]))
    created(adam, "search", scope=label("search"))
    created(adam, "projects", scope=label(), per="value")
    created(adam, "claude", models=["anthropic/*"])
    created(adam, "one model", models=["p/m_1", "q/m"])
    later, before = rfc3339(NOW + timedelta(days=1)), rfc3339(NOW - timedelta(days=1))
    created(adam, "from tomorrow", starts_at=later)
    created(adam, "until yesterday", ends_at=before)
    created(adam, "until tomorrow", starts_at=before, ends_at=later)
    adam.delete(f"{BUDGETS}/{created(adam, 'gone')['id']}")

    always = {"all": None, "members": maya, "maya": None, "until tomorrow": None}
    platform = {"platform": None, "platform's": maya}
    for changes, beside in (
        ({}, {"projects": ""}),
        ({"labels": SEARCH}, {"projects": "search", "search": None}),
        ({"labels": {"project": "chat"}}, {"projects": "chat"}),
        ({"labels": {"env": "search"}}, {"projects": ""}),
        ({"labels": {}}, {"projects": ""}),
        ({"group": "platform"}, {"projects": ""} | platform),
        ({"group": str(acme.groups["acme/platform"])}, {"projects": ""} | platform),
        ({"provider": "anthropic", "model": "x"}, {"projects": "", "claude": None}),
        ({"provider": "anthropic-eu", "model": "x"}, {"projects": ""}),
        ({"model": "m_1"}, {"projects": "", "one model": None}),
        ({"model": "mx1"}, {"projects": ""}),
    ):
        answer = dry_run(gateway, **changes)
        assert (answer.status, looked_at(answer)) == (200, always | beside), changes
    otto = dry_run(gateway, user="otto")
    others = {"members": str(acme.users["otto"]), "otto": None, "until tomorrow": None}
    assert looked_at(otto) == {"all": None, "projects": ""} | others
    assert looked_at(dry_run(gateway, user="gus")) == {}

    # The primary group, then the group of the limit.
    database.run(
        "UPDATE users SET primary_group_id = %s WHERE id = %s", acme.groups["acme/platform"], maya
    )
    answer = dry_run(gateway)
    assert answer.json()["group"]["name"] == "platform"
    assert looked_at(answer) == always | platform | {"projects": ""}
    everyone = dry_run(gateway, group="acme/Everyone")
    assert (everyone.json()["group"]["name"], looked_at(everyone)) == (
        "Everyone",
        always | {"projects": ""},
    )
    database.run("UPDATE users SET primary_group_id = NULL")
    limit = {"spend_limit_micros": 10**6}
    assert adam.put(acme.budget_path(), limit).status == 200
    assert looked_at(dry_run(gateway)) == always | platform | {"projects": ""}

    for name in ("research", "nowhere", "globex/sales", str(acme.groups["globex/sales"])):
        for dry in (True, False):
            refused = gateway.post(PATH, of_cost(1, group=name, dry_run=dry))
            assert refused.status == 400, refused.body
            assert [each["field"] for each in refused.json()["validations"]] == ["group"]
    assert (database.rows("SELECT FROM ai_reservations"), held(database)) == ([], {})
    assert database.rows("SELECT FROM ai_budget_counters") == []


def test_a_grant_is_replayed_whatever_became_of_the_group(
    gateway: Client, acme: Acme, adam: Client, database: Database
) -> None:
    created(adam, "platform", scope=group(acme.groups["acme/platform"]))
    sent = of_cost(5, group="platform", labels=SEARCH | {"env": "prod"})
    first = gateway.post(PATH, sent)
    database.run("DELETE FROM group_members WHERE user_id = %s", acme.users["maya"])
    again = gateway.post(PATH, sent | {"labels": {"env": "prod"} | SEARCH})
    assert (again.status, again.body) == (201, first.body)
    assert gateway.post(PATH, of_cost(5, 2, group="platform")).status == 400
    for other in (sent | {"group": "research"}, sent | {"labels": SEARCH}, of_cost(5)):
        assert gateway.post(PATH, other).status == 409
    assert figures(adam, "platform") == (0, 5, 995)
    # Without labels is the same as with none.
    unlabelled = gateway.post(PATH, of_cost(5, 3, labels={}))
    assert gateway.post(PATH, of_cost(5, 3)).body == unlabelled.body
    assert unlabelled.status == 201


def test_the_budget_with_the_least_room_binds(
    gateway: Client, acme: Acme, adam: Client, database: Database
) -> None:
    limit_everyone(database, acme, 9_000)
    yearly = {"unit": "year"}
    created(adam, "all", limit_micros=8_000_000, period=yearly)
    search = created(adam, "search", limit_micros=7_000, scope=label("search"), period=yearly)
    created(adam, "warned", limit_micros=10, enforcement="warn")
    created(adam, "counted", limit_micros=10, enforcement="off")
    created(adam, "never", limit_micros=6_000, scope=label(), per="value", period={"unit": "none"})
    granted = gateway.post(PATH, of_cost(2_000, labels=SEARCH)).json()
    of = {each["name"]: each for each in granted["decision"]["budgets"]}
    assert {name for name, each in of.items() if each["would_refuse"]} == {"warned"}
    assert {name for name, each in of.items() if each["binding"]} == {"never"}
    assert granted["decision"]["would_fit_micros"] == 6_000
    assert (of["never"]["period_start"], of["never"]["period_end"]) == (None, None)

    refused = gateway.post(PATH, of_cost(4_001, 2, labels=SEARCH))
    assert refused.status == 403
    assert refused.json()["message"].startswith("AI budget of US$0.01 exceeded.")
    decision, flat = refused.json()["decision"], refused.json()["budget"]
    of = {each["name"]: each for each in decision["budgets"]}
    assert (decision["allowed"], decision["would_fit_micros"]) == (False, 4_000)
    assert {name for name, each in of.items() if each["would_refuse"]} == {"warned", "never"}
    assert [name for name, each in of.items() if each["binding"]] == ["never"]
    assert (flat["spend_limit_micros"], flat["reserved_micros"], flat["group_id"]) == (
        6_000,
        2_000,
        None,
    )
    # It fits once the hold has expired, in every budget that refuses now.
    (until,) = database.rows("SELECT expires_at FROM ai_reservations")[0]
    assert decision["retry_at"] == rfc3339(until)
    assert gateway.post(PATH, of_cost(6_001, 2, labels=SEARCH)).json()["decision"]["retry_at"] is (
        None
    )

    # What is settled makes no room before the period ends.
    results(gateway, used(1, labels=SEARCH))
    never = dry_run(gateway, 1_001, labels=SEARCH)
    assert never.json()["decision"]["retry_at"] == rfc3339(until)
    patch = {"limit_micros": 4_000, "scope": label("search"), "period": yearly, "per": "total"}
    assert adam.put(f"{BUDGETS}/{search['id']}", {"name": "search"} | patch).status == 200
    both = dry_run(gateway, 1_001, labels=SEARCH).json()["decision"]
    assert {each["name"] for each in both["budgets"] if each["would_refuse"]} == {
        "never",
        "search",
        "warned",
    }
    of = {each["name"]: each for each in both["budgets"]}
    assert of["search"]["binding"] is True
    assert both["retry_at"] == of["search"]["period_end"], "the last of them to have room"
    year = dry_run(gateway, 3_500, labels=SEARCH).json()["decision"]
    assert year["retry_at"] is None, "one of them never has room"
    chat = dry_run(gateway, 4_000, labels={"project": "chat"})
    assert (chat.status, chat.json()["budget"]["remaining_micros"]) == (200, 4_000)


def test_a_call_fits_when_the_budget_that_refuses_it_has_ended(
    gateway: Client, adam: Client
) -> None:
    ends = rfc3339(NOW + timedelta(hours=1))
    created(adam, "all", limit_micros=0, ends_at=ends)
    for micros in (1, 10**6):
        refused = gateway.post(PATH, of_cost(micros)).json()
        assert refused["decision"]["retry_at"] == ends


def test_usage_moves_from_what_was_held_to_what_it_matches(
    gateway: Client, acme: Acme, adam: Client, database: Database
) -> None:
    platform = group(acme.groups["acme/platform"])
    for name, terms in (
        ("all", {}),
        ("daily", {"period": {"unit": "day"}}),
        ("platform", {"scope": platform}),
        ("search", {"scope": label("search")}),
        ("chat", {"scope": label("chat")}),
        ("models p", {"models": ["p/*"]}),
        ("models q", {"models": ["q/*"]}),
    ):
        created(adam, name, limit_micros=9_000, **terms)
    id_ = reserve(gateway, of_cost(5_000, group="platform", labels=SEARCH))
    in_all = ("all", "daily", "platform", "search", "models p")
    assert {name: figures(adam, name)[1] for name in in_all} == dict.fromkeys(in_all, 5_000)
    holds = gateway.get(f"{PATH}/{id_}").json()
    assert holds["labels"] == SEARCH
    assert [
        (each["name"], each["subject"], each["reserved_micros"]) for each in holds["holds"]
    ] == [(name, None, 5_000) for name in sorted(in_all)]

    part = settle(gateway, id_, used(1, final=False, group="platform", labels=SEARCH))
    assert (part.status, part.json()["reserved_micros"]) == (200, 2_000)
    assert {name: figures(adam, name) for name in in_all} == dict.fromkeys(
        in_all, (3_000, 2_000, 4_000)
    )
    holds = gateway.get(f"{PATH}/{id_}").json()["holds"]
    assert {each["reserved_micros"] for each in holds} == {2_000}

    # Of another model, project and group.
    alias = {"provider": "p", "model": "m"}
    assert acme.client("olivia").put("/api/v2/ai/model-aliases/q/m", alias).status == 200
    last = used(2, provider="q", labels={"project": "chat"})
    settled = settle(gateway, id_, last)
    assert (settled.status, settled.json()["cost_micros"]) == (200, 3_000), settled.body
    assert {name: figures(adam, name)[:2] for name in (*in_all, "chat", "models q")} == {
        "all": (6_000, 0),
        "daily": (6_000, 0),
        "platform": (3_000, 0),
        "search": (3_000, 0),
        "models p": (3_000, 0),
        "chat": (3_000, 0),
        "models q": (3_000, 0),
    }
    closed = gateway.get(f"{PATH}/{id_}").json()
    assert (closed["holds"], closed["overrun_micros"]) == ([], 1_000)
    assert [each["id"] for each in closed["settled"]] == ["call-1", "call-2"]

    released = reserve(gateway, of_cost(3_000, 2, labels=SEARCH))
    assert figures(adam, "search") == (3_000, 3_000, 3_000)
    assert gateway.delete(f"{PATH}/{released}").status == 204
    assert figures(adam, "search") == (3_000, 0, 6_000)
    assert_counters_agree(database)
