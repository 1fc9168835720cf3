"""The runner and the schema: from empty, again, refused when the past was changed; and what the
schema itself forbids.
"""

import threading
from pathlib import Path

import psycopg
import pytest

import import_directory
import migrate as migrate_lambda
import seed_prices
from allowance.errors import ValidationFailed
from migrate import MIGRATIONS, migrate
from tests.conftest import environment
from tests.gateway import Context
from tests.people import DIRECTORY, Acme
from tests.postgres import Database, Server


def test_the_files_are_applied_once_in_order(server: Server) -> None:
    names = [path.name for path in sorted(MIGRATIONS.glob("*.sql"))]
    with server.database() as database, database.connect() as owner:
        assert migrate(owner) == names
        assert migrate(owner) == []
        assert database.rows("SELECT name FROM schema_migrations ORDER BY applied_at, name") == [
            (n,) for n in names
        ]


def test_several_migrations_at_once_do_not_collide(server: Server) -> None:
    with (
        server.database() as database,
        environment(DATABASE_URL=database.app_url, OWNER_DATABASE_URL=database.owner_url),
    ):
        results: list[list[str]] = []

        def run() -> None:
            results.append(migrate_lambda.handler({}, Context())["applied"])

        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(map(len, results)) == [0, 0, 0, len(list(MIGRATIONS.glob("*.sql")))]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001_a.sql").write_text("CREATE TABLE a (id int);")
    (tmp_path / "0003_c.sql").write_text("CREATE TABLE c (id int);")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        (
            "0001_a.sql",
            "CREATE TABLE a (id bigint);",
            "0001_a.sql: was changed since it was applied",
        ),
        (
            "0002_b.sql",
            "CREATE TABLE b (id int);",
            "0002_b.sql: comes before 0003_c.sql, which is applied already",
        ),
    ],
)
def test_a_changed_or_late_file_is_refused_by_its_name(
    server: Server, folder: Path, name: str, content: str, problem: str
) -> None:
    with server.database() as database, database.connect() as owner:
        migrate(owner, folder)
        (folder / name).write_text(content)
        (folder / "0004_d.sql").write_text("CREATE TABLE d (id int);")
        with pytest.raises(ValidationFailed) as caught:
            migrate(owner, folder)
        assert str(caught.value) == problem
        assert database.rows("SELECT to_regclass('d'), to_regclass('b')") == [(None, None)]


def test_a_missing_file_is_refused_but_a_newer_schema_serves_older_code(
    server: Server, folder: Path
) -> None:
    with server.database() as database, database.connect() as owner:
        migrate(owner, folder)
        (folder / "0003_c.sql").rename(folder / "moved")
        assert migrate(owner, folder) == []
        (folder / "0004_d.sql").write_text("SELECT 1;")
        with pytest.raises(ValidationFailed, match=r"0003_c\.sql: is applied, but missing here"):
            migrate(owner, folder)


def test_a_file_that_fails_leaves_no_trace(server: Server, folder: Path) -> None:
    (folder / "0003_c.sql").write_text("CREATE TABLE c (id int); SELECT 1 / 0;")
    with server.database() as database, database.connect() as owner:
        with pytest.raises(psycopg.errors.DivisionByZero):
            migrate(owner, folder)
        assert database.rows("SELECT name, to_regclass('c') FROM schema_migrations") == [
            ("0001_a.sql", None)
        ]
        (folder / "0003_c.sql").write_text("CREATE TABLE c (id int);")
        assert migrate(owner, folder) == ["0003_c.sql"]


def test_the_lambda_migrates_and_lets_the_applications_role_in(server: Server) -> None:
    with (
        server.database() as database,
        environment(DATABASE_URL=database.app_url, OWNER_DATABASE_URL=database.owner_url),
    ):
        assert migrate_lambda.handler({}, Context())["applied"]
        assert migrate_lambda.handler({}, Context()) == {"applied": []}
        with psycopg.connect(database.app_url) as app:
            assert app.execute("SELECT count(*) FROM users").fetchone() == (0,)


def test_the_lambda_refuses_another_role_for_the_application(server: Server) -> None:
    with (
        server.database() as database,
        environment(DATABASE_URL=database.owner_url, OWNER_DATABASE_URL=database.owner_url),
        pytest.raises(ValidationFailed, match="DATABASE_URL: its user must be allowance_app"),
    ):
        migrate_lambda.handler({}, Context())


def test_the_applications_role_owns_nothing_and_carries_its_timeouts(
    empty_database: Database,
) -> None:
    owned = "SELECT count(*) FROM pg_class WHERE relowner = 'allowance_app'::regrole"
    assert empty_database.rows(owned) == [(0,)]
    with psycopg.connect(empty_database.app_url) as app:
        for name, value in {
            "lock_timeout": "2s",
            "statement_timeout": "5s",
            "idle_in_transaction_session_timeout": "10s",
            "TimeZone": "UTC",
        }.items():
            assert app.execute(f"SHOW {name}".encode()).fetchone() == (value,)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET actor_name = 'x'",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
        "CREATE TABLE mine (id int)",
        "DROP TABLE users",
        "ALTER TABLE users DISABLE TRIGGER ALL",
        "DELETE FROM users",
        "DELETE FROM organizations",
        "DELETE FROM api_tokens",
        "SELECT * FROM schema_migrations",
    ],
)
def test_the_applications_role_may_not(empty_database: Database, statement: str) -> None:
    with (
        psycopg.connect(empty_database.app_url) as app,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        app.execute(statement.encode())


@pytest.mark.parametrize("limit", [-1, 10**12 + 1])
def test_the_schema_itself_bounds_a_limit(database: Database, limit: int) -> None:
    with pytest.raises(psycopg.errors.CheckViolation) as caught:
        database.run("INSERT INTO group_ai_budgets SELECT id, %s FROM groups LIMIT 1", limit)
    assert caught.value.diag.constraint_name == "group_ai_budgets_spend_limit_micros"


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("INSERT INTO users (username) VALUES ('me')", "users_username_format"),
        (f"INSERT INTO users (username) VALUES ('{'a' * 65}')", "users_username_format"),
        (
            "INSERT INTO users (username) VALUES ('6cb07611-f869-4f10-9f09-a6d791899a4f')",
            "users_username_format",
        ),
        ("INSERT INTO users (username, status) VALUES ('a', 'x')", "users_status"),
        ("UPDATE groups SET name = 'Everyone'", "groups_everyone_has_the_id_of_its_organization"),
        ("UPDATE organizations SET is_default = true", "organizations_default_key"),
        (
            "INSERT INTO ai_model_prices VALUES ('p', 'm', 'default')",
            "ai_model_prices_at_least_one",
        ),
        (
            "INSERT INTO ai_model_prices VALUES ('p', 'm', 'default', -1)",
            "ai_model_prices_input_price",
        ),
    ],
)
def test_the_schema_itself_refuses(database: Database, statement: str, constraint: str) -> None:
    with pytest.raises(psycopg.errors.IntegrityError) as caught:
        database.run(statement)
    assert caught.value.diag.constraint_name == constraint


def test_every_foreign_key_has_an_index_that_begins_with_it(empty_database: Database) -> None:
    """Or with a column of it that alone names the row referred to: the others then add nothing."""
    missing = empty_database.rows(
        """
        SELECT c.conrelid::regclass::text, c.conname
        FROM pg_constraint AS c
        WHERE c.contype = 'f' AND NOT EXISTS (
            SELECT 1 FROM pg_index AS i
            WHERE i.indrelid = c.conrelid AND i.indpred IS NULL AND (
                (i.indkey::int2[])[0:cardinality(c.conkey) - 1] = c.conkey
                OR EXISTS (
                    SELECT 1 FROM pg_index AS key
                    WHERE key.indrelid = c.confrelid AND key.indisprimary AND key.indnatts = 1
                        AND i.indkey[0] = c.conkey[array_position(c.confkey, key.indkey[0])]
                )
            )
        )
        """
    )
    assert missing == []


def test_a_deleted_organization_takes_everybody_out_of_its_groups(database: Database) -> None:
    members = "SELECT count(*) FROM group_members_expanded WHERE organization_id = %s"
    ((organization,),) = database.rows("SELECT id FROM organizations WHERE name = 'acme'")
    # adam, maya, otto, ana in Everyone, and maya in platform
    assert database.rows(members, organization) == [(5,)]
    database.run(
        "UPDATE organizations SET is_default = false, deleted_at = now() WHERE id = %s",
        organization,
    )
    assert database.rows(members, organization) == [(0,)]


def test_this_version_runs_on_a_schema_that_a_later_one_has_expanded(
    database: Database, acme: Acme
) -> None:
    """Expand, then contract: a column more in every table breaks nothing."""

    for (table,) in database.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
        database.run(f"ALTER TABLE {table} ADD COLUMN of_a_later_version text")
    adam, path = acme.client("adam"), acme.budget_path()
    assert adam.put(path, {"spend_limit_micros": 1}).status == 200
    for each in (
        path,
        path.removesuffix("/ai/budget"),
        "/api/v2/users/me",
        "/api/v2/organizations/acme/groups",
    ):
        assert adam.get(each).status == 200, each
    assert adam.get("/api/v2/audit").json()["entries"]
    assert adam.delete(path).status == 204
    assert import_directory.handler(DIRECTORY, Context())["tokens"] == {}
    assert seed_prices.handler({}, Context())["inserted"] > 1000
