"""What Migrate does for the logins of the functions: their passwords and their settings."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

import migrate as migrate_lambda
from allowance.database.role_settings import SETTINGS
from allowance.errors import ValidationFailed
from allowance.rbac.system import Login
from tests.conftest import environment
from tests.gateway import Context
from tests.postgres import Server, with_parts
from tests.secrets import secret_of, stored

ARNS = {
    Login.ROUTES: "DATABASE_SECRET_ARN",
    Login.JOBS: "JOBS_DATABASE_SECRET_ARN",
    Login.DIRECTORY: "DIRECTORY_DATABASE_SECRET_ARN",
}


def settings_of(url: str) -> dict[str, str]:
    with psycopg.connect(url) as session:
        return {
            name: value
            for name in (*SETTINGS[Login.ROUTES], "work_mem")
            for (value,) in session.execute("SELECT current_setting(%s)", (name,))
        }


def test_a_migration_puts_back_what_a_login_changed_of_itself(
    server: Server, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    with (
        server.database() as database,
        environment(DATABASE_URL=database.app_url, OWNER_DATABASE_URL=database.owner_url),
    ):
        migrate_lambda.handler({}, Context())
        before = settings_of(database.app_url)
        assert {name: before[name] for name in SETTINGS[Login.ROUTES]} == SETTINGS[Login.ROUTES]
        with psycopg.connect(database.app_url, autocommit=True) as routes:
            for change in (
                "SET statement_timeout = '1h'",
                "RESET lock_timeout",
                f"IN DATABASE {database.name} SET work_mem = '1GB'",
            ):
                routes.execute(f"ALTER ROLE allowance_routes {change}".encode())
        assert settings_of(database.app_url) != before
        assert logged() == []
        migrate_lambda.handler({}, Context())
        assert settings_of(database.app_url) == before
        migrate_lambda.handler({}, Context())
    (line,) = logged()
    assert line["level"] == "WARNING"
    assert set(line["differences"]) == {
        "allowance_routes: lock_timeout was not set to 2s",
        "allowance_routes: statement_timeout was not set to 5s",
        "allowance_routes: statement_timeout was set to 1h",
        f"allowance_routes in {database.name}: work_mem was set to 1GB",
    }


def test_a_migration_sets_the_password_of_each_secret(server: Server, secrets_manager: Any) -> None:
    with server.database() as database:
        documents = {
            login: secret_of(database.url_of(login), password=f"hunter2-{login}") for login in Login
        }
        arns = {ARNS[login]: stored(secrets_manager, each) for login, each in documents.items()}
        try:
            with environment(OWNER_DATABASE_URL=database.owner_url, **arns):
                migrate_lambda.handler({}, Context())
            for login, each in documents.items():
                url = with_parts(database.url_of(login), password=each["password"])
                with psycopg.connect(url) as session:
                    assert session.execute("SELECT session_user").fetchone() == (login,)
        finally:
            # The other tests of this server have these.
            with database.connect() as owner:
                migrate_lambda.migrate(owner, passwords=server.passwords)


def test_a_migration_refuses_the_secret_of_another_role(
    server: Server, secrets_manager: Any
) -> None:
    with server.database() as database:
        arns = {
            name: stored(secrets_manager, secret_of(database.app_url)) for name in ARNS.values()
        }
        with (
            environment(OWNER_DATABASE_URL=database.owner_url, **arns),
            pytest.raises(ValidationFailed, match=r"JOBS_DATABASE_SECRET_ARN: .* allowance_jobs"),
        ):
            migrate_lambda.handler({}, Context())
