"""The runner of migrations: what it applies, what it refuses, and the Lambda."""

import threading
from pathlib import Path

import psycopg
import pytest

import migrate as migrate_lambda
from allowance.errors import ValidationFailed
from allowance.rbac.system import Login
from migrate import MIGRATIONS, migrate
from tests.conftest import environment
from tests.gateway import Context
from tests.postgres import Server


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


def test_a_missing_file_is_refused_unless_all_later_files_are_missing_too(
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


def test_the_lambda_migrates_and_each_function_can_log_in(server: Server) -> None:
    with (
        server.database() as database,
        environment(DATABASE_URL=database.app_url, OWNER_DATABASE_URL=database.owner_url),
    ):
        assert migrate_lambda.handler({}, Context())["applied"]
        assert migrate_lambda.handler({}, Context()) == {"applied": []}
        for login in Login:
            with psycopg.connect(database.url_of(login)) as function:
                assert function.execute("SELECT count(*) FROM users").fetchone() == (0,)
