"""Migrate as a deployment calls it: CloudFormation waits for the response. Then the application's
role can log in.
"""

import json
import threading
from collections.abc import Callable, Generator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit

import psycopg
import pytest

import migrate as migrate_lambda
from allowance.rbac.system import Login
from allowance.settings import BadSetting
from tests.conftest import environment
from tests.gateway import Context
from tests.postgres import Database, Server


class AnswersUrl:
    """The presigned URL of a deployment: it keeps what was PUT there."""

    def __init__(self) -> None:
        self.answers: list[dict[str, Any]] = []
        self.content_types: list[str | None] = []
        kept = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                kept.content_types.append(self.headers["Content-Type"])
                kept.answers.append(
                    json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                )
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/answer?X-Amz-Signature=x"

    def event(self, request_type: str) -> dict[str, Any]:
        return {
            "RequestType": request_type,
            "ResponseURL": self.url,
            "StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/allowance/1",
            "RequestId": "request-1",
            "LogicalResourceId": "Migrations",
            "ResourceProperties": {"Version": "7"},
        }


@pytest.fixture
def cloudformation() -> Generator[AnswersUrl]:
    answers = AnswersUrl()
    thread = threading.Thread(target=lambda: answers.server.serve_forever(0.02), daemon=True)
    thread.start()
    yield answers
    answers.server.shutdown()
    answers.server.server_close()


@pytest.fixture
def empty(server: Server) -> Generator[Database]:
    with server.database() as database:
        yield database


def test_a_deployment_learns_which_files_were_applied(
    cloudformation: AnswersUrl, empty: Database
) -> None:
    with environment(DATABASE_URL=empty.app_url, OWNER_DATABASE_URL=empty.owner_url):
        migrate_lambda.handler(cloudformation.event("Create"), Context())
        migrate_lambda.handler(cloudformation.event("Update"), Context())
    created, updated = cloudformation.answers
    assert created["Data"]["applied"][0] == "0001_roles.sql"
    assert updated["Data"]["applied"] == []
    for answer in (created, updated):
        assert answer["Status"] == "SUCCESS"
        assert (answer["RequestId"], answer["LogicalResourceId"]) == ("request-1", "Migrations")
    assert created["PhysicalResourceId"] == updated["PhysicalResourceId"], (
        "another id would be a replacement"
    )
    assert set(cloudformation.content_types) == {""}, "the URL is signed for no content type"


def test_a_failed_migration_fails_the_deployment_and_says_why(
    cloudformation: AnswersUrl, empty: Database, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    with environment(DATABASE_URL=empty.app_url, OWNER_DATABASE_URL=empty.owner_url):
        migrate_lambda.handler(cloudformation.event("Create"), Context())
        empty.run("UPDATE schema_migrations SET checksum = 'another' WHERE name LIKE '0003%'")
        migrate_lambda.handler(cloudformation.event("Update"), Context())
    failed = cloudformation.answers[-1]
    assert failed["Status"] == "FAILED"
    assert "0003_audit.sql: was changed since it was applied" in failed["Reason"]
    assert Context().log_stream_name in failed["Reason"]
    (line,) = [each for each in logged() if each["level"] == "ERROR"]
    assert "was changed since it was applied" in line["exception"]


def test_an_unreachable_database_fails_the_deployment_without_its_password(
    cloudformation: AnswersUrl, empty: Database
) -> None:
    unreachable = empty.owner_url.replace(str(urlsplit(empty.owner_url).port), "1")
    with environment(DATABASE_URL=empty.app_url, OWNER_DATABASE_URL=unreachable):
        migrate_lambda.handler(cloudformation.event("Update"), Context())
    (failed,) = cloudformation.answers
    assert failed["Status"] == "FAILED"
    password = urlsplit(empty.owner_url).password
    assert password is not None
    assert password not in json.dumps(failed)


def test_deleting_the_stack_needs_no_database(cloudformation: AnswersUrl) -> None:
    with environment():
        migrate_lambda.handler(cloudformation.event("Delete"), Context())
    assert [answer["Status"] for answer in cloudformation.answers] == ["SUCCESS"]


def test_an_unknown_request_fails_the_deployment_and_migrates_nothing(
    cloudformation: AnswersUrl, empty: Database
) -> None:
    with environment(DATABASE_URL=empty.app_url, OWNER_DATABASE_URL=empty.owner_url):
        migrate_lambda.handler(cloudformation.event("Import"), Context())
    (failed,) = cloudformation.answers
    assert failed["Status"] == "FAILED"
    assert "RequestType is 'Import'." in failed["Reason"]
    assert empty.rows("SELECT to_regclass('schema_migrations')") == [(None,)]


def test_an_undeliverable_response_is_an_error_that_lambda_retries(
    cloudformation: AnswersUrl,
) -> None:
    event = cloudformation.event("Delete") | {"ResponseURL": "http://127.0.0.1:1/answer"}
    with pytest.raises(URLError):
        migrate_lambda.handler(event, Context())


def test_the_application_logs_in_by_iam_where_it_has_no_password(empty: Database) -> None:
    stated = {
        "DATABASE_HOST": "db.example",
        "DATABASE_NAME": "allowance",
    }
    with environment(**stated, OWNER_DATABASE_URL=empty.owner_url):
        with pytest.raises(BadSetting, match="no role rds_iam"):
            migrate_lambda.handler({}, Context())
        empty.run("CREATE ROLE rds_iam NOLOGIN")
        try:
            migrate_lambda.handler({}, Context())
            migrate_lambda.handler({}, Context())
            assert members_of_rds_iam(empty) == set(Login)
            with environment(DATABASE_URL=empty.app_url, OWNER_DATABASE_URL=empty.owner_url):
                migrate_lambda.handler({}, Context())
            assert members_of_rds_iam(empty) == set(), "at RDS, a member may use no password"
            with psycopg.connect(empty.app_url) as app:
                assert app.execute("SELECT current_user").fetchone() == ("allowance_routes",)
        finally:
            empty.run("DROP ROLE rds_iam")


def members_of_rds_iam(database: Database) -> set[str]:
    members = "SELECT member::regrole::text FROM pg_auth_members WHERE roleid = 'rds_iam'::regrole"
    return {name for (name,) in database.rows(members)} - {"postgres"}
