"""The time when a token was last used: written at most once a minute."""

import threading
from concurrent.futures import ThreadPoolExecutor

from allowance.access.session import Ping
from allowance.access.tokens import credential_of
from allowance.database.database import Database as Connection
from allowance.database.queries import call
from allowance.database.settings import DatabaseSource
from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.sessions import call_of_caller


def test_last_use_is_written_at_most_once_a_minute(database: Database, acme: Acme) -> None:
    used = "SELECT last_used_at FROM api_tokens WHERE user_id = %s"
    assert database.rows(used, acme.users["maya"]) == [(None,)]
    token = acme.tokens["maya/test"]
    wrong = Client(token[:-1] + ("1" if token.endswith("0") else "0"))
    assert wrong.get("/api/v2/users/me").status == 401
    assert database.rows(used, acme.users["maya"]) == [(None,)], "a wrong secret is no use"
    acme.client("maya").get("/api/v2/users/me")
    first = database.rows(used, acme.users["maya"])
    assert first != [(None,)]
    acme.client("maya").get("/api/v2/users/me")
    assert database.rows(used, acme.users["maya"]) == first
    database.run("UPDATE api_tokens SET last_used_at = now() - interval '61 seconds'")
    acme.client("maya").get("/api/v2/users/me")
    assert database.rows(used, acme.users["maya"]) > first


def test_last_use_is_written_once_under_concurrent_requests(database: Database, acme: Acme) -> None:
    credential = credential_of({"coder-session-token": acme.tokens["maya/test"]})
    database.run("CREATE TABLE touches (at timestamptz DEFAULT clock_timestamp())")
    database.run("GRANT INSERT ON touches TO allowance_routes")
    database.run(
        "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO touches "
        "DEFAULT VALUES; RETURN new; END $$"
    )
    database.run(
        "CREATE TRIGGER touch AFTER UPDATE ON api_tokens FOR EACH ROW EXECUTE FUNCTION touch()"
    )
    start = threading.Barrier(6, timeout=60)

    def authenticate(_: int) -> None:
        connection = Connection(DatabaseSource(database.app_url, None), "test")
        connection.rows_of(call(Ping, "ping"))
        start.wait()
        connection.rows_of(call_of_caller(credential))
        connection.close()

    for _ in range(5):
        database.run("UPDATE api_tokens SET last_used_at = NULL")
        database.run("TRUNCATE touches")
        with ThreadPoolExecutor(6) as threads:
            list(threads.map(authenticate, range(6)))
        assert database.rows("SELECT count(*) FROM touches") == [(1,)]
