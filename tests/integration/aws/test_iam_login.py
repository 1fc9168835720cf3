"""Migrate at a server like RDS: its owner is no superuser; members of `rds_iam` log in by token.

A line of pg_hba stands for RDS. It takes whatever a member sends as a token, and the password of
everybody else.
"""

import time
from collections.abc import Generator
from pathlib import Path

import psycopg
import pytest

import migrate as migrate_lambda
from local.postgres import EmbeddedPostgres
from tests.conftest import environment
from tests.gateway import Context
from tests.postgres import with_parts
from tests.sessions import PATIENCE_SECONDS

RULES = """
host all allowance_owner 127.0.0.1/32 scram-sha-256
host all +rds_iam 127.0.0.1/32 trust
host all all 127.0.0.1/32 scram-sha-256
"""
BY_TOKEN = {
    "DATABASE_HOST": "db.example",
    "DATABASE_NAME": "allowance",
}


@pytest.fixture
def rds() -> Generator[EmbeddedPostgres]:
    with EmbeddedPostgres(durable=False) as server:
        with psycopg.connect(server.url, autocommit=True) as boss:
            boss.execute("CREATE ROLE rds_iam NOLOGIN")
            boss.execute("CREATE ROLE master LOGIN CREATEROLE")
            boss.execute("GRANT rds_iam TO master WITH ADMIN TRUE")
            boss.execute("ALTER DATABASE allowance OWNER TO master")
            row = boss.execute("SHOW hba_file").fetchone()
            assert row
            Path(row[0]).write_text(RULES)
            boss.execute("SELECT pg_reload_conf()")
        give_up = time.monotonic() + PATIENCE_SECONDS
        while not accepts(with_parts(server.url, user="master", password="a-token")):
            assert time.monotonic() < give_up
            time.sleep(0.01)
        yield server


def accepts(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def test_an_owner_who_logs_in_by_token_deploys_again_and_again(rds: EmbeddedPostgres) -> None:
    owner = with_parts(rds.url, user="master", password="a-token")
    with environment(**BY_TOKEN, OWNER_DATABASE_URL=owner):
        first = migrate_lambda.handler({}, Context())
        assert first
        assert first["applied"][0] == "0001_roles.sql"
        assert migrate_lambda.handler({}, Context()) == {"applied": []}
    application = with_parts(rds.url, user="allowance_routes", password="a-token")
    with psycopg.connect(application) as app:
        has_rights = app.execute("SELECT pg_has_role('rds_iam', 'usage')").fetchone()
        assert has_rights == (True,), "a server may ask for rights, not for membership"


def test_the_change_back_to_a_password_ends_the_login_by_token(rds: EmbeddedPostgres) -> None:
    owner = with_parts(rds.url, user="master", password="a-token")
    password = with_parts(rds.url, user="allowance_routes", password="a-password")
    with environment(**BY_TOKEN, OWNER_DATABASE_URL=owner):
        migrate_lambda.handler({}, Context())
    with environment(DATABASE_URL=password, OWNER_DATABASE_URL=owner):
        migrate_lambda.handler({}, Context())
    with psycopg.connect(password) as app:
        assert app.execute("SELECT current_user").fetchone() == ("allowance_routes",)
    assert not accepts(with_parts(rds.url, user="allowance_routes", password="a-token"))
