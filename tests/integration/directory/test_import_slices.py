"""An import in slices: the same result as in one, all or nothing, and quick at any size."""

import json
import random
import resource
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

import import_directory
from allowance.access.session import close_database
from allowance.directory import importer, reading
from allowance.directory.reading import read_directory
from allowance.errors import StatementCancelled, ValidationFailed
from tests.depth import by_depth
from tests.directory_documents import apply, big_directory, problems
from tests.gateway import Context
from tests.people import Acme
from tests.postgres import Database
from tests.sessions import PATIENCE_SECONDS

DIRECTORY_ROWS = (
    "SELECT 'u', username, email, status || roles::text FROM users"
    " UNION ALL SELECT 'o', o.name, u.username, om.roles::text FROM organization_members AS om"
    " JOIN organizations AS o ON o.id = organization_id JOIN users AS u ON u.id = user_id"
    " UNION ALL SELECT 'g', g.name, u.username, o.name FROM group_members AS gm"
    " JOIN organizations AS o ON o.id = organization_id JOIN users AS u ON u.id = user_id"
    " JOIN groups AS g ON g.id = group_id ORDER BY 1, 2, 3, 4"
)
ENTRIES = (
    "SELECT a.resource_type, a.action, coalesce(u.username, ''), coalesce(o.name, ''),"
    " a.before, a.after FROM audit_log AS a LEFT JOIN users AS u ON u.id = a.user_id"
    " LEFT JOIN organizations AS o ON o.id = a.organization_id"
    " ORDER BY 1, 2, 3, 4, a.before::text, a.after::text"
)


def documents(seed: int) -> list[dict[str, Any]]:
    """A first document, and changes: addresses pass on, groups go, users leave and come back."""
    random_ = random.Random(seed)  # noqa: S311
    first = big_directory(12, groups=15, seed=seed)
    names = [each["username"] for each in first["users"]]
    found = [first]
    for _ in range(3):
        shuffled = random_.sample(names, len(names))
        users: list[dict[str, Any]] = [
            {"username": name, "email": f"{other}@acme.example", "status": status}
            for name, other, status in zip(
                names,
                shuffled,
                random_.choices(["active", "deleted"], [3, 1], k=len(names)),
                strict=True,
            )
        ]
        for user, old in zip(users, random_.sample(first["users"], len(users)), strict=True):
            if random_.random() < 0.5:
                user["organizations"] = old["organizations"]
        groups = {name for user in users for each in user.get("organizations", ())
                  for name in each["groups"]}  # fmt: skip
        kept = [
            each | {"groups": [name for name in each["groups"] if name in groups]}
            for each in first["organizations"]
        ]
        found.append({"users": users, "organizations": kept})
    return found


@pytest.mark.parametrize("seed", range(by_depth(2, 10, 100)))
def test_slices_leave_what_one_slice_leaves(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    results: list[list[Any]] = []
    for rows_per_slice in (10_000, 15):
        monkeypatch.setattr(reading, "ROWS_PER_SLICE", rows_per_slice)
        steps: list[Any] = []
        for document in documents(seed):
            apply(document)
            steps.append(empty_database.rows(DIRECTORY_ROWS))
        results.append([*steps, empty_database.rows(ENTRIES)])
        empty_database.run("TRUNCATE organizations, users, audit_log CASCADE")
    assert results[0] == results[1]


def test_an_address_passes_on_between_slices_and_each_change_is_audited(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "ROWS_PER_SLICE", 1)
    ring = {"adam": "maya", "maya": "otto", "otto": "adam"}
    before = "SELECT max(id) FROM audit_log"
    ((last,),) = database.rows(before)
    apply(
        {"users": [{"username": n, "email": f"{other}@acme.example"} for n, other in ring.items()]}
    )
    assert database.rows(
        "SELECT before ->> 'username', before ->> 'email', after ->> 'email' FROM audit_log"
        " WHERE id > %s ORDER BY 1",
        last,
    ) == [(name, f"{name}@acme.example", f"{other}@acme.example") for name, other in ring.items()]


def test_a_response_beyond_the_limit_of_lambda_changes_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The response would be lost after the commit, and the new tokens in it."""
    monkeypatch.setattr(reading, "ROWS_PER_SLICE", 1)
    document = {
        "users": [{"username": "ä".replace("ä", "new")}, {"username": "maya", "roles": ["owner"]}],
        "organizations": [{"name": "Ünïted", "groups": ["g"]}],
        "tokens": [{"username": "new", "name": name} for name in ("laptop", "büro")],
    }
    rows = "SELECT (SELECT count(*) FROM users), (SELECT max(id) FROM audit_log), count(*)"
    rows += " FROM api_tokens"
    before = database.rows(rows)
    monkeypatch.setattr(importer, "MAX_RESPONSE_BYTES", 0)
    (problem,) = problems(document)
    size = int(problem.split()[4])
    assert problem == (
        f"tokens: the response has {size} bytes, of at most 0: split the new tokens into several"
        " documents"
    )
    assert database.rows(rows) == before
    monkeypatch.setattr(importer, "MAX_RESPONSE_BYTES", size - 1)
    assert problems(document)
    monkeypatch.setattr(importer, "MAX_RESPONSE_BYTES", size)
    assert len(json.dumps(import_directory.handler(document, Context()))) == size


@pytest.mark.parametrize(("key", "most"), [("users", 50_000), ("tokens", 40_000)])
def test_a_document_with_too_many_entries_is_refused(key: str, most: int) -> None:
    with pytest.raises(ValidationFailed, match=f"^{key}: must have at most {most} entries$"):
        read_directory({key: [{"username": "a", "name": "b"}] * (most + 1)})


def test_reading_a_document_keeps_no_models_of_it() -> None:
    event = big_directory(3000)
    read_directory({})
    tracemalloc.start()
    document = read_directory(event)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(document.places) == 3000
    assert peak < 3_000_000, "a model of a user with memberships takes 3 kB"


def test_a_statement_that_takes_too_long_is_called_that(database: Database) -> None:
    """Not: try again shortly. Trying again takes as long."""
    database.run(
        "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_sleep(2); RETURN new; END $$"
    )
    database.run("CREATE TRIGGER wait BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION wait()")
    ((role,),) = database.rows("SELECT rolname FROM pg_roles WHERE rolname = 'allowance_directory'")
    database.run(
        f"ALTER ROLE {role} IN DATABASE \"{database.name}\" SET statement_timeout = '100ms'"
    )
    with pytest.raises(StatementCancelled, match="longer than its statement_timeout allows"):
        import_directory.handler({"users": [{"username": "late"}]}, Context())


def test_plans_of_a_small_directory_do_not_slow_down_a_large_import(
    database: Database, acme: Acme
) -> None:
    """A session keeps the plans of its foreign-key checks. A sequential scan is right for the few
    users of today, and read all of tomorrow's for each membership.
    """
    database.run("ANALYZE")
    for name in "abcdefgh":
        organizations = [{"name": "acme", "groups": ["platform"]}]
        apply({"users": [{"username": name, "organizations": organizations}]})
    apply(big_directory(600))
    close_database()
    counts = (
        "SELECT sum(seq_tup_read), sum(n_tup_ins) FROM pg_stat_user_tables"
        " WHERE relname IN ('users', 'groups', 'organization_members', 'group_members')"
    )
    # The session writes its counts when it ends.
    give_up = time.monotonic() + PATIENCE_SECONDS
    while database.rows(counts)[0][1] < 1500:
        assert time.monotonic() < give_up
        time.sleep(0.02)
    ((read, _),) = database.rows(counts)
    assert read < 20_000, f"{read} rows were read one after the other"


@pytest.mark.skipif(by_depth(quick=True, thorough=True, deep=False), reason="takes a minute")
def test_fifty_thousand_users_fit_into_memory_and_time(
    empty_database: Database, tmp_path: Path
) -> None:
    path = tmp_path / "directory.json"
    path.write_text(json.dumps(big_directory(50_000, groups=200)))
    program = (
        "import json, resource, sys; from types import SimpleNamespace as Context;"
        " sys.path.append('functions'); import import_directory;"
        " event = json.loads(open(sys.argv[1]).read());"
        " import_directory.handler(event, Context(aws_request_id='r'));"
        " print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    for _ in range(2):
        started = time.monotonic()
        lines = subprocess.check_output([sys.executable, "-c", program, path], text=True)
        assert time.monotonic() - started < 60
        mine = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        # A child begins with the figure of its parent.
        assert int(lines.splitlines()[-1]) < max(400 * 1024, mine + 1)
