"""An override needs a membership, and goes when the membership goes."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise
from uuid import UUID

import psycopg
import pytest

from tests.gateway import Client
from tests.overrides import MAYA, NOT_A_MEMBER, NOT_FOUND, entries, import_, limit
from tests.people import Acme
from tests.postgres import Database


def test_everyone_in_an_organization_is_in_its_everyone_group(olivia: Client, acme: Acme) -> None:
    assert olivia.put(MAYA, limit(acme, group="acme/Everyone")).status == 200
    assert olivia.get(MAYA).json()["group_id"] == str(acme.organizations["acme"])


@pytest.mark.parametrize("group", ["acme/research", "globex/sales", "globex/Everyone"])
def test_the_user_must_be_a_member_of_the_group(
    olivia: Client, acme: Acme, database: Database, group: str
) -> None:
    olivia.put(MAYA, limit(acme, 1))
    refused = olivia.put(MAYA, limit(acme, 2, group))
    assert (refused.status, refused.json()) == (400, NOT_A_MEMBER)
    assert olivia.get(MAYA).json()["spend_limit_micros"] == 1
    assert len(entries(database)) == 1


def test_the_schema_itself_refuses_an_override_without_membership(
    acme: Acme, database: Database
) -> None:
    insert = (
        "INSERT INTO user_ai_budget_overrides (user_id, group_id, organization_id, "
        "spend_limit_micros) VALUES (%s, %s, %s, 1)"
    )
    maya, platform, acme_id = (
        acme.users["maya"],
        acme.groups["acme/platform"],
        acme.organizations["acme"],
    )
    for group, organization in (
        (acme.groups["acme/research"], acme_id),
        (platform, acme.organizations["globex"]),
        (UUID(int=3), acme_id),
        (acme.organizations["globex"], acme.organizations["globex"]),
    ):
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            database.run(insert, maya, group, organization)
    database.run(insert, maya, platform, acme_id)


@pytest.mark.parametrize(
    "document",
    [
        {"users": [{"username": "maya", "organizations": [{"name": "acme", "groups": []}]}]},
        {"users": [{"username": "maya", "organizations": []}]},
        {"organizations": [{"name": "acme", "groups": ["research"]}]},
    ],
    ids=["leaves the group", "leaves the organization", "the group is deleted"],
)
def test_leaving_the_group_removes_the_override_and_is_audited(
    olivia: Client, acme: Acme, database: Database, document: dict[str, object]
) -> None:
    olivia.put(MAYA, limit(acme))
    import_(document)
    assert database.rows("SELECT 1 FROM user_ai_budget_overrides") == []
    (_, removed) = entries(database)
    assert removed[:5] == (
        "directory-importer",
        "delete",
        limit(acme),
        None,
        acme.groups["acme/platform"],
    )
    ((request_id,),) = database.rows(
        "SELECT DISTINCT request_id FROM audit_log WHERE action = 'delete'"
    )
    assert removed[5] == request_id, "the import's own"


def test_leaving_the_organization_removes_an_override_of_everyone(
    olivia: Client, acme: Acme, database: Database
) -> None:
    olivia.put(MAYA, limit(acme, group="acme/Everyone"))
    import_({"users": [{"username": "maya", "organizations": [{"name": "acme", "groups": []}]}]})
    assert olivia.get(MAYA).status == 200
    import_({"users": [{"username": "maya", "organizations": []}]})
    assert [entry[1] for entry in entries(database)] == ["create", "delete"]


def test_leaving_another_group_leaves_the_override(
    olivia: Client, acme: Acme, database: Database
) -> None:
    olivia.put(MAYA, limit(acme, group="acme/Everyone"))
    database.run("DELETE FROM group_members WHERE user_id = %s", acme.users["maya"])
    assert olivia.get(MAYA).status == 200


def test_a_membership_removed_by_hand_is_audited_under_the_login(
    olivia: Client, acme: Acme, database: Database
) -> None:
    olivia.put(MAYA, limit(acme))
    database.run("DELETE FROM group_members WHERE user_id = %s", acme.users["maya"])
    ((login,),) = database.rows("SELECT session_user::text")
    assert entries(database)[-1][:2] == (login, "delete")


def test_an_override_in_a_deleted_organization_has_no_effect(
    olivia: Client, acme: Acme, database: Database
) -> None:
    olivia.put(MAYA, limit(acme))
    database.run(
        "UPDATE organizations SET deleted_at = now(), is_default = false WHERE name = 'acme'"
    )
    assert olivia.get(MAYA).status == 404
    assert olivia.delete(MAYA).status == 404
    assert olivia.put(MAYA, limit(acme)).status == 404


def test_a_deleted_user_has_no_budget(olivia: Client, acme: Acme) -> None:
    olivia.put(MAYA, limit(acme))
    import_({"users": [{"username": "maya", "status": "suspended"}]})
    assert olivia.get(MAYA).status == 200
    import_({"users": [{"username": "maya", "status": "deleted"}]})
    assert olivia.get(MAYA).json() == NOT_FOUND


@pytest.mark.parametrize(
    "delete",
    [
        "DELETE FROM group_members WHERE group_id = %(group)s AND user_id = %(user)s",
        "DELETE FROM organization_members WHERE organization_id = %(organization)s AND user_id = "
        "%(user)s",
    ],
    ids=["of the group", "of the organization"],
)
def test_concurrent_writes_and_imports_keep_the_audit_chain_intact(
    olivia: Client, acme: Acme, database: Database, delete: str
) -> None:
    """Overrides are written while memberships change: every entry begins where the last ended."""
    stop = threading.Event()
    join = (
        "INSERT INTO organization_members VALUES (%(organization)s, %(user)s) ON CONFLICT DO "
        "NOTHING",
        "INSERT INTO group_members VALUES (%(group)s, %(user)s) ON CONFLICT DO NOTHING",
    )
    membership = {
        "organization": acme.organizations["acme"],
        "group": acme.groups["acme/platform"],
        "user": acme.users["maya"],
    }

    def come_and_go() -> None:
        with database.connect() as owner:
            while not stop.is_set():
                with suppress(psycopg.errors.LockNotAvailable):
                    for statement in (delete, *join):
                        owner.execute(statement.encode(), membership)

    with ThreadPoolExecutor(1) as pool:
        moving = pool.submit(come_and_go)
        try:
            statuses = [
                (
                    olivia.put(MAYA, limit(acme, n, ("acme/platform", "acme/Everyone")[n % 3 % 2]))
                    if n % 5
                    else olivia.delete(MAYA)
                ).status
                for n in range(1, 120)
            ]
        finally:
            stop.set()
        moving.result()
    assert set(statuses) <= {200, 204, 400, 404}, "503 would be a deadlock"
    chain = entries(database)
    assert all(later[2] == earlier[3] for earlier, later in pairwise(chain))
    assert 200 in statuses
