"""A write that waits for another transaction acts on what that one left."""

from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from allowance.directory.reading import read_directory
from tests.gateway import Answer, Client
from tests.overrides import MAYA, NOT_FOUND, entries, import_, limit, narrow
from tests.people import Acme
from tests.postgres import Database
from tests.sessions import be_patient, directory_store, wait_for_waiters

LEAVE = "DELETE FROM group_members WHERE group_id = %(group)s AND user_id = %(user)s"
HOLD = "SELECT 1 FROM users WHERE id = %(user)s FOR UPDATE"
MOVE = "UPDATE user_ai_budget_overrides SET group_id = %(group)s, updated_at = now()"


@pytest.fixture(autouse=True)
def patient(database: Database) -> None:
    be_patient(database)


@contextmanager
def behind(
    database: Database, statements: list[str], **values: object
) -> Generator[Callable[[Callable[[], Any]], Future[Any]]]:
    """Start work that waits for a transaction of the owner, which then commits."""
    with ThreadPoolExecutor(1) as pool, database.connect() as other, other.transaction():
        for statement in statements:
            other.execute(statement.encode(), values)

        def start(work: Callable[[], Any]) -> Future[Any]:
            started = pool.submit(work)
            wait_for_waiters(database)
            return started

        yield start


@pytest.mark.parametrize("condition", ["none", "If-Match", "If-None-Match"])
def test_a_put_behind_a_leaving_member_begins_a_new_chain(
    olivia: Client, acme: Acme, database: Database, condition: str
) -> None:
    tag = olivia.put(MAYA, limit(acme, 1)).headers["ETag"]
    headers = {"none": {}, "If-Match": {"If-Match": tag}, "If-None-Match": {"If-None-Match": "*"}}
    with behind(
        database, [LEAVE], user=acme.users["maya"], group=acme.groups["acme/platform"]
    ) as start:
        put = start(
            lambda: olivia.put(MAYA, limit(acme, 2, "acme/Everyone"), headers=headers[condition])
        )
    written = [entry[1:4] for entry in entries(database)]
    old, new = limit(acme, 1), limit(acme, 2, "acme/Everyone")
    assert written[:2] == [("create", None, old), ("delete", old, None)]
    if condition == "If-Match":
        assert (put.result().status, written[2:]) == (412, [])
    else:
        assert (put.result().status, written[2:]) == (200, [("create", None, new)])


def test_a_delete_behind_a_leaving_member_is_a_404(
    olivia: Client, acme: Acme, database: Database
) -> None:
    olivia.put(MAYA, limit(acme, 1))
    with behind(
        database, [LEAVE], user=acme.users["maya"], group=acme.groups["acme/platform"]
    ) as start:
        delete = start(lambda: olivia.delete(MAYA))
    assert delete.result().status == 404
    assert [entry[1] for entry in entries(database)] == ["create", "delete"]


def test_a_delete_behind_a_move_deletes_what_moved(
    olivia: Client, acme: Acme, database: Database
) -> None:
    olivia.put(MAYA, limit(acme, 1))
    with behind(
        database, [HOLD, MOVE], user=acme.users["maya"], group=acme.organizations["acme"]
    ) as start:
        delete = start(lambda: olivia.delete(MAYA))
    assert delete.result().status == 204
    assert database.rows("SELECT 1 FROM user_ai_budget_overrides") == []
    assert entries(database)[-1][1:4] == ("delete", limit(acme, 1, "acme/Everyone"), None)


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize(("group", "status"), [("acme/platform", 404), ("acme/Everyone", 200)])
def test_the_right_is_checked_on_the_group_that_the_lock_found(
    olivia: Client, acme: Acme, database: Database, method: str, group: str, status: int
) -> None:
    """The caller may change Everyone and research. The override moves while the request waits."""
    import_(
        {
            "users": [
                {
                    "username": "maya",
                    "organizations": [{"name": "acme", "groups": ["platform", "research"]}],
                }
            ]
        }
    )
    caller = narrow(acme, "acme/Everyone", "acme/research")
    olivia.put(MAYA, limit(acme, 1, "acme/research"))

    def request() -> Answer:
        if method == "PUT":
            return caller.put(MAYA, limit(acme, 2, "acme/research"))
        return caller.delete(MAYA)

    with behind(database, [HOLD, MOVE], user=acme.users["maya"], group=acme.groups[group]) as start:
        answer = start(request)
    written = [entry[1:4] for entry in entries(database)][1:]
    if status == 404:
        assert (answer.result().status, answer.result().json()) == (404, NOT_FOUND)
        assert written == []
        assert olivia.get(MAYA).json()["group_id"] == str(acme.groups[group])
        return
    ended = ("delete", limit(acme, 1, group), None)
    if method == "PUT":
        assert answer.result().status == 200
        assert written == [ended, ("create", None, limit(acme, 2, "acme/research"))]
    else:
        assert answer.result().status == 204
        assert written == [ended]


def test_an_import_and_a_move_of_one_override_never_wait_in_a_circle(
    olivia: Client, acme: Acme, database: Database
) -> None:
    """The import deletes the group of the override, and later changes the user.

    It waits in between for a name that another transaction holds.
    """
    olivia.put(MAYA, limit(acme, 1))
    document = read_directory(
        {
            "organizations": [{"name": "acme", "groups": ["research"]}],
            "users": [{"username": "zoe"}, {"username": "maya", "email": "new@acme.example"}],
        }
    )
    with (
        ThreadPoolExecutor(1) as pool,
        directory_store(database) as store,
        behind(database, ["INSERT INTO users (username) VALUES ('zoe')"]) as start,
    ):
        imported = start(lambda: store.import_directory(document))
        put = pool.submit(olivia.put, MAYA, limit(acme, 2, "acme/Everyone"))
        wait_for_waiters(database, 2)
    assert imported.result().users.keys() == {"zoe", "maya"}
    assert put.result().status == 200
    assert [entry[1] for entry in entries(database)] == ["create", "delete", "create"]


@pytest.mark.parametrize(
    "document",
    [
        {"organizations": [{"name": "acme", "groups": ["research"]}]},
        {"users": [{"username": "maya", "organizations": [{"name": "acme", "groups": []}]}]},
        {"users": [{"username": "maya", "organizations": []}]},
    ],
    ids=["the group is deleted", "leaves the group", "leaves the organization"],
)
def test_an_import_locks_those_who_leave_before_it_deletes(
    olivia: Client, acme: Acme, database: Database, document: dict[str, Any]
) -> None:
    """While it waits for such a user, it holds no membership and no override."""
    olivia.put(MAYA, limit(acme, 1))
    with directory_store(database) as store:
        with behind(database, [HOLD], user=acme.users["maya"]) as start:
            imported = start(lambda: store.import_directory(read_directory(document)))
            free = database.rows(
                "SELECT (SELECT count(*) FROM (SELECT FROM user_ai_budget_overrides FOR UPDATE "
                "SKIP LOCKED) AS v), (SELECT count(*) FROM (SELECT FROM group_members WHERE "
                "user_id = %s FOR UPDATE SKIP LOCKED) AS m)",
                acme.users["maya"],
            )
        imported.result()
    assert free == [(1, 1)]
    assert [entry[1] for entry in entries(database)] == ["create", "delete"]


def test_a_budget_of_a_group_behind_the_end_of_its_organization_is_a_404(
    adam: Client, acme: Acme, database: Database
) -> None:
    end = "UPDATE organizations SET deleted_at = now(), is_default = false WHERE name = 'acme'"
    hold = "SELECT 1 FROM groups WHERE id = %(group)s FOR UPDATE"
    with behind(database, [hold, end], group=acme.groups["acme/platform"]) as start:
        put = start(lambda: adam.put(acme.budget_path(), {"spend_limit_micros": 1}))
    assert put.result().status == 404, "without a precondition there is no 412"
    assert database.rows("SELECT 1 FROM group_ai_budgets") == []


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_budget_that_an_operator_deletes_is_none(
    adam: Client, acme: Acme, database: Database, method: str
) -> None:
    adam.put(acme.budget_path(), {"spend_limit_micros": 1})
    body = '{"spend_limit_micros": 2}' if method == "PUT" else None
    with behind(database, ["DELETE FROM group_ai_budgets"]) as start:
        answer = start(lambda: adam.send(method, acme.budget_path(), body=body))
    (_, *last) = database.rows(
        "SELECT action, before FROM audit_log WHERE resource_type = 'group_ai_budget' ORDER BY id"
    )
    assert (answer.result().status, last) == (
        (200, [("create", None)]) if method == "PUT" else (404, [])
    )


def test_a_writer_locks_the_organizations_membership_before_the_groups(
    acme: Acme, database: Database
) -> None:
    """An operator who takes a user out of the organization and back, and out again."""
    values = {
        "user": acme.users["maya"],
        "group": acme.groups["acme/platform"],
        "organization": acme.organizations["acme"],
    }
    leave = (
        b"DELETE FROM organization_members"
        b" WHERE organization_id = %(organization)s AND user_id = %(user)s"
    )
    join = [
        "INSERT INTO organization_members VALUES (%(organization)s, %(user)s)",
        "INSERT INTO group_members VALUES (%(group)s, %(user)s)",
    ]
    with database.connect() as writer, writer.transaction():
        with behind(database, [leave.decode(), *join], **values) as start:
            locked = start(
                lambda: writer.execute(
                    "SELECT lock_user_ai_budget_override(%(user)s, %(group)s)", values
                ).fetchone()
            )
        assert locked.result() == (False,)
        with database.connect() as operator:
            operator.execute("SET lock_timeout = '1s'")
            operator.execute(leave, values)
