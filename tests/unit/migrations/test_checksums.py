"""The committed checksums of the migrations, and the tool that adds a line."""

from pathlib import Path

import pytest

from local.checksums import FILE, add, problems
from migrations.migrate import checksum


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two migrations with their checksums."""
    (tmp_path / "0001_a.sql").write_text("CREATE TABLE a (id int);")
    (tmp_path / "0002_b.sql").write_text("CREATE TABLE b (id int);")
    (tmp_path / "migrate.py").write_text("")
    assert add(tmp_path) == ["0001_a.sql", "0002_b.sql"]
    return tmp_path


def test_each_migration_has_its_committed_checksum() -> None:
    assert problems() == []


def test_an_edited_a_missing_and_a_new_migration_are_named(folder: Path) -> None:
    assert problems(folder) == []
    (folder / "0001_a.sql").write_text("CREATE TABLE a (id bigint);")
    (folder / "0002_b.sql").unlink()
    (folder / "0003_c.sql").write_text("CREATE TABLE c (id int);")
    assert problems(folder) == [
        "0001_a.sql was edited after its checksum was committed",
        "0002_b.sql is missing",
        "0003_c.sql has no checksum: run `make checksums`",
    ]


def test_a_renamed_migration_is_missing_and_new(folder: Path) -> None:
    (folder / "0002_b.sql").rename(folder / "0002_better.sql")
    assert problems(folder) == [
        "0002_b.sql is missing",
        "0002_better.sql has no checksum: run `make checksums`",
    ]


def test_the_tool_adds_the_line_of_a_new_migration_and_keeps_the_others(folder: Path) -> None:
    before = (folder / FILE).read_text()
    (folder / "0003_c.sql").write_text("CREATE TABLE c (id int);")
    assert add(folder) == ["0003_c.sql"]
    added = f"{checksum(b'CREATE TABLE c (id int);')}  0003_c.sql\n"
    assert (folder / FILE).read_text() == before + added
    assert problems(folder) == []


def test_the_tool_keeps_the_line_of_an_edited_migration_until_deletion(folder: Path) -> None:
    before = (folder / FILE).read_text()
    (folder / "0001_a.sql").write_text("CREATE TABLE a (id bigint);")
    assert add(folder) == []
    assert (folder / FILE).read_text() == before
    assert problems(folder) == ["0001_a.sql was edited after its checksum was committed"]
    (folder / FILE).write_text("".join(before.splitlines(keepends=True)[1:]))
    assert add(folder) == ["0001_a.sql"]
    assert problems(folder) == []
    assert (folder / FILE).read_text().splitlines()[1:] == before.splitlines()[1:]
