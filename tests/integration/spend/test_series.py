"""Series of spend against the ledger: of organizations, groups and users, by every split."""

import itertools
from datetime import timedelta
from typing import Any

from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.series_model import assert_series_agree, entries, get, utc
from tests.usage import custom, record, results

ORGANIZATION = "/api/v2/organizations/acme"
START, END = utc(2026, 10, 20), utc(2026, 11, 10)
SPLITS = ("model", "provider", "group", "user", "client", "label:project")


def fill(gateway: Client, acme: Acme, database: Database) -> None:
    """Usage of three users, models and label sets over three weeks, some of it without a price."""
    custom(acme, model="m2", input_price=333_333, effective_from="2020-01-01T00:00:00Z")
    database.run(
        "INSERT INTO group_members (group_id, user_id) VALUES (%s, %s), (%s, %s)",
        acme.groups["acme/research"], acme.users["maya"],
        acme.groups["acme/research"], acme.users["otto"],
    )  # fmt: skip
    # otto also works for another organization.
    database.run(
        "INSERT INTO organization_members (organization_id, user_id) VALUES (%s, %s)",
        acme.organizations["globex"],
        acme.users["otto"],
    )
    database.run(
        "INSERT INTO group_members (group_id, user_id) VALUES (%s, %s)",
        acme.groups["globex/sales"],
        acme.users["otto"],
    )
    database.run(
        "INSERT INTO ai_usage_sources (source, organization_id, cost_from, created_at, updated_at)"
        " VALUES ('litellm', %s, 'book', now(), now())",
        acme.organizations["acme"],
    )
    variants = itertools.product(
        ("maya", "otto", "gus", "nobody"),
        ("m", "m2", "unheard-of"),
        ({}, {"project": "a"}, {"project": "b", "client": "cli"}),
    )
    sent = [
        record(
            number,
            user=user,
            model=model,
            labels=labels,
            provider="p2" if number % 5 == 0 else "p",
            group={("maya", 1): "research", ("otto", 0): "globex/sales"}.get((user, number % 2)),
            tokens={"input": 1001 * number, "output": number, "input_audio": number % 3},
            occurred_at=(START + timedelta(minutes=15 * (number * 61) % 30240)).isoformat(),
        )
        for number, (user, model, labels) in enumerate(variants, 1)
    ]
    # Their usage is in the days before and after the whole months of a period only.
    sent += [
        record(name, user=name, tokens={"input": 10**7}, occurred_at=f"{day}T10:00:00Z")
        for name, day in (("adam", "2026-09-30"), ("ana", "2026-11-02"))
    ]
    assert {each["status"] for each in results(gateway, *sent)} == {"recorded"}


def test_series_of_every_split_are_those_of_the_ledger(
    gateway: Client, acme: Acme, adam: Client, maya: Client, database: Database
) -> None:
    fill(gateway, acme, database)
    every = entries(database)
    of_acme = [each for each in every if each.organization_id == acme.organizations["acme"]]
    research = acme.groups["acme/research"]
    of_research = [each for each in of_acme if each.group_id == research]
    of_maya = [each for each in every if each.user_id == acme.users["maya"]]
    assert len(of_acme) > len(of_research) == 5
    group = f"/api/v2/groups/{research}"
    for split, more in itertools.product(
        (None, *SPLITS), ({}, {"top": "1", "by": "week"}, {"model": "m", "label": "project:a"})
    ):
        asked: dict[str, str] = more | ({"split": split} if split else {})
        assert_series_agree(adam, ORGANIZATION, of_acme, START, END, **asked)
        assert_series_agree(adam, group, of_research, START, END, **asked)
        assert_series_agree(maya, "/api/v2/users/me", of_maya, START, END, **asked)
    for more in (
        {"provider": "p2", "split": "model"},
        {"user": str(acme.users["maya"]), "split": "group"},
        {"user": str(acme.users["otto"]), "split": "user", "group": str(research)},
        {"group": str(research), "split": "user", "top": "1"},
        {"group": str(research), "label": "client:cli"},
        {"by": "hour", "split": "client", "time_zone": "Asia/Kathmandu"},
        {"by": "month", "time_zone": "America/Sao_Paulo", "split": "group", "top": "2"},
    ):
        assert_series_agree(adam, ORGANIZATION, of_acme, START, END, **more)
    # Whole months have sums of their own: both of them, one with days before and after, and none.
    for start, end in (
        (utc(2026, 10, 1), utc(2026, 12, 1)),
        (utc(2026, 9, 30), utc(2026, 11, 3)),
        (utc(2026, 10, 25), utc(2026, 12, 1)),
        (utc(2026, 11, 1), utc(2026, 11, 2)),
    ):
        for path, found in ((ORGANIZATION, of_acme), (group, of_research)):
            for top in ("1", "10"):
                assert_series_agree(adam, path, found, start, end, split="user", top=top)


def named(response: dict[str, Any]) -> dict[str | None, str | None]:
    return {each["key"]: each["name"] for each in response["series"]}


def test_series_name_users_and_groups_and_show_what_is_nobodys(
    gateway: Client, acme: Acme, adam: Client, maya: Client, database: Database
) -> None:
    fill(gateway, acme, database)
    period = {"from": "2026-10-20T00:00:00Z", "to": "2026-11-10T00:00:00Z"}
    groups = get(adam, ORGANIZATION, split="group", **period)
    platform, research = (acme.groups[f"acme/{each}"] for each in ("platform", "research"))
    everyone = acme.organizations["acme"]
    assert named(groups) == {
        str(research): "research", str(everyone): "Everyone", None: None,
    }  # fmt: skip
    users = get(adam, ORGANIZATION, split="user", **period)
    maya_id, otto_id, ana_id = (str(acme.users[each]) for each in ("maya", "otto", "ana"))
    assert named(users) == {maya_id: "maya", otto_id: "otto", ana_id: "ana", None: None}
    nobodys = sum(
        each["usage_count"]
        for series in users["series"]
        if series["key"] is None
        for each in series["points"]
    )
    for response in (groups, users, get(adam, ORGANIZATION, split="user", top="1", **period)):
        assert response["unattributed_usage_count"] == nobodys == 9
        assert response["unattributed_micros"] == next(
            each["total_micros"] for each in users["series"] if each["key"] is None
        )
    assert get(adam, ORGANIZATION, user="otto", **period)["unattributed_usage_count"] == 0
    by_name = get(adam, ORGANIZATION, group="research", user="maya", **period)
    by_id = get(adam, ORGANIZATION, group=str(research), user=maya_id, **period)
    assert by_name["total_micros"] == by_id["total_micros"] > 0
    assert get(adam, f"/api/v2/groups/{platform}", **period)["total_micros"] == 0
    # Names of groups are no secret to the user, but to an admin of one organization.
    of_maya = "/api/v2/users/maya"
    assert set(named(get(maya, of_maya, split="group", **period)).values()) > {"research"}
    assert set(named(get(adam, of_maya, split="group", **period)).values()) == {None}
    olivia = acme.client("olivia")
    assert "research" in named(get(olivia, of_maya, split="group", **period)).values()
    database.run("DELETE FROM groups WHERE id = %s", research)
    database.run("UPDATE users SET username = 'left', status = 'deleted' WHERE id = %s", maya_id)
    again = get(adam, ORGANIZATION, split="group", **period)
    assert [each["points"] for each in again["series"]] == [
        each["points"] for each in groups["series"]
    ]
    assert named(again)[str(research)] is None
    assert (
        get(adam, ORGANIZATION, split="user", **period)["series"][0]["points"]
        == (users["series"][0]["points"])
    )


def test_a_model_whose_usage_was_taken_back_is_no_series(
    adam: Client, gateway: Client, database: Database
) -> None:
    sent = [record(1), record(2, model="taken-back"), record(3, model="free-of-usage")]
    results(gateway, *sent)
    for number in (2, 3):
        results(gateway, {"source": "litellm", "id": f"call-{number}", "void": True})
    found = get(adam, "/api/v2/organizations/acme", split="model", top="1")
    assert [each["key"] for each in found["series"]] == ["m"]
    assert (found["rest"], found["rest_micros"]) == (None, 0)
    models = adam.get("/api/v2/organizations/acme/ai/overview").json()["models"]
    assert [each["model"] for each in models] == ["m"]
