"""The .sql files against the Python that calls them, and how their headers are read."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

import allowance
from allowance.access.names import NOTHING_NAMED, Names
from allowance.access.store import Origin
from allowance.budgets.organization import id_or_name
from allowance.budgets.terms import BudgetTerms, PeriodTerms, ScopeTerms
from allowance.contract.preconditions import Precondition
from allowance.database import queries as module
from allowance.database.queries import queries
from allowance.directory.members import WRITES
from allowance.directory.models import PeopleQuery
from allowance.directory.people import selection_of
from allowance.directory.snapshot import Part
from allowance.exports.report_period import report_period
from allowance.spend.series_query import Asked, UserSeriesQuery

LAYER = Path(allowance.__file__).parent
CALLS = {"many", "first", "one", "run", "call", "list"}

READING = ("organization_id", "group_ids", "user_ids")
CHANGING = ("organization_id", "group_ids")
SELECTION = selection_of(PeopleQuery(), datetime.now(UTC))
TOGETHER: dict[str, Iterable[str]] = {
    "self._origin.parameters": Origin(None, "", "").parameters,
    "origin.parameters": Origin(None, "", "").parameters,
    "part.parameters": Part().parameters,
    "precondition.parameters": Precondition().parameters,
    "parameters": READING,
    "groups": CHANGING,
    "scope": ("group_id", "user_id"),
    "period.parameters": report_period(None, None, datetime.now(UTC)).parameters,
    "id_or_name(budget)": id_or_name("b"),
    "names.others": Names(users=["a"]).others or {},
    "names.with_caller": NOTHING_NAMED.with_caller,
    "selection": SELECTION,
    "selection_of(query, self._caller.now)": SELECTION,
    "query.terms": UserSeriesQuery().terms,
    "query.parts": UserSeriesQuery().parts,
    "asked.parameters": Asked(None, None, None, None).parameters,
    "terms.parameters": BudgetTerms(
        name="b",
        scope=ScopeTerms(type="organization"),
        per="total",
        limit_micros=0,
        period=PeriodTerms(unit="month"),
        enforcement="warn",
    ).parameters,
}
"""What is passed as one, by its expression."""


def names_of(keyword: ast.keyword) -> Iterable[str]:
    """The parameters that a keyword argument passes: one, or those of `**origin.parameters`."""
    if keyword.arg is not None:
        return [keyword.arg]
    return TOGETHER[ast.unparse(keyword.value)]


def called() -> dict[str, list[set[str]]]:
    """Query name -> the parameter names of each call, read from the source."""
    found: defaultdict[str, list[set[str]]] = defaultdict(list)
    for path in LAYER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            function = node.func
            name = (
                function.attr
                if isinstance(function, ast.Attribute)
                else getattr(function, "id", "")
            )
            constants = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
            if name in CALLS and constants and constants[0] in queries():
                found[constants[0]].append({n for each in node.keywords for n in names_of(each)})
    for name in WRITES:
        found[name].append({"users"})
    return found


def text_of(name: str) -> str:
    return queries()[name].sql.decode()


def placeholders(name: str) -> set[str]:
    return set(re.findall(r"%\((\w+)\)s", text_of(name)))


def test_every_query_is_called_with_exactly_its_placeholders() -> None:
    calls = called()
    assert calls.keys() == queries().keys()
    for name, passed in calls.items():
        assert all(each == placeholders(name) for each in passed), name


def test_every_need_names_parameters_of_its_query() -> None:
    for name, query in queries().items():
        for need in query.needs:
            for place in (need.id, need.organization):
                if place is not None:
                    assert place[1] in placeholders(name), name


def test_every_query_lies_beside_the_module_that_runs_it() -> None:
    for path in LAYER.rglob("*.sql"):
        stated = re.findall(r"^-- name: (\w+)$", path.read_text(), re.MULTILINE)
        source = path.with_suffix(".py").read_text() if stated else ""
        assert all(f'"{name}"' in source for name in stated), path.name


def test_every_query_begins_with_its_intent() -> None:
    for name in queries():
        assert text_of(name).startswith("-- "), name


def test_a_percent_sign_is_a_placeholder_or_doubled() -> None:
    for name in queries():
        without = re.sub(r"%\(\w+\)s|%%", "", text_of(name))
        assert "%" not in without, name


def test_columns_are_spelled_out() -> None:
    for name in queries():
        # A row as JSON is a star in disguise: a new column would break it.
        star = r"SELECT\s+(\w+\.)?\*|to_jsonb\(\w+\)|row_to_json"
        assert not re.search(star, text_of(name)), name


def test_audit_entries_are_written_by_one_fragment() -> None:
    for path in LAYER.rglob("*.sql"):
        writes = path.read_text().count("INSERT INTO audit_log")
        assert writes == (1 if path.name == "entries.sql" else 0), path.name


AUDITED = re.compile(
    r"(?:INSERT INTO|UPDATE|DELETE FROM) (group_ai_budgets|user_ai_budget_overrides"
    r"|ai_model_price_versions|ai_model_price_changes_held|ai_policies)\b"
)
"""A write to a table whose changes have audit entries."""


def test_a_query_that_changes_what_is_audited_writes_the_entry() -> None:
    changing = {name for name in queries() if AUDITED.search(text_of(name))}
    assert len(changing) >= 7
    for name in changing:
        sql = text_of(name)
        assert sql.count("INSERT INTO audit_log") == 1, name
        # The entries come from the CTE `audited`, which tells of this change.
        assert "FROM audited AS a" in sql, name
        assert re.search(r"^audited AS \(", sql, re.MULTILINE), name


LOCKS = re.compile(r"\bFOR (NO KEY )?UPDATE\b|\block_\w+\(|\bpg_(try_)?advisory_xact_lock\(")


LOCKED_BY_CALLER = {"write_directory_audit": ["lock_directory"]}
"""An import takes its lock once, before all of its steps."""


def named_in(function: ast.FunctionDef) -> list[str]:
    """The queries that a function names, in the order of its text."""
    found = [
        each for each in ast.walk(function)
        if isinstance(each, ast.Constant) and each.value in queries()
    ]  # fmt: skip
    return [str(each.value) for each in sorted(found, key=lambda each: each.lineno)]


def test_a_change_that_is_audited_comes_after_a_lock_of_its_own() -> None:
    """A statement reads `before` from its snapshot, which must begin after the lock."""
    audited = {name for name in queries() if "INSERT INTO audit_log" in text_of(name)}
    seen: set[str] = set()
    for path in LAYER.rglob("*.py"):
        source = path.read_text()
        if not any(f'"{name}"' in source for name in audited):
            continue
        for node in ast.walk(ast.parse(source)):
            named = named_in(node) if isinstance(node, ast.FunctionDef) else []
            for name in audited & set(named):
                locks = [each for each in named[: named.index(name)] if each.startswith("lock_")]
                locks += LOCKED_BY_CALLER.get(name, [])
                assert locks, (path.name, name)
                assert all(LOCKS.search(text_of(each)) for each in locks), locks
                seen.add(name)
    assert seen == audited
    assert not any(LOCKS.search(text_of(name)) for name in audited)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterable[Path]:
    """A folder that is read in place of the layer."""
    monkeypatch.setattr(module, "LAYER", tmp_path)
    queries.cache_clear()
    yield tmp_path
    queries.cache_clear()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("-- name: a\nSELECT 1;", "The query a declares no need."),
        ("-- name: a\n-- needs: own group\nSELECT 1;", "'own' is not a valid Action"),
        ("-- name: a\n-- needs: read house\nSELECT 1;", "'house' is not a valid ResourceType"),
        ("-- name: a\n-- needs: read group group_id\nSELECT 1;", "which cannot be read"),
        ("-- name: a\n-- needs: nothing\nSELECT 1;\n-- name: a\n", "Two pieces of SQL are named a"),
    ],
)
def test_a_header_that_breaks_the_rules_is_refused(folder: Path, text: str, problem: str) -> None:
    (folder / "a.sql").write_text(text)
    with pytest.raises(ValueError, match=problem):
        queries()


def test_a_fragment_stands_for_its_line(folder: Path) -> None:
    (folder / "a.sql").write_text("-- fragment: one\nSELECT 1\n")
    (folder / "b.sql").write_text("-- name: a\n-- needs: nothing\n    -- include: one\nLIMIT 1;\n")
    assert queries()["a"].sql == b"SELECT 1\nLIMIT 1;\n"


def test_no_query_pins_the_session_of_an_rds_proxy() -> None:
    """https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-proxy-pinning.html.

    Advisory locks of a transaction do not pin.
    """
    pins = re.compile(
        r"\b(set_config|nextval|setval|pg_(try_)?advisory_lock\w*)\s*\(|^\s*(SET|RESET|PREPARE"
        r"|EXECUTE|DECLARE|DISCARD|LISTEN|LOAD|CREATE)\b"
    )
    found = {
        name
        for name, query in queries().items()
        if pins.search(re.sub(r"--.*", "", query.sql.decode()).strip())
    }
    assert found == set()
