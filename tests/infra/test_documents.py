"""The documents as data: length, links, and statements about the project."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from allowance.access.scopes import ScopeDocument
from allowance.directory.reading import read_directory
from local.demo import PEOPLE

ROOT = Path(__file__).parents[2]
DECISIONS = sorted((ROOT / "docs/decisions").glob("*.md"))
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
WORDS_OF_A_DECISION = 250
COLUMNS = 100
README_LINES = 160
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]*)(?:#[^)\s]*)?\)")


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def prose(page: Path) -> Iterator[tuple[int, str]]:
    """The numbered lines of a page, without code blocks and tables."""
    in_code = False
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if line.lstrip().startswith("```"):
            in_code = not in_code
        elif not in_code and not line.lstrip().startswith("|") and not line.startswith("    "):
            yield number, line


@pytest.mark.parametrize("page", DECISIONS, ids=name)
def test_a_decision_is_short_and_says_what_why_and_given_up(page: Path) -> None:
    headings = [line for _, line in prose(page) if line.startswith("#")]
    assert re.match(rf"# {int(page.name[:4])}\. ", headings[0]), "the number of its file"
    assert headings[1:] == ["## What", "## Why", "## Given up"]
    words = sum(len(line.split()) for _, line in prose(page))
    assert words <= WORDS_OF_A_DECISION


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [int(page.name[:4]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_line_of_prose_has_at_most_100_columns(page: Path) -> None:
    long = [
        number
        for number, line in prose(page)
        if len(line) > COLUMNS and not re.search(r"\]\(|https?://", line)
    ]
    assert not long


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_relative_link_leads_to_a_file(page: Path) -> None:
    targets = {
        target
        for target in LINK.findall(page.read_text())
        if target and not re.match(r"[a-z]+:", target)
    }
    assert {target for target in targets if not (page.parent / target).exists()} == set()


def test_every_guide_is_reachable_from_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    linked = {(ROOT / target).resolve() for target in LINK.findall(readme)}
    assert {name(page) for page in (ROOT / "docs").glob("*.md") if page not in linked} == set()


def test_the_readme_is_short_and_knows_the_five_people() -> None:
    readme = (ROOT / "README.md").read_text()
    assert len(readme.splitlines()) < README_LINES
    table = readme.split("## Five people")[1].split("\n## ")[0]
    rows = [row.split(" | ") for row in re.findall(r"^\| (.*) \|$", table, re.MULTILINE)]
    assert {person: who for person, who, _ in rows[1:]} == PEOPLE


def test_the_changelog_begins_with_an_unreleased_section() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()
    first = re.search(r"^## (.*)$", changelog, re.MULTILINE)
    assert first is not None
    assert first[1].endswith("(unreleased)")
    section = changelog[first.end() :].split("\n## ")[0]
    assert re.search(r"^- ", section, re.MULTILINE), "it names changes"


def test_the_examples_of_the_directory_page_are_documents() -> None:
    page = (ROOT / "docs/directory.md").read_text()
    document, _, renaming, scope = (
        json.loads(block) for block in re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    )
    assert read_directory(document).places == {"adam": 0}
    assert read_directory(renaming).matched == [0]
    assert ScopeDocument.model_validate(scope).allow_list[0].id == "acme/platform"
