"""What the schema itself forbids: to the application's role, and in each row."""

import psycopg
import pytest

from tests.postgres import Database


def test_the_applications_role_owns_nothing_and_has_its_timeouts(
    empty_database: Database,
) -> None:
    owned = "SELECT count(*) FROM pg_class WHERE relowner = 'allowance_routes'::regrole"
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
def test_the_applications_role_may_not_run(empty_database: Database, statement: str) -> None:
    with (
        psycopg.connect(empty_database.app_url) as app,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        app.execute(statement.encode())


@pytest.mark.parametrize("limit", [-1, 10**12 + 1])
def test_the_schema_bounds_a_limit(database: Database, limit: int) -> None:
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
    ],
)
def test_the_schema_refuses(database: Database, statement: str, constraint: str) -> None:
    with pytest.raises(psycopg.errors.IntegrityError) as caught:
        database.run(statement)
    assert caught.value.diag.constraint_name == constraint


def test_every_foreign_key_has_an_index_that_begins_with_it(empty_database: Database) -> None:
    """Or with a column of it that is the primary key of the other table by itself."""
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


def test_the_groups_of_a_deleted_organization_have_no_members(database: Database) -> None:
    members = "SELECT count(*) FROM group_members_expanded WHERE organization_id = %s"
    ((organization,),) = database.rows("SELECT id FROM organizations WHERE name = 'acme'")
    # adam, maya, otto, ana in Everyone, and maya in platform
    assert database.rows(members, organization) == [(5,)]
    database.run(
        "UPDATE organizations SET is_default = false, deleted_at = now() WHERE id = %s",
        organization,
    )
    assert database.rows(members, organization) == [(0,)]
