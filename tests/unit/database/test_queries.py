"""The .sql files against the Python that calls them: each placeholder is passed, and each parameter
is used.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import allowance
from allowance.access.store import Origin
from allowance.contract.preconditions import Precondition
from allowance.database.database import queries
from allowance.directory.importer import WRITES

LAYER = Path(allowance.__file__).parent
CALLS = {"many", "first", "one", "run", "call"}

WRITES_OF_AN_IMPORT = {"document", "accounts"}
"""What directory_store passes to each statement of its list: one needs the one, one the other."""


TOGETHER = {
    "origin.parameters": Origin(None, "", "").parameters,
    "precondition.parameters": Precondition().parameters,
}
"""What is passed as one, by the last two words of how it is called in the source."""


def names_of(keyword: ast.keyword) -> Iterable[str]:
    """The parameters that a keyword argument passes: one, or those of `**origin.parameters`."""
    if keyword.arg is not None:
        return [keyword.arg]
    *_, owner, attribute = re.findall(r"[a-z]+", ast.unparse(keyword.value))
    return TOGETHER[f"{owner}.{attribute}"]


def called() -> dict[str, list[set[str]]]:
    """Query name -> the parameter names of each call, read from the source."""
    found: defaultdict[str, list[set[str]]] = defaultdict(list)
    for path in LAYER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = (
                node.func.attr
                if isinstance(node.func, ast.Attribute)
                else getattr(node.func, "id", "")
            )
            constants = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
            if name in CALLS and constants and constants[0] in queries():
                found[constants[0]].append(
                    {name for each in node.keywords for name in names_of(each)}
                )
    for name in WRITES:
        found[name].append(WRITES_OF_AN_IMPORT & placeholders(name))
    return found


def placeholders(name: str) -> set[str]:
    return set(re.findall(r"%\((\w+)\)s", queries()[name].decode()))


def test_every_query_is_called_with_exactly_its_placeholders() -> None:
    calls = called()
    assert calls.keys() == queries().keys()
    for name, passed in calls.items():
        assert all(each == placeholders(name) for each in passed), name


def test_every_query_begins_with_its_intent() -> None:
    for name, sql in queries().items():
        assert sql.decode().startswith("-- "), name


def test_a_percent_sign_is_a_placeholder_or_doubled() -> None:
    for name, sql in queries().items():
        without = re.sub(r"%\(\w+\)s|%%", "", sql.decode())
        assert "%" not in without, name


def test_columns_are_spelled_out() -> None:
    for name, sql in queries().items():
        # A row as JSON is a star in disguise: it would break when a migration adds a column.
        assert not re.search(r"SELECT\s+(\w+\.)?\*|to_jsonb\(\w+\)|row_to_json", sql.decode()), name
