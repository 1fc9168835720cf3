"""The connection out of Secrets Manager, which is moto's; rotation included. Postgres is real."""

import json
import os
from collections.abc import Generator
from typing import Any
from urllib.parse import urlsplit

import boto3
import psycopg
import pytest
from moto import mock_aws

from tests.conftest import environment, forget_process
from tests.people import Acme
from tests.postgres import Database


def secret_of(url: str) -> str:
    parts = urlsplit(url)
    return json.dumps(
        {
            "engine": "postgres",
            "host": parts.hostname,
            "port": parts.port,
            "dbname": parts.path.strip("/"),
            "username": parts.username,
            "password": parts.password,
        }
    )


@pytest.fixture
def secrets_manager(monkeypatch: pytest.MonkeyPatch) -> Generator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        yield boto3.client("secretsmanager")
    from aws_lambda_powertools.utilities import parameters

    parameters.clear_caches()


def test_the_connection_comes_out_of_the_secret(secrets_manager: Any, database: Database, acme: Acme) -> None:
    arn = secrets_manager.create_secret(Name="app", SecretString=secret_of(database.app_url))["ARN"]
    with environment(DATABASE_SECRET_ARN=arn):
        assert acme.client("adam").put(acme.budget_path(), {"spend_limit_micros": 1}).status == 200


def test_a_rotated_password_is_fetched_when_the_old_one_is_refused(
    secrets_manager: Any, database: Database, acme: Acme
) -> None:
    # A role of its own: the others' connections of this server stay as they are.
    role = f"{database.name}_role"
    adam, path = acme.client("adam"), acme.budget_path()
    database.run(f"CREATE ROLE {role} LOGIN PASSWORD 'first' IN ROLE allowance_app INHERIT")
    url = database.app_url.replace(urlsplit(database.app_url).netloc.rpartition("@")[0], f"{role}:first")
    arn = secrets_manager.create_secret(Name="app", SecretString=secret_of(url))["ARN"]
    try:
        with environment(DATABASE_SECRET_ARN=arn):
            assert adam.put(path, {"spend_limit_micros": 1}).status == 200
            database.run(f"ALTER ROLE {role} PASSWORD 'second'")
            assert adam.get(path).status == 200, "an open connection outlives a rotation"
            database.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", role)
            assert adam.get(path).status == 503, "the new password is not in the secret yet"
            secrets_manager.put_secret_value(SecretId=arn, SecretString=secret_of(url.replace("first", "second")))
            assert adam.get(path).status == 200
    finally:
        database.run(f"DROP ROLE {role}")


def test_a_secret_that_cannot_be_read_is_a_500_not_a_hang(secrets_manager: Any, database: Database, acme: Acme) -> None:
    with environment(DATABASE_SECRET_ARN="arn:aws:secretsmanager:eu-west-1:123456789012:secret:none"):
        assert acme.client("adam").get(acme.budget_path()).status == 500


def test_one_source_of_the_connection_is_demanded(acme: Acme) -> None:
    url = os.environ["DATABASE_URL"]
    for variables in ({}, {"DATABASE_URL": url, "DATABASE_SECRET_ARN": "arn"}):
        with environment(**variables):
            assert acme.client("adam").get(acme.budget_path()).status == 500
    forget_process()
    with psycopg.connect(url) as app:
        assert app.execute("SELECT 1").fetchone() == (1,)
