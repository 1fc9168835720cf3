"""docs/command-line.md: its commands run in their order, and print what it shows."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.command_line import Command, Ran
from tests.gateway import Client
from tests.usage import record, results

PAGE = Path(__file__).parents[4] / "docs/command-line.md"
PREPARE = {
    "pip install 'allowance-client[cli]'",
    "allowance --install-completion",
    'eval "$(make demo)"',
    "export ALLOWANCE_URL=$API",
}
"""Lines that change the machine or the shell of a reader."""
PERSON = re.compile(r"export ALLOWANCE_TOKEN=\$([A-Z]+)")
DATE = re.compile(r"\d{4}-\d\d-\d\d(T[0-9:]+Z)?")


def cells(text: str, split: str) -> list[list[str]]:
    """The cells that have text, line by line, with dates masked."""
    lines = [DATE.sub("DATE", line) for line in text.splitlines()]
    return [[cell for cell in re.split(split, line.strip()) if cell] for line in lines]


def test_the_commands_of_the_page_do_what_it_shows(
    command: Command, gateway: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    at = datetime.now(UTC).isoformat()
    search = record(2, model="zz", labels={"project": "search"}, occurred_at=at)
    results(gateway, record(1, occurred_at=at), search, record(3, user="ghost", occurred_at=at))
    blocks = re.findall(r"```(sh|text)\n(.*?)```", PAGE.read_text(), re.DOTALL)
    person, last, shown = "", Ran(0, "", ""), 0
    for kind, block in blocks:
        if kind == "text":
            assert cells(last.out, r"\t") == cells(block, r"\s{2,}")
            shown += 1
            continue
        for line in block.splitlines():
            if changed := PERSON.fullmatch(line):
                person = changed[1].lower()
            elif line not in PREPARE:
                name, _, words = line.partition(" ")
                assert name == "allowance"
                last = command(words, by=person)
                assert last.code == 0, f"{line}\n{last.err}"
    assert shown == sum(kind == "text" for kind, _ in blocks) > 4
    assert (tmp_path / "ci-token").stat().st_mode & 0o777 == 0o600
