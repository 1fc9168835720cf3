"""A renamed organization, group or user keeps its row: members, budgets, overrides and spend."""

from typing import Any

import pytest

from tests.directory_documents import apply, problems
from tests.people import Acme
from tests.postgres import Database

GROUPS = 'SELECT id, name FROM groups WHERE organization_id <> id ORDER BY name COLLATE "C"'
MAYA = "SELECT id, username FROM users WHERE id = %s"


def acme_with(*groups: object) -> dict[str, Any]:
    return {"organizations": [{"name": "acme", "groups": list(groups)}]}


def test_a_renamed_group_keeps_its_budget_and_its_members(database: Database, acme: Acme) -> None:
    adam, maya = acme.client("adam"), acme.client("maya")
    limit = {"spend_limit_micros": 5}
    assert adam.put(acme.budget_path(), limit).status == 200
    override = {"group_id": str(acme.groups["acme/platform"]), "spend_limit_micros": 7}
    assert acme.client("olivia").put("/api/v2/users/maya/ai/budget", override).status == 200
    for entry in (
        {"name": "core", "renamed_from": "platform"},
        {"name": "core", "renamed_from": "platform"},
        {"name": "heart", "id": str(acme.groups["acme/platform"]).upper(), "external_id": "g-1"},
        {"name": "soul", "external_id": "g-1"},
    ):
        answer = apply(acme_with("research", entry))
        name = f"acme/{entry['name']}"
        assert answer["groups"].keys() == {"acme/Everyone", "acme/research", name}
        assert answer["groups"][name] == str(acme.groups["acme/platform"])
    spend = maya.get("/api/v2/users/me/ai/spend").json()
    assert spend["effective_budget"] == {"spend_limit_micros": 7, "limit_source": "user_override"}
    group = maya.get(f"/api/v2/groups/{acme.groups['acme/platform']}").json()
    assert (group["name"], group["budget"]["spend_limit_micros"]) == ("soul", 5)
    assert database.rows(
        "SELECT action, before, after FROM audit_log WHERE resource_type = 'group'"
        " AND group_id = %s ORDER BY id",
        acme.groups["acme/platform"],
    ) == [
        ("create", None, {"name": "platform"}),
        ("update", {"name": "platform"}, {"name": "core"}),
        ("update", {"name": "core"}, {"name": "heart"}),
        ("update", {"name": "heart"}, {"name": "heart", "external_id": "g-1"}),
        ("update", {"name": "heart", "external_id": "g-1"}, {"name": "soul", "external_id": "g-1"}),
    ]


def test_groups_swap_their_names(database: Database, acme: Acme) -> None:
    platform, research = acme.groups["acme/platform"], acme.groups["acme/research"]
    document = acme_with(
        {"name": "research", "id": str(platform)}, {"name": "platform", "id": str(research)}
    )
    for _ in range(2):
        groups = apply(document)["groups"]
        assert groups["acme/research"] == str(platform)
        assert groups["acme/platform"] == str(research)


def test_a_renamed_organization_keeps_its_groups(database: Database, acme: Acme) -> None:
    document = {
        "organizations": [
            {"name": "initech", "renamed_from": "acme", "external_id": "o-1"},
            {"name": "acme", "id": str(acme.organizations["globex"])},
        ]
    }
    answer = apply(document)
    assert answer["organizations"] == {
        "initech": str(acme.organizations["acme"]),
        "acme": str(acme.organizations["globex"]),
    }
    assert answer["groups"]["initech/platform"] == str(acme.groups["acme/platform"])
    me = acme.client("maya").get("/api/v2/users/me").json()
    assert [each["name"] for each in me["organizations"]] == ["initech"]
    assert database.rows("SELECT name FROM organizations WHERE is_default") == [("initech",)]
    again = apply({"organizations": [{"name": "hooli", "external_id": "o-1"}]})
    assert again["organizations"] == {"hooli": str(acme.organizations["acme"])}


def test_a_renamed_user_keeps_the_id_the_tokens_and_the_memberships(
    database: Database, acme: Acme
) -> None:
    maya = acme.users["maya"]
    organizations = [{"name": "acme", "groups": ["platform"]}]
    for entry in (
        {"username": "maya-k", "renamed_from": "maya"},
        {"username": "maya-k", "renamed_from": "maya", "external_id": "e-1"},
        {"username": "mk", "external_id": "e-1", "organizations": organizations},
        {"username": "maya-2", "id": str(maya), "external_id": "e-2"},
        {"username": "maya-3", "external_id": "e-2"},
    ):
        assert apply({"users": [entry]})["users"] == {entry["username"]: str(maya)}
    me = acme.client("maya").get("/api/v2/users/me").json()
    assert (me["username"], me["email"]) == ("maya-3", "maya@acme.example")
    assert [each["name"] for each in me["organizations"]] == ["acme"]
    names = database.rows(
        "SELECT before ->> 'username', after ->> 'username' FROM audit_log"
        " WHERE resource_type = 'user' AND user_id = %s ORDER BY id",
        maya,
    )
    assert [each for each in names if each[0] != each[1]] == [
        (None, "maya"), ("maya", "maya-k"), ("maya-k", "mk"), ("mk", "maya-2"),
        ("maya-2", "maya-3"),
    ]  # fmt: skip


def test_users_pass_names_around_also_between_slices(
    database: Database, acme: Acme, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("allowance.directory.renames.USERS_PER_SLICE", 1)
    ring = {"adam": "maya", "maya": "otto", "otto": "adam"}
    document = {
        "users": [
            {"username": new, "id": str(acme.users[old]), "email": f"{new}@acme.example"}
            for old, new in ring.items()
        ]
    }
    expected = {new: str(acme.users[old]) for old, new in ring.items()}
    for _ in range(2):
        assert apply(document)["users"] == expected
    entries = database.rows(
        "SELECT before ->> 'username', after ->> 'username' FROM audit_log WHERE"
        " resource_type = 'user' AND before ->> 'username' <> after ->> 'username'"
    )
    assert dict(entries) == ring


@pytest.mark.parametrize(
    ("document", "found"),
    [
        (
            acme_with("research", {"name": "core", "renamed_from": "plattform"}),
            ['organizations[0].groups[1].renamed_from: no group "plattform" to rename'],
        ),
        (
            acme_with("platform", {"name": "research", "renamed_from": "platform"}),
            ['organizations[0].groups[1].renamed_from: "platform" and "research" both exist'],
        ),
        (
            acme_with("platform", "research", {"name": "core", "renamed_from": "platform"}),
            [
                'organizations[0].groups[0]: is the group "platform", which'
                " organizations[0].groups[2] renames"
            ],
        ),
        (
            acme_with({"name": "core", "id": "00000000-0000-4000-8000-000000000000"}),
            ["organizations[0].groups[0].id: no group has this id"],
        ),
        (
            {"users": [{"username": "max", "renamed_from": "max-2"}]},
            ['users[0].renamed_from: no user "max-2" to rename'],
        ),
        (
            {"users": [{"username": "a", "renamed_from": "maya"},
                       {"username": "b", "renamed_from": "maya"}]},
            ['users[1]: is the user "maya", and so is users[0]'],
        ),
        (
            {"users": [{"username": "maya"}, {"username": "a", "renamed_from": "maya"}]},
            ['users[0]: is the user "maya", which users[1] renames'],
        ),
        (
            {"users": [{"username": "otto", "renamed_from": "maya"}]},
            ['users[0].renamed_from: "maya" and "otto" both exist'],
        ),
        (
            {"organizations": [{"name": "globex", "external_id": "o"},
                               {"name": "initech", "external_id": "o"}]},
            ['organizations[1].external_id: "o" is listed at organizations[0] already'],
        ),
        (
            {"organizations": [{"name": "hooli", "renamed_from": "initech"}]},
            ['organizations[0].renamed_from: no organization "initech" to rename'],
        ),
        (
            acme_with({"name": "Everyone"}),
            ['organizations[0].groups[0].name: "Everyone" is a reserved group name: every'
             " organization has the group Everyone"],
        ),
        (acme_with({"name": "a", "nick": 1}), ["organizations[0].groups[0].nick: unknown field"]),
        (acme_with(5), ["organizations[0].groups[0]: must be an object"]),
        (acme_with({"name": "a", "id": "5"}),
         ["organizations[0].groups[0].id: must be a UUID of 36 characters with hyphens"]),
    ],
)  # fmt: skip
def test_an_entry_that_could_mean_two_rows_is_refused_by_its_path(
    database: Database, document: dict[str, Any], found: list[str]
) -> None:
    before = database.rows("SELECT max(id) FROM audit_log")
    assert problems(document) == found
    assert database.rows("SELECT max(id) FROM audit_log") == before


def test_an_id_must_agree_with_what_else_an_entry_gives(database: Database, acme: Acme) -> None:
    apply({"users": [{"username": "otto", "external_id": "e-otto"}]})
    maya = str(acme.users["maya"])
    assert problems(
        {
            "users": [
                {"username": "maya", "id": maya, "renamed_from": "otto"},
                {"username": "ana", "id": maya, "external_id": "e-otto"},
            ]
        }
    ) == [
        'users[0].renamed_from: "otto" is another user than "maya"',
        'users[1].external_id: "e-otto" is the external id of "otto"',
        'users[1]: is the user "maya", and so is users[0]',
    ]
    assert problems({"users": [{"username": "otto", "id": maya}]}) == [
        'users[0].username: "otto" is the name of another user'
    ]
    group = str(acme.groups["globex/sales"])
    assert problems(acme_with("platform", "research", {"name": "sales", "id": group})) == [
        "organizations[0].groups[2].id: no group has this id"
    ]


def test_another_external_id_under_a_name_is_refused(database: Database, acme: Acme) -> None:
    """It may be another person with the name of one who left."""
    apply({"users": [{"username": "maya", "external_id": "e-1"}]})
    assert problems({"users": [{"username": "maya", "external_id": "e-2"}]}) == [
        'users[0].external_id: "maya" has the external id "e-1": give the "id" too'
    ]
    apply({"users": [{"username": "maya", "id": str(acme.users["maya"]), "external_id": "e-2"}]})
    apply({"users": [{"username": "maya", "external_id": None}]})
    assert database.rows("SELECT count(external_id) FROM users") == [(0,)]
