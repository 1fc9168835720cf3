"""ImportDirectory refuses a bad document whole and names each problem by its path."""

import copy
from typing import Any

import pytest

from tests.directory_documents import problems
from tests.postgres import Database


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({"user": []}, "user: unknown field"),
        ({"users": {}}, "users: must be a list"),
        ({"users": [{}]}, "users[0].username: required"),
        ({"users": [{"username": "Me"}]}, 'users[0].username: "Me" is no username'),
        ({"users": [{"username": "me"}]}, 'users[0].username: "me" is no username'),
        ({"users": [{"username": "6cb07611-f869-4f10-9f09-a6d791899a4f"}]}, "users[0].username: "),
        ({"users": [{"username": "a" * 65}]}, "users[0].username: "),
        ({"users": [{"username": "a", "roles": ["admin"]}]}, 'users[0].roles[0]: unknown role '
        '"admin": one of owner, user-admin, auditor, template-admin, member, gateway'),
        ({"users": [{"username": "a", "roles": None}]}, "users[0].roles: must be a list"),
        ({"users": [{"username": "a", "organizations": [{"name": "acme"}] * 4001}]},
         "users[0].organizations: must have at most 4000 entries"),
        ({"users": [{"username": "a", "status": "gone"}]}, "users[0].status: "),
        ({"users": [{"username": "a", "email": "x"}]}, "users[0].email: is no e-mail address"),
        ({"users": [{"username": "a", "email": "Maya@acme.example"}]}, 'users[0].email: '
        '"Maya@acme.example" is the address of "maya"'),
        ({"users": [{"username": "a"}, {"username": "a"}]}, 'users[1].username: "a" is listed at '
        'users[0] already'),
        (
            {"users": [{"username": "a",
               "organizations": [{"name": "acme", "roles": ["organization-admin", "admin"]}]}]},
            'users[0].organizations[0].roles[1]: unknown role "admin"',
        ),
        (
            {"users": [{"username": "a", "organizations": [{"name": "acme", "roles": ["owner"]}]}]},
            'users[0].organizations[0].roles[0]: unknown role "owner"',
        ),
        ({"users": [{"username": "a", "organizations": [{"name": "x"}]}]},
         'users[0].organizations[0].name: no organization "x"'),
        (
            {"users": [{"username": "a",
               "organizations": [{"name": "acme", "groups": ["sales"]}]}]},
            'users[0].organizations[0].groups[0]: no group "sales" in organization "acme"',
        ),
        (
            {"users": [{"username": "a",
               "organizations": [{"name": "acme", "groups": ["Everyone"]}]}]},
            "users[0].organizations[0].groups[0]: \"Everyone\" is a reserved group name",
        ),
        ({"organizations": [{"name": "acme", "groups": ["everyone"]}]},
         'organizations[0].groups[0]: "everyone" is a reserved group name'),
        ({"organizations": [{"name": "a", "groups": ["00000000-0000-0000-0000-000000000009"]}]},
         "organizations[0].groups[0]: must be no UUID and have no slash"),
        ({"organizations": [{"name": "a/b"}]}, "organizations[0].name: must be no UUID and have "
        "no slash"),
        ({"organizations": [{"name": ""}]}, "organizations[0].name: must not be empty"),
        ({"organizations": [{"name": "a\u0000"}]}, "organizations[0].name: must have no control "
        "characters"),
        ({"organizations": [{"name": "a", "is_default": True}, {"name": "b", "is_default": True}]},
         "organizations[1].is_default: only one"),
        ({"organizations": [{"name": "a", "groups": ["g", "g"]}]}, 'organizations[0].groups[1]: '
        '"g" is listed'),
        ({"tokens": [{"username": "nobody", "name": "t"}]}, 'tokens[0].username: no user "nobody"'),
        ({"tokens": [{"username": "maya", "name": "t", "revoked": True}]}, 'tokens[0].name: "maya" '
        'has no token "t" to revoke'),
        ({"tokens": [{"username": "maya", "name": "t", "expires_at": "tomorrow"}]},
         "tokens[0].expires_at: "),
        ({"tokens": [{"username": "maya", "name": "t", "expires_at": "2099-01-01T00:00:00"}]},
         "tokens[0].expires_at: "),
        ({"tokens": [{"username": "maya", "name": "t", "expires_at": 7}]}, "tokens[0].expires_at: "
        "must be an RFC 3339 time"),
        ({"tokens": [{"username": "maya", "name": "t", "scope": {"sites": []}}]},
         "tokens[0].scope.sites: unknown field"),
        (
            {"tokens": [{"username": "maya", "name": "t",
               "scope": {"site": [{"resource_type": "x", "action": "read"}]}}]},
            "tokens[0].scope.site[0].resource_type",
        ),
        ({"tokens": [{"username": "maya", "name": "t", "scope": {"by_org_id": {"x": {}}}}]},
         'tokens[0].scope.by_org_id.x: no organization "x"'),
        (
            {"tokens": [{"username": "maya", "name": "t",
               "scope": {"allow_list": [{"type": "group", "id": "acme/x"}]}}]},
            'tokens[0].scope.allow_list[0].id: no group "acme/x"',
        ),
    ],
)  # fmt: skip
def test_a_bad_document_changes_nothing_and_names_each_problem_by_its_path(
    database: Database, document: dict[str, Any], problem: str
) -> None:
    dump = (
        "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM organizations), (SELECT "
        "max(id) FROM audit_log)"
    )
    before = database.rows(dump)
    good = {"organizations": [{"name": "good"}], "users": [{"username": "good"}]}
    document = copy.deepcopy(document)
    for key, entries in good.items():
        if isinstance(document.setdefault(key, []), list):
            document[key] += entries
    assert any(line.startswith(problem) for line in problems(document))
    assert database.rows(dump) == before


def test_all_problems_are_reported_at_once(database: Database) -> None:
    document = {
        "users": [
            {"username": "a", "organizations": [{"name": "x"}]},
            {"username": "b", "email": "maya@acme.example"},
        ],
        "tokens": [{"username": "c", "name": "t"}],
    }
    assert [line.partition(":")[0] for line in problems(document)] == [
        "users[0].organizations[0].name",
        "users[1].email",
        "tokens[0].username",
    ]


def test_an_error_has_a_thousand_problems_at_most(database: Database) -> None:
    nowhere = [{"name": "nowhere"}]
    users = [{"username": f"u{n}", "organizations": nowhere} for n in range(1001)]
    for document in ({"users": users}, {"users": [{"username": "-"}] * 1001}):
        found = problems(document)
        assert len(found) == 1001
        assert found[-1] == "(document): has more problems"


def test_a_name_cannot_forge_a_problem(database: Database) -> None:
    (line,) = problems({"users": [{"username": "a\nusers[9].roles: fake"}]})
    assert line.startswith("users[0].username: ")


def test_nobody_can_bear_the_name_of_a_system_actor(database: Database) -> None:
    (problem,) = problems({"users": [{"username": "directory-importer"}]})
    assert (
        problem
        == 'users[0].username: "directory-importer" is the name of a system actor in the audit log'
    )


def test_an_organization_is_not_deleted_and_kept_by_one_document(database: Database) -> None:
    allowed = {"site": [], "user": [], "by_org_id": {"acme": {"org": [], "member": []}}}
    assert problems(
        {
            "organizations": [{"name": "acme", "deleted": True, "groups": []}],
            "users": [{"username": "maya", "organizations": [{"name": "acme"}]}],
            "tokens": [{"username": "maya", "name": "next", "scope": allowed}],
        }
    ) == [
        "organizations[0]: is deleted, and so takes no other key but its name",
        'users[0].organizations[0].name: "acme" is deleted by organizations[0]',
        'tokens[0].scope: "acme" is deleted by organizations[0]',
    ]
    assert database.rows("SELECT count(*) FROM organizations WHERE deleted_at IS NULL") == [(2,)]
