"""ImportDirectory: what is said is what is there; the rest stays; all or nothing; each problem by
its path.
"""

import copy
import itertools
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import import_directory
from allowance.access.caller import Caller
from allowance.access.gate import Gate
from allowance.access.session import Ping
from allowance.access.store import Origin
from allowance.access.tokens import credential_of
from allowance.database.database import Database as Connection
from allowance.database.queries import call
from allowance.database.settings import DatabaseSource
from allowance.directory.document import read_directory
from allowance.directory.importer import DirectoryStore
from allowance.errors import ImportRunning, ValidationFailed
from allowance.rbac.system import DIRECTORY_IMPORTER
from tests.gateway import Client, Context
from tests.people import DIRECTORY, Acme
from tests.postgres import Database


def apply(document: dict[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(import_directory.handler(document, Context())))


def problems(document: dict[str, Any]) -> list[str]:
    with pytest.raises(ValidationFailed) as caught:
        import_directory.handler(document, Context())
    return str(caught.value).splitlines()


def test_the_answer_names_ids_and_each_new_token_once(empty_database: Database) -> None:
    first = apply(DIRECTORY)
    assert first["organizations"].keys() == {"acme", "globex"}
    assert first["groups"].keys() == {
        "acme/Everyone", "acme/platform", "acme/research", "globex/Everyone", "globex/sales",
    }  # fmt: skip
    assert first["groups"]["acme/Everyone"] == first["organizations"]["acme"]
    assert first["users"].keys() == {"olivia", "adam", "maya", "otto", "ana", "gus", "nora"}
    assert first["tokens"].keys() == {f"{name}/test" for name in first["users"]}
    for name, token in first["tokens"].items():
        assert Client(token).get("/api/v2/users/me").json()["username"] == name.partition("/")[0]
    again = apply(DIRECTORY)
    assert again == first | {"tokens": {}}


def test_only_a_hash_of_the_secret_is_stored(empty_database: Database) -> None:
    secrets = [token.rpartition("_")[2] for token in apply(DIRECTORY)["tokens"].values()]
    everything = str(
        empty_database.rows(
            "SELECT t::text FROM api_tokens t UNION ALL SELECT a::text FROM audit_log a"
        )
    )
    assert not [secret for secret in secrets if secret in everything]


def test_importing_again_changes_nothing_and_writes_no_entry(database: Database) -> None:
    before = database.rows("SELECT max(id) FROM audit_log")
    versions = "SELECT xmin::text, username FROM users ORDER BY username"
    rows = database.rows(versions)
    apply(DIRECTORY)
    assert database.rows("SELECT max(id) FROM audit_log") == before
    assert database.rows(versions) == rows


def test_an_absent_key_leaves_that_part_as_it_is(database: Database, acme: Acme) -> None:
    apply({"users": [{"username": "maya"}], "organizations": [{"name": "acme"}]})
    me = acme.client("maya").get("/api/v2/users/me").json()
    assert (me["email"], [each["name"] for each in me["organizations"]]) == (
        "maya@acme.example",
        ["acme"],
    )
    assert acme.client("maya").get(f"/api/v2/groups/{acme.groups['acme/platform']}").status == 200
    assert database.rows("SELECT name FROM organizations WHERE is_default") == [("acme",)]


def test_a_present_key_is_brought_to_exactly_that(database: Database, acme: Acme) -> None:
    apply(
        {
            "users": [
                {
                    "username": "maya",
                    "email": None,
                    "roles": ["auditor"],
                    "organizations": [
                        {"name": "globex", "roles": ["organization-auditor"], "groups": ["sales"]},
                        {"name": "acme", "groups": ["research"]},
                    ],
                }
            ]
        }
    )
    me = acme.client("maya").get("/api/v2/users/me").json()
    assert (me["email"], me["roles"]) == (None, ["auditor"])
    assert {each["name"]: each["roles"] for each in me["organizations"]} == {
        "acme": [],
        "globex": ["organization-auditor"],
    }
    groups = (
        "SELECT g.name FROM group_members JOIN groups g ON g.id = group_id WHERE user_id = "
        "%s ORDER BY 1"
    )
    assert database.rows(groups, acme.users["maya"]) == [("research",), ("sales",)]
    apply({"users": [{"username": "maya", "roles": [], "organizations": []}]})
    me = acme.client("maya").get("/api/v2/users/me").json()
    assert (me["roles"], me["organizations"]) == ([], [])
    assert database.rows(groups, acme.users["maya"]) == []


def test_leaving_an_organization_leaves_its_groups(database: Database, acme: Acme) -> None:
    apply({"users": [{"username": "maya", "organizations": [{"name": "globex"}]}]})
    assert database.rows("SELECT 1 FROM group_members WHERE user_id = %s", acme.users["maya"]) == []
    assert acme.client("maya").get(f"/api/v2/groups/{acme.groups['acme/platform']}").status == 404


def test_roles_that_are_not_given_stay_when_groups_change(database: Database, acme: Acme) -> None:
    apply(
        {
            "users": [
                {"username": "adam", "organizations": [{"name": "acme", "groups": ["platform"]}]}
            ]
        }
    )
    me = acme.client("adam").get("/api/v2/users/me").json()
    assert me["organizations"][0]["roles"] == ["organization-admin"]


def test_a_group_that_the_list_leaves_out_goes_with_its_budget_and_the_log_tells(
    adam: Client, acme: Acme, database: Database
) -> None:
    adam.put(acme.budget_path("acme/research"), {"spend_limit_micros": 5})
    answer = apply({"organizations": [{"name": "acme", "groups": ["platform"]}]})
    assert answer["groups"].keys() == {"acme/Everyone", "acme/platform"}
    assert adam.get(acme.budget_path("acme/research")).status == 404
    entries = database.rows(
        "SELECT resource_type, action, before FROM audit_log WHERE group_id = %s AND action = "
        "'delete' ORDER BY resource_type",
        acme.groups["acme/research"],
    )
    assert entries == [
        ("group", "delete", {"name": "research", "members": []}),
        ("group_ai_budget", "delete", {"spend_limit_micros": 5}),
    ]
    assert apply({"organizations": [{"name": "acme", "groups": []}]})["groups"].keys() == {
        "acme/Everyone"
    }


def test_naming_another_default_moves_the_flag(database: Database) -> None:
    default = "SELECT name FROM organizations WHERE is_default"
    apply({"organizations": [{"name": "globex", "is_default": True}]})
    assert database.rows(default) == [("globex",)]
    apply(
        {
            "organizations": [
                {"name": "new", "is_default": True},
                {"name": "globex", "is_default": False},
            ]
        }
    )
    assert database.rows(default) == [("new",)]
    apply({"organizations": [{"name": "acme", "is_default": False}]})
    assert database.rows(default) == [("new",)]
    apply({"organizations": [{"name": "new", "is_default": False}]})
    assert database.rows(default) == []


def test_the_organization_that_is_listed_first_is_joined_first(empty_database: Database) -> None:
    organizations = [{"name": name} for name in ("b", "c", "a")]
    token = apply(
        {
            "organizations": organizations,
            "users": [{"username": "u", "organizations": organizations}],
            "tokens": [{"username": "u", "name": "t"}],
        }
    )["tokens"]["u/t"]
    me = Client(token).get("/api/v2/users/me").json()
    assert [each["name"] for each in me["organizations"]] == ["b", "c", "a"]


@pytest.mark.parametrize("status", ["suspended", "deleted"])
def test_a_status_counts_at_once_and_can_be_taken_back(
    database: Database, acme: Acme, status: str
) -> None:
    apply({"users": [{"username": "maya", "status": status}]})
    assert acme.client("maya").get("/api/v2/users/me").status == 401
    apply({"users": [{"username": "maya", "status": "active"}]})
    assert acme.client("maya").get("/api/v2/users/me").status == 200


def test_a_token_is_revoked_and_stays_revoked(database: Database, acme: Acme) -> None:
    token = {"username": "maya", "name": "test"}
    assert apply({"tokens": [token | {"revoked": True}]})["tokens"] == {}
    assert acme.client("maya").get("/api/v2/users/me").status == 401
    assert apply({"tokens": [token]})["tokens"] == {}
    assert acme.client("maya").get("/api/v2/users/me").status == 401
    other = apply({"tokens": [token | {"name": "second"}]})["tokens"]["maya/second"]
    assert Client(other).get("/api/v2/users/me").status == 200


def test_a_token_expires(database: Database) -> None:
    past = apply(
        {"tokens": [{"username": "maya", "name": "p", "expires_at": "2020-01-01T00:00:00Z"}]}
    )["tokens"]
    assert Client(past["maya/p"]).get("/api/v2/users/me").status == 401
    later = apply(
        {"tokens": [{"username": "maya", "name": "l", "expires_at": "2099-01-01T01:00:00+01:00"}]}
    )["tokens"]
    me = Client(later["maya/l"]).get("/api/v2/users/me").json()
    assert me["token"]["expires_at"] == "2099-01-01T00:00:00.000000Z"


def scoped(scope: dict[str, Any], username: str = "adam") -> Client:
    return Client(
        apply({"tokens": [{"username": username, "name": "scoped", "scope": scope}]})["tokens"][
            f"{username}/scoped"
        ]
    )


READ_GROUPS = {"resource_type": "group", "action": "read"}


def test_a_scope_limits_a_token(acme: Acme, adam: Client) -> None:
    client = scoped({"site": [READ_GROUPS]})
    adam.put(acme.budget_path(), {"spend_limit_micros": 1})
    assert client.get(acme.budget_path()).status == 200
    assert client.put(acme.budget_path(), {"spend_limit_micros": 2}).status == 404
    assert client.get("/api/v2/users/me").status == 404
    assert client.get("/api/v2/audit").json() == {"entries": [], "next": None}


def test_an_allow_list_may_name_a_group_by_its_organization_and_name(
    acme: Acme, database: Database
) -> None:
    everything = {"resource_type": "*", "action": "*", "negate": False}
    client = scoped(
        {"site": [everything], "allow_list": [{"type": "group", "id": "acme/research"}]}, "olivia"
    )
    assert client.put(acme.budget_path("acme/research"), {"spend_limit_micros": 1}).status == 200
    assert client.put(acme.budget_path("acme/platform"), {"spend_limit_micros": 1}).status == 404
    ((stored,),) = database.rows("SELECT scope FROM api_tokens WHERE name = 'scoped'")
    assert stored["allow_list"] == [{"type": "group", "id": str(acme.groups["acme/research"])}]


def test_a_scope_may_name_an_organization_and_a_group_of_the_same_document(
    empty_database: Database,
) -> None:
    answer = apply(
        {
            "organizations": [{"name": "new", "groups": ["g"]}],
            "users": [
                {
                    "username": "u",
                    "organizations": [{"name": "new", "roles": ["organization-admin"]}],
                }
            ],
            "tokens": [
                {
                    "username": "u",
                    "name": "t",
                    "scope": {
                        "by_org_id": {"new": {"org": [{"resource_type": "group", "action": "*"}]}},
                        "allow_list": [
                            {"type": "group", "id": "new/g"},
                            {"type": "user", "id": "u"},
                        ],
                    },
                }
            ],
        }
    )
    client = Client(answer["tokens"]["u/t"])
    path = f"/api/v2/groups/{answer['groups']['new/g']}/ai/budget"
    assert client.put(path, {"spend_limit_micros": 1}).status == 200
    assert client.get(f"/api/v2/groups/{answer['groups']['new/Everyone']}").status == 404


def test_an_address_can_change_hands_within_one_document(database: Database) -> None:
    apply(
        {
            "users": [
                {"username": "maya", "email": "otto@acme.example"},
                {"username": "otto", "email": "MAYA@acme.example"},
            ]
        }
    )
    assert database.rows(
        "SELECT email FROM users WHERE username IN ('maya', 'otto') ORDER BY username"
    ) == [
        ("otto@acme.example",),
        ("MAYA@acme.example",),
    ]


def test_a_deleted_user_gives_the_address_free_and_cannot_come_back_to_it(
    database: Database,
) -> None:
    apply(
        {
            "users": [
                {"username": "maya", "status": "deleted"},
                {"username": "new", "email": "maya@acme.example"},
            ]
        }
    )
    assert problems({"users": [{"username": "maya", "status": "active"}]}) == [
        'users[0].email: "maya@acme.example" is the address of "new"'
    ]


def test_the_log_tells_what_an_import_changed(database: Database, acme: Acme) -> None:
    (before,) = database.rows("SELECT max(id) FROM audit_log")[0]
    apply(
        {
            "users": [
                {
                    "username": "maya",
                    "roles": ["auditor"],
                    "organizations": [{"name": "acme", "groups": []}],
                }
            ],
            "tokens": [{"username": "otto", "name": "test", "revoked": True}],
        }
    )
    entries = database.rows(
        "SELECT resource_type, action, user_id, before, after, actor_name FROM audit_log WHERE id "
        "> %s ORDER BY resource_type",
        before,
    )
    assert [(e[0], e[1], e[2], e[5]) for e in entries] == [
        ("api_token", "update", acme.users["otto"], "directory-importer"),
        ("organization_member", "update", acme.users["maya"], "directory-importer"),
        ("user", "update", acme.users["maya"], "directory-importer"),
    ]
    assert (entries[1][3]["groups"], entries[1][4]["groups"]) == (["platform"], [])
    assert (entries[2][3]["roles"], entries[2][4]["roles"]) == ([], ["auditor"])


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
        '"admin"'),
        ({"users": [{"username": "a", "roles": None}]}, "users[0].roles: must be a list"),
        ({"users": [{"username": "a", "status": "gone"}]}, "users[0].status: "),
        ({"users": [{"username": "a", "email": "x"}]}, "users[0].email: is no e-mail address"),
        ({"users": [{"username": "a", "email": "Maya@acme.example"}]}, 'users[0].email: '
        '"Maya@acme.example" is the address of "maya"'),
        ({"users": [{"username": "a"}, {"username": "a"}]}, 'users[1].username: "a" is listed at '
        'users[0] already'),
        (
            {"users": [{"username": "a", "organizations": [{"name": "acme", "roles": ["organization-admin", "admin"]}]}]},
            'users[0].organizations[0].roles[1]: unknown role "admin"',
        ),
        (
            {"users": [{"username": "a", "organizations": [{"name": "acme", "roles": ["owner"]}]}]},
            'users[0].organizations[0].roles[0]: unknown role "owner"',
        ),
        ({"users": [{"username": "a", "organizations": [{"name": "x"}]}]}, 'users[0].organizations[0].name: no organization "x"'),
        (
            {"users": [{"username": "a", "organizations": [{"name": "acme", "groups": ["sales"]}]}]},
            'users[0].organizations[0].groups[0]: no group "sales" in organization "acme"',
        ),
        (
            {"users": [{"username": "a", "organizations": [{"name": "acme", "groups": ["Everyone"]}]}]},
            "users[0].organizations[0].groups[0]: \"Everyone\" is a reserved group name",
        ),
        ({"organizations": [{"name": "acme", "groups": ["everyone"]}]}, 'organizations[0].groups[0]: "everyone" is a reserved group name'),
        ({"organizations": [{"name": "a/b"}]}, "organizations[0].name: must be no UUID and have "
        "no slash"),
        ({"organizations": [{"name": ""}]}, "organizations[0].name: must not be empty"),
        ({"organizations": [{"name": "a\u0000"}]}, "organizations[0].name: must have no control "
        "characters"),
        ({"organizations": [{"name": "a", "is_default": True}, {"name": "b", "is_default": True}]}, "organizations[1].is_default: only one"),
        ({"organizations": [{"name": "a", "groups": ["g", "g"]}]}, 'organizations[0].groups[1]: '
        '"g" is listed'),
        ({"tokens": [{"username": "nobody", "name": "t"}]}, 'tokens[0].username: no user "nobody"'),
        ({"tokens": [{"username": "maya", "name": "t", "revoked": True}]}, 'tokens[0].name: "maya" '
        'has no token "t" to revoke'),
        ({"tokens": [{"username": "maya", "name": "t", "expires_at": "tomorrow"}]}, "tokens[0].expires_at: "),
        ({"tokens": [{"username": "maya", "name": "t", "expires_at": "2099-01-01T00:00:00"}]}, "tokens[0].expires_at: "),
        ({"tokens": [{"username": "maya", "name": "t", "expires_at": 7}]}, "tokens[0].expires_at: "
        "must be an RFC 3339 time"),
        ({"tokens": [{"username": "maya", "name": "t", "scope": {"sites": []}}]}, "tokens[0].scope.sites: "
        "unknown field"),
        (
            {"tokens": [{"username": "maya", "name": "t", "scope": {"site": [{"resource_type": "x", "action": "read"}]}}]},
            "tokens[0].scope.site[0].resource_type",
        ),
        ({"tokens": [{"username": "maya", "name": "t", "scope": {"by_org_id": {"x": {}}}}]}, 'tokens[0].scope.by_org_id.x: no organization "x"'),
        (
            {"tokens": [{"username": "maya", "name": "t", "scope": {"allow_list": [{"type": "group", "id": "acme/x"}]}}]},
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


def test_all_problems_are_told_at_once(database: Database) -> None:
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


def test_last_use_is_written_at_most_once_a_minute(database: Database, acme: Acme) -> None:
    used = "SELECT last_used_at FROM api_tokens WHERE user_id = %s"
    assert database.rows(used, acme.users["maya"]) == [(None,)]
    wrong = Client(acme.tokens["maya/test"][:-1] + "0")
    assert wrong.get("/api/v2/users/me").status == 401
    assert database.rows(used, acme.users["maya"]) == [(None,)], "a wrong secret is no use"
    acme.client("maya").get("/api/v2/users/me")
    first = database.rows(used, acme.users["maya"])
    assert first != [(None,)]
    acme.client("maya").get("/api/v2/users/me")
    assert database.rows(used, acme.users["maya"]) == first
    database.run("UPDATE api_tokens SET last_used_at = now() - interval '61 seconds'")
    acme.client("maya").get("/api/v2/users/me")
    assert database.rows(used, acme.users["maya"]) > first


def test_an_import_does_not_take_the_blame_for_what_others_change_meanwhile(
    adam: Client, acme: Acme, database: Database
) -> None:
    """The audit log of a group stays a chain while its organization is imported again and again."""
    stop = threading.Event()

    def put() -> None:
        limit = 0
        while not stop.is_set():
            adam.put(acme.budget_path(), {"spend_limit_micros": (limit := limit + 1)})

    document = {"organizations": [{"name": "acme", "groups": ["platform", "research"]}]}
    with ThreadPoolExecutor(1) as threads:
        writing = threads.submit(put)
        # A connection of its own: the handlers of one process share one, and Lambda runs one call
        # at a time in it.
        connection = Connection(DatabaseSource(database.app_url, None), "import")
        store = DirectoryStore(
            Gate(DIRECTORY_IMPORTER.subject, connection), Origin(None, "directory-importer", "r")
        )
        for _ in range(20):
            store.import_directory(read_directory(document))
        stop.set()
        writing.result()
        connection.close()
    entries = database.rows(
        "SELECT before, after, actor_name FROM audit_log WHERE resource_type = 'group_ai_budget' "
        "ORDER BY id"
    )
    assert len(entries) > 20
    assert {actor for _, _, actor in entries} == {"adam"}
    assert all(earlier[1] == later[0] for earlier, later in itertools.pairwise(entries))


def test_a_document_of_thousands_is_taken_in_seconds(empty_database: Database) -> None:
    def document(count: int) -> dict[str, Any]:
        names = [f"u{n}" for n in range(count)]
        organizations = [{"name": "big", "groups": ["g"]}]
        users = [
            {"username": name, "organizations": [{"name": "big", "groups": ["g"]}]}
            for name in names
        ]
        return {"organizations": organizations, "users": users}

    started = time.monotonic()
    apply(document(1000))
    assert len(apply(document(4000))["users"]) == 4000
    assert time.monotonic() - started < 10, "it was quadratic once: 26 s"


def test_two_imports_at_once_are_told_so(database: Database) -> None:
    with database.connect() as other, other.transaction():
        other.execute("SELECT pg_advisory_xact_lock(hashtext('allowance.directory'))")
        with pytest.raises(ImportRunning):
            import_directory.handler(DIRECTORY, Context())
    assert import_directory.handler(DIRECTORY, Context())["tokens"] == {}


def test_coming_back_to_an_organization_does_not_revive_a_membership_of_its_groups(
    acme: Acme,
) -> None:
    path = f"/api/v2/groups/{acme.groups['globex/sales']}"
    for organizations, status in (
        ([{"name": "globex", "groups": ["sales"]}], 200),
        ([{"name": "globex"}], 200),
        ([], 404),
        ([{"name": "globex"}], 404),
    ):
        apply({"users": [{"username": "nora", "organizations": organizations}]})
        assert acme.client("nora").get(path).status == status


@pytest.mark.parametrize(
    "never",
    [
        "9999-12-31T23:59:59-05:00",
        "20271122",
        "4102444800",
        "2027-11-22 06:00Z",
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_a_time_that_is_not_one_is_refused_before_a_token_depends_on_it(
    database: Database, never: str
) -> None:
    (problem,) = problems({"tokens": [{"username": "maya", "name": "t", "expires_at": never}]})
    assert problem.startswith("tokens[0].expires_at: must be")


def test_the_last_second_of_time_is_an_expiry(database: Database) -> None:
    token = apply(
        {"tokens": [{"username": "maya", "name": "t", "expires_at": "9999-12-31T23:59:59Z"}]}
    )["tokens"]["maya/t"]
    assert (
        Client(token).get("/api/v2/users/me").json()["token"]["expires_at"]
        == "9999-12-31T23:59:59.000000Z"
    )


def test_a_scope_that_names_one_organization_twice_is_refused(
    database: Database, acme: Acme
) -> None:
    against = {"org": [READ_GROUPS | {"negate": True}]}
    both = {str(acme.organizations["acme"]): against, "acme": {"org": [READ_GROUPS]}}
    assert problems(
        {"tokens": [{"username": "maya", "name": "t", "scope": {"by_org_id": both}}]}
    ) == [
        "tokens[0].scope.by_org_id.acme: is the same organization as "
        f'"{acme.organizations["acme"]}"'
    ]
    nowhere = {"00000000-0000-0000-0000-000000000001": against}
    assert (
        "no organization"
        in problems(
            {"tokens": [{"username": "maya", "name": "t", "scope": {"by_org_id": nowhere}}]}
        )[0]
    )
    upper = {str(acme.organizations["acme"]).upper(): against}
    assert apply({"tokens": [{"username": "maya", "name": "t", "scope": {"by_org_id": upper}}]})[
        "tokens"
    ]


@pytest.mark.parametrize("name", ["a\x00", "\ud800", "acme/\x00"])
def test_a_scope_with_a_name_that_cannot_be_is_refused_by_its_path(
    database: Database, name: str
) -> None:
    scope = {"by_org_id": {name: {}}, "allow_list": [{"type": "user", "id": name}]}
    found = problems({"tokens": [{"username": "maya", "name": "t", "scope": scope}]})
    assert all(line.startswith("tokens[0].scope.") for line in found)
    assert len(found) == 2


def test_a_name_cannot_forge_a_problem(database: Database) -> None:
    (line,) = problems({"users": [{"username": "a\nusers[9].roles: fake"}]})
    assert line.startswith("users[0].username: ")


def test_the_log_tells_who_was_in_a_group_that_is_dropped(database: Database, acme: Acme) -> None:
    apply({"organizations": [{"name": "acme", "groups": ["research"]}]})
    before = "SELECT before FROM audit_log WHERE resource_type = 'group' AND action = 'delete'"
    assert database.rows(before) == [({"name": "platform", "members": ["maya"]},)]


def test_last_use_is_written_once_however_many_come_at_once(database: Database, acme: Acme) -> None:
    credential = credential_of({"coder-session-token": acme.tokens["maya/test"]})
    database.run("CREATE TABLE touches (at timestamptz DEFAULT clock_timestamp())")
    database.run("GRANT INSERT ON touches TO allowance_app")
    database.run(
        "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO touches "
        "DEFAULT VALUES; RETURN new; END $$"
    )
    database.run(
        "CREATE TRIGGER touch AFTER UPDATE ON api_tokens FOR EACH ROW EXECUTE FUNCTION touch()"
    )
    start = threading.Barrier(6)

    def authenticate(_: int) -> None:
        connection = Connection(DatabaseSource(database.app_url, None), "test")
        connection.rows_of(call(Ping, "ping"))
        start.wait()
        authenticating = call(
            Caller,
            "authenticate",
            token_id=credential.token_id,
            secret_sha256=credential.secret_sha256,
            blind=b"",
            group_id=None,
            organization_id=None,
            organization_name=None,
            named_user_id=None,
            named_username=None,
        )
        connection.rows_of(authenticating)
        connection.close()

    for _ in range(5):
        database.run("UPDATE api_tokens SET last_used_at = NULL")
        database.run("TRUNCATE touches")
        with ThreadPoolExecutor(6) as threads:
            list(threads.map(authenticate, range(6)))
        assert database.rows("SELECT count(*) FROM touches") == [(1,)]


def test_a_wrong_word_in_a_scope_is_one_problem_at_its_own_path(database: Database) -> None:
    scope = {
        "site": [{"resource_type": "nope", "action": "reed"}],
        "allow_list": [{"type": "*", "id": "x"}],
    }
    assert [
        line.partition(":")[0]
        for line in problems({"tokens": [{"username": "maya", "name": "t", "scope": scope}]})
    ] == [
        "tokens[0].scope.site[0].resource_type",
        "tokens[0].scope.site[0].action",
    ]


def test_nobody_can_bear_the_name_of_a_system_actor(database: Database) -> None:
    (problem,) = problems({"users": [{"username": "directory-importer"}]})
    assert (
        problem
        == 'users[0].username: "directory-importer" is the name of a system actor in the audit log'
    )


def test_a_deleted_organization_takes_its_groups_with_it_and_gives_its_name_free(
    database: Database, acme: Acme
) -> None:
    adam, path = acme.client("adam"), acme.budget_path()
    assert adam.put(path, {"spend_limit_micros": 1}).status == 200
    answer = apply({"organizations": [{"name": "acme", "deleted": True}]})
    assert answer == {"organizations": {}, "groups": {}, "users": {}, "tokens": {}}
    assert adam.get(path).status == 404
    assert adam.get("/api/v2/organizations/acme/groups").status == 404
    assert [each["name"] for each in adam.get("/api/v2/users/me").json()["organizations"]] == []
    log = database.rows(
        "SELECT action, before FROM audit_log WHERE resource_type = 'organization' ORDER BY id "
        "DESC LIMIT 1"
    )
    assert log == [("delete", {"name": "acme", "is_default": True})]
    entries = database.rows("SELECT count(*) FROM audit_log")
    assert apply({"organizations": [{"name": "acme", "deleted": True}]})["organizations"] == {}
    assert database.rows("SELECT count(*) FROM audit_log") == entries, "once is enough"
    again = apply({"organizations": [{"name": "acme", "groups": ["platform"]}]})
    assert again["organizations"]["acme"] != str(acme.organizations["acme"]), (
        "another organization of that name"
    )
    assert adam.get(path).status == 404


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
