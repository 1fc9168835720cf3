"""How a function reaches its database: a secret in moto's Secrets Manager, a signed token, TLS.
Postgres is real.
"""

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import psycopg
import pytest

from allowance.database import login as connection
from allowance.database.login import connection_parameters
from allowance.database.settings import DatabaseSource, database_source
from allowance.settings import BadSetting
from tests.conftest import environment, forget_process
from tests.people import Acme
from tests.postgres import Database
from tests.secrets import SIGNED_IN, secret_of, stored
from tests.tls_postgres import tls_in_front_of


def test_the_connection_comes_out_of_the_secret(
    secrets_manager: Any, database: Database, acme: Acme
) -> None:
    with environment(DATABASE_SECRET_ARN=stored(secrets_manager, secret_of(database.app_url))):
        assert acme.client("adam").put(acme.budget_path(), {"spend_limit_micros": 1}).status == 200


def test_what_the_master_secret_of_rds_lacks_comes_from_the_environment(
    secrets_manager: Any, database: Database, acme: Acme
) -> None:
    whole = secret_of(database.app_url)
    arn = stored(
        secrets_manager, {name: whole[name] for name in ("username", "password", "sslmode")}
    )
    stated = {
        "DATABASE_HOST": whole["host"],
        "DATABASE_PORT": str(whole["port"]),
        "DATABASE_NAME": whole["dbname"],
    }
    with environment(DATABASE_SECRET_ARN=arn, **stated):
        assert acme.client("adam").get(acme.budget_path()).status == 404
    with environment(DATABASE_SECRET_ARN=arn):
        assert acme.client("adam").get(acme.budget_path()).status == 500
        with pytest.raises(BadSetting, match=r"lacks host, dbname\.$"):
            connection_parameters(database_source())


def test_a_rotated_password_is_taken_by_the_next_connection(
    secrets_manager: Any, database: Database, acme: Acme
) -> None:
    adam, path = acme.client("adam"), acme.budget_path()
    before = secret_of(database.app_url)
    arn = stored(secrets_manager, before)
    try:
        with environment(DATABASE_SECRET_ARN=arn):
            assert adam.put(path, {"spend_limit_micros": 1}).status == 200
            database.run("ALTER ROLE allowance_routes PASSWORD 'second'")
            assert adam.get(path).status == 200, "an open connection outlives a rotation"
            database.rows(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE usename = 'allowance_routes' AND datname = current_database()"
            )
            assert adam.get(path).status == 503, "the new password is not in the secret yet"
            secrets_manager.put_secret_value(
                SecretId=arn, SecretString=json.dumps({**before, "password": "second"})
            )
            assert adam.get(path).status == 200
    finally:
        # The other tests of this server have the first one.
        database.run(f"ALTER ROLE allowance_routes PASSWORD '{before['password']}'")


@pytest.mark.parametrize("content", ["hunter2 is no JSON", '"hunter2"', "[1, 2]"])
def test_a_secret_of_another_form_is_a_500_and_is_not_quoted(
    secrets_manager: Any, acme: Acme, content: str, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    with environment(DATABASE_SECRET_ARN=stored(secrets_manager, content)):
        assert acme.client("adam").get(acme.budget_path()).status == 500
    assert "hunter2" not in json.dumps(logged())


def test_a_secret_that_is_not_there_is_a_500_that_says_so(
    secrets_manager: Any, acme: Acme, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    with environment(
        DATABASE_SECRET_ARN="arn:aws:secretsmanager:eu-west-1:123456789012:secret:none"
    ):
        assert acme.client("adam").get(acme.budget_path()).status == 500
    assert "ResourceNotFoundException" in json.dumps(logged())


def test_a_secrets_manager_that_does_not_answer_is_a_503(
    acme: Acme, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    for name, value in {
        **SIGNED_IN,
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": f"http://127.0.0.1:{port}",
    }.items():
        monkeypatch.setenv(name, value)
    with environment(
        DATABASE_SECRET_ARN="arn:aws:secretsmanager:eu-west-1:123456789012:secret:any"
    ):
        assert acme.client("adam").get(acme.budget_path()).status == 503


def test_without_a_secret_the_password_is_a_token_that_the_role_signs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in SIGNED_IN.items():
        monkeypatch.setenv(name, value)
    stated = {
        "DATABASE_HOST": "db.example",
        "DATABASE_NAME": "allowance",
    }
    with environment(**stated):
        found = connection_parameters(database_source(login="allowance_routes"))
    address, _, query = found["password"].partition("/?")
    assert (address, parse_qs(query)["DBUser"], found["sslmode"]) == (
        "db.example:5432",
        ["allowance_routes"],
        "verify-full",
    )


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"DATABASE_URL": "postgresql://localhost/x", "DATABASE_SECRET_ARN": "arn"},
        {"DATABASE_HOST": "db.example"},
        {"DATABASE_SECRET_ARN": "arn", "DATABASE_PORT": "five"},
    ],
)
def test_a_source_of_the_connection_is_demanded(acme: Acme, variables: dict[str, str]) -> None:
    url = os.environ["DATABASE_URL"]
    with environment(**variables):
        assert acme.client("adam").get(acme.budget_path()).status == 500
    forget_process()
    with psycopg.connect(url) as app:
        assert app.execute("SELECT 1").fetchone() == (1,)


def test_a_server_needs_a_certificate_of_a_known_authority_for_its_name(
    secrets_manager: Any,
    database: Database,
    acme: Acme,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    adam, path = acme.client("adam"), acme.budget_path()
    with tls_in_front_of(database.app_url, tmp_path) as server:
        secret = secret_of(database.app_url, host="localhost", port=server.port)
        del secret["sslmode"]
        with environment(DATABASE_SECRET_ARN=stored(secrets_manager, secret)):
            assert adam.get(path).status == 503, "Amazon did not sign this certificate"
        monkeypatch.setattr(connection, "CERTIFICATES", server.authority.parent)
        with environment(DATABASE_SECRET_ARN=stored(secrets_manager, secret)):
            assert adam.get(path).status == 404
        with environment(
            DATABASE_SECRET_ARN=stored(secrets_manager, {**secret, "host": "127.0.0.1"})
        ):
            assert adam.get(path).status == 503, "the certificate is for another name"


def test_a_server_that_takes_no_writes_is_not_taken(database: Database, acme: Acme) -> None:
    adam, path = acme.client("adam"), acme.budget_path()
    database.run(f"ALTER DATABASE {database.name} SET default_transaction_read_only = on")
    forget_process()
    assert adam.get(path).status == 503
    database.rows("SELECT set_config('default_transaction_read_only', 'off', false)")
    with psycopg.connect(
        database.owner_url, autocommit=True, options="-c default_transaction_read_only=off"
    ) as owner:
        owner.execute(
            f"ALTER DATABASE {database.name} RESET default_transaction_read_only".encode()
        )
    assert adam.get(path).status == 404


def test_every_connection_has_timeouts_and_sets_no_session_option() -> None:
    found = connection_parameters(DatabaseSource(url="postgresql://localhost/x"))
    assert found["target_session_attrs"] == "read-write"
    assert found["tcp_user_timeout"] == 4000
    assert "options" not in found
