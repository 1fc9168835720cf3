"""Expand, then contract: version N+1 adds to the schema what its code needs, and version N+2
removes what only the code of N needs. So the schema of N+1 serves both.
"""

from pathlib import Path

import psycopg
import pytest

import import_directory
import seed_prices
from migrate import migrate
from tests.gateway import Context
from tests.people import DIRECTORY, Acme
from tests.postgres import Database, Server

FILES = {
    "0001_notes.sql": "CREATE TABLE notes (id int PRIMARY KEY, author text NOT NULL)",
    "0002_expand.sql": """
        ALTER TABLE notes ADD COLUMN author_name text;
        UPDATE notes SET author_name = author;
        CREATE FUNCTION copy_author() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            new.author := coalesce(new.author, new.author_name);
            new.author_name := new.author;
            RETURN new;
        END $$;
        CREATE TRIGGER copy_author BEFORE INSERT ON notes
        FOR EACH ROW EXECUTE FUNCTION copy_author();
    """,
    "0003_contract.sql": """
        DROP TRIGGER copy_author ON notes;
        DROP FUNCTION copy_author();
        ALTER TABLE notes ALTER COLUMN author_name SET NOT NULL;
        ALTER TABLE notes DROP COLUMN author;
    """,
}
"""A made-up product that renames a column: one file for each of its versions N, N+1 and N+2."""

COLUMNS = {"N": "author", "N+1": "author_name"}


def version(folder: Path, files: int) -> Path:
    """The migrations that a version ships: the first files, up to a count."""
    shipped = folder / str(files)
    shipped.mkdir()
    for name in list(FILES)[:files]:
        (shipped / name).write_text(FILES[name])
    return shipped


def authors(database: Database, code: str) -> list[tuple[int, str]]:
    """All notes, as the code of a version reads them."""
    return database.rows(f"SELECT id, {COLUMNS[code]} FROM notes ORDER BY id")


def add(database: Database, code: str, id: int, author: str) -> None:  # noqa: A002
    """Add a note, as the code of a version does."""
    database.run(f"INSERT INTO notes (id, {COLUMNS[code]}) VALUES (%s, %s)", id, author)


def test_an_expanded_schema_serves_two_versions_and_a_contracted_one(
    server: Server, tmp_path: Path
) -> None:
    n, next_version, after_that = (version(tmp_path, files) for files in (1, 2, 3))
    with server.database() as database, database.connect() as owner:
        migrate(owner, n)
        add(database, "N", 1, "ada")

        assert migrate(owner, next_version) == ["0002_expand.sql"]
        add(database, "N", 2, "bob")
        add(database, "N+1", 3, "cleo")
        notes = [(1, "ada"), (2, "bob"), (3, "cleo")]
        assert authors(database, "N") == authors(database, "N+1") == notes

        # The deployment of N+1 is rolled back: the runner of N leaves the newer file applied.
        assert migrate(owner, n) == []
        add(database, "N", 4, "dora")
        assert migrate(owner, next_version) == []

        assert migrate(owner, after_that) == ["0003_contract.sql"]
        add(database, "N+1", 5, "emil")
        assert authors(database, "N+1") == [*notes, (4, "dora"), (5, "emil")]
        # One version earlier, the contraction would break the code of N during the deployment.
        with pytest.raises(psycopg.errors.UndefinedColumn):
            authors(database, "N")


def test_this_version_runs_on_an_expanded_schema(database: Database, acme: Acme) -> None:
    """A new column in every table breaks nothing."""
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
