"""The rules of the house that a machine can check: lengths, words, names and the layout of domains.

CONTRIBUTING.md has the rules for people.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAYER = ROOT / "layers/shared/allowance"
MAX_LINES = 250
MAX_COLUMNS = 100
MAX_TEST_NAME = 70
MAX_DOMAIN_LINES = 8

BANNED_WORDS = re.compile(
    r"\b(whoever|anew|for ever|(?:is|are|be) told|who comes|that of|so many|homeless"
    r"|is made anew|of which nobody)\b",
    re.IGNORECASE,
)
"""Idioms that readers of English as a second language stumble over. See CONTRIBUTING.md."""

BANNED_NAMES = {"utils", "util", "common", "helpers", "helper", "manager", "base", "misc"}

FOLDERS = ("bench", "clients", "functions", "layers", "local", "migrations", "tests")
CODE = sorted(
    path
    for folder in FOLDERS
    for path in (ROOT / folder).rglob("*")
    if path.suffix in {".py", ".sql"}
)
DOMAINS = sorted(path.parent for path in LAYER.rglob("__init__.py") if path.parent != LAYER)


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))


def remarks(path: Path) -> Iterator[tuple[int, str]]:
    """The comments and docstrings of a file, by line."""
    text = path.read_text()
    if path.suffix == ".sql":
        for number, line in enumerate(text.split("\n"), 1):
            if line.lstrip().startswith("--"):
                yield number, line
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(text)):
        body = getattr(node, "body", None)
        for statement in body if isinstance(body, list) else []:
            match statement:
                case ast.Expr(value=ast.Constant(value=str(said))):
                    yield statement.lineno, said
                case _:
                    pass


def test_no_file_is_longer_than_a_person_reads() -> None:
    lengths = {short(path): path.read_text().count("\n") for path in CODE}
    assert {name: lines for name, lines in lengths.items() if lines > MAX_LINES} == {}


def test_no_line_is_wider_than_a_page() -> None:
    wide = {
        f"{short(path)}:{number}"
        for path in CODE
        for number, line in enumerate(path.read_text().split("\n"), 1)
        if len(line) > MAX_COLUMNS
    }
    assert wide == set()


def test_no_remark_uses_a_banned_idiom() -> None:
    found = {
        f"{short(path)}:{number}: {word}"
        for path in CODE
        # This file lists them.
        if path != Path(__file__)
        for number, text in remarks(path)
        for word in BANNED_WORDS.findall(text)
    }
    assert found == set()


@pytest.mark.parametrize("path", DOMAINS, ids=short)
def test_a_domain_says_what_it_owns_and_exports_nothing(path: Path) -> None:
    tree = ast.parse((path / "__init__.py").read_text())
    said = ast.get_docstring(tree)
    assert said is not None
    assert 3 <= said.count("\n") + 1 <= MAX_DOMAIN_LINES
    assert "Owns" in said
    assert len(tree.body) == 1


def test_a_module_is_named_by_its_domain() -> None:
    for path in LAYER.rglob("*.py"):
        assert path.stem not in BANNED_NAMES, short(path)
        # `database/database.py` is the one thing that its folder is about.
        if path.parent.name != path.stem:
            singular = path.parent.name.removesuffix("s")
            assert not re.search(rf"(^|_){singular}s?(_|$)", path.stem), short(path)


def test_test_names_are_sentences_that_fit() -> None:
    for path in CODE:
        if path.name.startswith("test_"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                    assert len(node.name) <= MAX_TEST_NAME, f"{short(path)}: {node.name}"
