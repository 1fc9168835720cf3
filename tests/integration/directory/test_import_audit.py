"""ImportDirectory and the audit log: what an import changed and deleted, and no more."""

import itertools
import threading

from allowance.directory.reading import read_directory
from tests.directory_documents import apply
from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.sessions import beside, directory_store

CHANGES = "SELECT count(*)::int FROM audit_log WHERE resource_type = 'group_ai_budget'"


def test_a_group_left_out_is_deleted_with_its_budget_and_both_are_logged(
    adam: Client, acme: Acme, database: Database
) -> None:
    adam.put(acme.budget_path("acme/research"), {"spend_limit_micros": 5})
    omitting = {"organizations": [{"name": "acme", "groups": ["platform"]}]}
    answer = apply(omitting | {"confirm_deletions": True})
    assert answer["groups"].keys() == {"acme/Everyone", "acme/platform"}
    assert adam.get(acme.budget_path("acme/research")).status == 404
    entries = database.rows(
        "SELECT resource_type, action, before FROM audit_log WHERE group_id = %s AND action = "
        "'delete' ORDER BY resource_type",
        acme.groups["acme/research"],
    )
    assert entries == [
        ("group", "delete", {"name": "research"}),
        ("group_ai_budget", "delete", {"spend_limit_micros": 5}),
    ]
    assert apply({"organizations": [{"name": "acme", "groups": []}]})["groups"].keys() == {
        "acme/Everyone"
    }


def test_the_log_has_what_an_import_changed(database: Database, acme: Acme) -> None:
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


def test_the_log_does_not_blame_an_import_for_concurrent_changes(
    adam: Client, acme: Acme, database: Database
) -> None:
    """The audit log of a group stays a chain while its organization is imported again and again."""

    def put(stop: threading.Event) -> None:
        limit = 0
        while not stop.is_set():
            adam.put(acme.budget_path(), {"spend_limit_micros": (limit := limit + 1)})

    document = {"organizations": [{"name": "acme", "groups": ["platform", "research"]}]}
    # A connection of its own: the handlers of one process share one, and Lambda runs one call at a
    # time in it.
    with directory_store(database) as store, beside(put) as (writing,):
        imports = 0
        # On a busy machine the writer begins late.
        while imports < 20 or (not writing.done() and database.rows(CHANGES) <= [(20,)]):
            store.import_directory(read_directory(document))
            imports += 1
    entries = database.rows(
        "SELECT before, after, actor_name FROM audit_log WHERE resource_type = 'group_ai_budget' "
        "ORDER BY id"
    )
    assert len(entries) > 20
    assert {actor for _, _, actor in entries} == {"adam"}
    assert all(earlier[1] == later[0] for earlier, later in itertools.pairwise(entries))


def test_the_entries_of_a_group_have_one_shape_and_those_of_members_follow(
    database: Database, acme: Acme
) -> None:
    """A reader of the log sees who was in a group, also when the group is deleted."""
    maya = {"username": "maya", "organizations": [{"name": "acme", "groups": ["next"]}]}
    apply({"organizations": [{"name": "acme", "groups": ["next"]}], "users": [maya]})
    apply({"organizations": [{"name": "acme", "groups": []}]})
    assert database.rows(
        "SELECT action, before, after FROM audit_log WHERE resource_type = 'group'"
        " AND coalesce(before, after) ->> 'name' = 'next' ORDER BY id"
    ) == [("create", None, {"name": "next"}), ("delete", {"name": "next"}, None)]
    states = database.rows(
        "SELECT before -> 'groups', after -> 'groups' FROM audit_log"
        " WHERE resource_type = 'organization_member' AND user_id = %s ORDER BY id",
        acme.users["maya"],
    )
    assert states == [
        (None, ["platform"]), (["platform"], []), ([], ["next"]), (["next"], []),
    ]  # fmt: skip


def test_deleting_an_organization_deletes_its_groups_and_frees_its_name(
    database: Database, acme: Acme
) -> None:
    adam, path = acme.client("adam"), acme.budget_path()
    assert adam.put(path, {"spend_limit_micros": 1}).status == 200
    gone = {"organizations": [{"name": "acme", "deleted": True}], "confirm_deletions": True}
    answer = apply(gone)
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
