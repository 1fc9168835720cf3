"""The committed checksums of the migrations: `make checksums` adds the line of each new file.

`migrations/checksums.txt` has the format of `sha256sum`, so `sha256sum --check` reads it too. An
applied migration never changes, so this tool never changes a line. While no database has applied
the file, delete its line by hand and run the tool again.
"""

import sys
from pathlib import Path

from migrations.migrate import MIGRATIONS, checksum, migration_files

FILE = "checksums.txt"


def problems(folder: Path = MIGRATIONS) -> list[str]:
    """Return one sentence for each migration that is edited, missing, or without a checksum."""
    committed, actual = _committed(folder), _actual(folder)
    return [
        *(
            f"{name} was edited after its checksum was committed"
            for name in committed
            if name in actual and actual[name] != committed[name]
        ),
        *(f"{name} is missing" for name in committed if name not in actual),
        *(f"{name} has no checksum: run `make checksums`" for name in _new(folder)),
    ]


def add(folder: Path = MIGRATIONS) -> list[str]:
    """Add a line for each migration without one, and return the names. Changes no other line."""
    new, actual = _new(folder), _actual(folder)
    lines = _committed(folder) | {name: actual[name] for name in new}
    text = "".join(f"{lines[name]}  {name}\n" for name in sorted(lines))
    (folder / FILE).write_text(text)
    return new


def _actual(folder: Path) -> dict[str, str]:
    return {name: checksum(content) for name, content in migration_files(folder).items()}


def _committed(folder: Path) -> dict[str, str]:
    path = folder / FILE
    lines = path.read_text().splitlines() if path.exists() else []
    return {name: committed for committed, name in (line.split("  ", 1) for line in lines)}


def _new(folder: Path) -> list[str]:
    committed = _committed(folder)
    return [name for name in _actual(folder) if name not in committed]


if __name__ == "__main__":
    for added in add():
        print(f"{added}: added to {FILE}")
    if remaining := problems():
        sys.exit("\n".join(remaining))
