"""The groups of an organization, page by page: full pages of what the caller may read."""

import json
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.gateway import MAX_RESPONSE_BYTES, Client
from tests.people import Acme
from tests.plans import blocks_read
from tests.postgres import Database

GROUPS = "/api/v2/organizations/acme/groups"
REFUSED = {"message": "Resource not found or you do not have access to this resource"}


def add_groups(database: Database, acme: Acme, number: int, name: str = "'g' || n") -> None:
    database.run(
        f"INSERT INTO groups (organization_id, name)"
        f" SELECT %s, {name} FROM generate_series(1, %s) AS n",
        acme.organizations["acme"],
        number,
    )


def add_member(database: Database, acme: Acme, username: str, groups: str) -> None:
    database.run(
        f"INSERT INTO group_members (group_id, user_id)"
        f" SELECT id, %s FROM groups WHERE organization_id = %s AND {groups}",
        acme.users[username],
        acme.organizations["acme"],
    )


def pages(client: Client, limit: int) -> list[list[str]]:
    """The names on each page."""
    found: list[list[str]] = []
    after: str | None = ""
    while after is not None:
        page: dict[str, Any] = client.get(
            f"{GROUPS}?limit={limit}" + (f"&after={after}" if after else "")
        ).json()
        found.append([each["name"] for each in page["groups"]])
        after = page["next"]
    return found


def test_pages_follow_each_other_whatever_the_names(
    database: Database, acme: Acme, adam: Client
) -> None:
    names = ["a b", "É", "Z", "_", "~", "z'", '"', "💸", "%", "aa", "ab"]
    for each in names:
        database.run(
            "INSERT INTO groups (organization_id, name) VALUES (%s, %s)",
            acme.organizations["acme"],
            each,
        )
    everything = sorted([*names, "Everyone", "platform", "research"])
    assert pages(adam, 1000) == [everything]
    for limit in (1, 3, len(everything)):
        whole = pages(adam, limit)
        assert [name for page in whole for name in page] == everything
        assert {len(each) for each in whole[:-1]} <= {limit}


def test_names_sort_the_same_in_every_locale(database: Database) -> None:
    """The server of this test may have the locale C, which hides another order."""
    assert database.rows(
        "SELECT collation_name FROM information_schema.columns"
        " WHERE table_name = 'groups' AND column_name = 'name'"
    ) == [("C",)]


def test_a_members_pages_are_full_and_tell_of_no_other_group(
    database: Database, acme: Acme
) -> None:
    add_groups(database, acme, 40)
    add_member(database, acme, "otto", "name IN ('g7', 'g21', 'g35')")
    otto = acme.client("otto")
    assert pages(otto, 2) == [["Everyone", "g21"], ["g35", "g7"]]
    assert pages(otto, 4) == [["Everyone", "g21", "g35", "g7"]]


def test_a_page_of_a_member_reads_the_members_groups_only(database: Database, acme: Acme) -> None:
    add_groups(database, acme, 10_000)
    add_member(database, acme, "otto", "name IN ('g7', 'g21', 'g35')")
    database.run("INSERT INTO group_ai_budgets SELECT id, 1 FROM groups")
    database.run("VACUUM ANALYZE groups, group_ai_budgets")
    own = [
        row[0]
        for row in database.rows("SELECT id FROM groups WHERE name IN ('Everyone', 'g7', 'g21')")
    ]
    with psycopg.connect(database.app_url) as app:

        def cost(group_ids: list[UUID] | None, after: str | None) -> int:
            return blocks_read(
                app,
                "list_groups",
                organization_id=acme.organizations["acme"],
                group_ids=group_ids,
                after_name=after,
                limit=10,
            )

        for after in (None, "g5"):
            assert cost(own, after) < 12 * len(own)
            assert cost(None, after) < 12 * 10


def test_the_largest_page_fits_a_lambda_response(
    database: Database, acme: Acme, adam: Client
) -> None:
    add_groups(database, acme, 1001, "lpad(n::text, 4, '0') || repeat('\U0001f4b8', 251)")
    database.run("INSERT INTO group_ai_budgets SELECT id, 1000000000000 FROM groups")
    answer = adam.get(f"{GROUPS}?limit=1000")
    assert len(answer.json()["groups"]) == 1000
    assert answer.lambda_bytes < MAX_RESPONSE_BYTES


def test_a_token_for_one_group_lists_that_group(database: Database, acme: Acme) -> None:
    def listed(scope: dict[str, Any]) -> Any:
        database.run("UPDATE api_tokens SET scope = %s", json.dumps(scope))
        answer = acme.client("adam").get(GROUPS)
        if answer.status == 404:
            return answer.json()
        return [each["name"] for each in answer.json()["groups"]]

    everything = {"resource_type": "*", "action": "*", "negate": False}

    def only(group: str) -> dict[str, Any]:
        listed_group = {"type": "group", "id": str(acme.groups[group])}
        return {"site": [everything], "allow_list": [listed_group]}

    assert listed(only("acme/platform")) == ["platform"]
    assert listed(only("globex/sales")) == REFUSED
    assert listed({"site": []}) == REFUSED


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "after=x", "after=W10"])
def test_a_bad_page_is_named(adam: Client, query: str) -> None:
    answer = adam.get(f"{GROUPS}?{query}")
    assert (answer.status, answer.json()["message"]) == (
        400,
        "Query parameters have invalid values.",
    )
    assert {each["field"] for each in answer.json()["validations"]} == {query.partition("=")[0]}
