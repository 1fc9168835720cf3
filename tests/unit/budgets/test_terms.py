"""The terms of an organization's budget: each impossible one names its field."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from allowance.budgets.terms import MAX_BUDGET_MICROS, BudgetTerms
from allowance.contract.validation import problems_of
from allowance.usage.labels import Labels

GROUP = {"type": "group", "group_id": "5c0c3d3e-0b1f-4f0e-9a60-0d6c1c3f2a11"}
USER = {"type": "user", "user_id": "5c0c3d3e-0b1f-4f0e-9a60-0d6c1c3f2a11"}
LABEL = {"type": "label", "key": "project", "value": "search"}
ANY_VALUE = {"type": "label", "key": "project"}
VALID: dict[str, Any] = {
    "name": "all",
    "scope": {"type": "organization"},
    "per": "total",
    "limit_micros": 1,
    "period": {"unit": "month"},
}


def wrong(document: dict[str, Any]) -> list[str]:
    """The fields with a problem."""
    try:
        return [each.field for each in BudgetTerms.model_validate(document).problems()]
    except ValidationError as error:
        return [each.field for each in problems_of(error, BudgetTerms)]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"limit_micros": -1}, "limit_micros"),
        ({"limit_micros": MAX_BUDGET_MICROS + 1}, "limit_micros"),
        ({"limit_micros": 1.0}, "limit_micros"),
        ({"limit_micros": float("nan")}, "limit_micros"),
        ({"limit_micros": True}, "limit_micros"),
        ({"limit_micros": "1"}, "limit_micros"),
        ({"limit_micros": None}, "limit_micros"),
        ({"rollover_micros": -1}, "rollover_micros"),
        ({"rollover_micros": MAX_BUDGET_MICROS + 1}, "rollover_micros"),
        ({"rollover_micros": 1, "period": {"unit": "none"}}, "rollover_micros"),
        ({"enforcement": "block"}, "enforcement"),
        ({"per": "person"}, "per"),
        ({"scope": {"type": "team"}}, "scope.type"),
        ({"scope": {}}, "scope.type"),
        ({"scope": {"type": "organization", "team": 1}}, "scope.team"),
        ({"period": {"unit": "hour"}}, "period.unit"),
        ({"period": {"unit": "week", "week_starts": 0}}, "period.week_starts"),
        ({"period": {"unit": "week", "week_starts": 8}}, "period.week_starts"),
        ({"period": {"unit": "year", "year_starts": 0}}, "period.year_starts"),
        ({"period": {"unit": "year", "year_starts": 13}}, "period.year_starts"),
        ({"period": {"unit": "day", "time_zone": "CET"}}, "period.time_zone"),
        ({"period": {"unit": "day", "time_zone": "EST5EDT"}}, "period.time_zone"),
        ({"period": {"unit": "day", "time_zone": "localtime"}}, "period.time_zone"),
        ({"period": {"unit": "day", "time_zone": ""}}, "period.time_zone"),
        ({"starts_at": "2026-12-01T00:00:00Z", "ends_at": "2026-12-01T00:00:00Z"}, "ends_at"),
        ({"starts_at": "2026-12-01T01:00:00Z", "ends_at": "2026-12-01T01:30:00+01:00"}, "ends_at"),
        ({"starts_at": "2026-12-01"}, "starts_at"),
        ({"thresholds": [0]}, "thresholds[0]"),
        ({"thresholds": [85, 1001]}, "thresholds[1]"),
        ({"thresholds": [85, 85]}, "thresholds"),
        ({"thresholds": list(range(1, 12))}, "thresholds"),
        ({"models": []}, "models"),
        ({"models": ["a/b", "a/b"]}, "models"),
        ({"models": [f"a/{n}" for n in range(101)]}, "models"),
        ({"models": ["gpt-5"]}, "models[0]"),
        ({"models": ["open*"]}, "models[0]"),
        ({"models": ["*", "*/gpt"]}, "models[1]"),
        ({"models": ["openai/gpt*mini"]}, "models[0]"),
        ({"models": ["openai/"]}, "models[0]"),
        ({"models": ["openai/**"]}, "models[0]"),
        ({"name": ""}, "name"),
        ({"name": "a/b"}, "name"),
        ({"name": "a\n"}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"name": GROUP["group_id"].upper()}, "name"),
        ({"budget": 1}, "budget"),
        ({"scope": {"type": "group"}}, "scope.group_id"),
        ({"scope": {"type": "group", "group_id": "platform"}}, "scope.group_id"),
        ({"scope": GROUP | {"user_id": GROUP["group_id"]}}, "scope.user_id"),
        ({"scope": {"type": "user"}}, "scope.user_id"),
        ({"scope": {"type": "label"}, "per": "value"}, "scope.key"),
        ({"scope": {"type": "label", "key": "", "value": "a"}}, "scope.key"),
        ({"scope": {"type": "organization", "value": "a"}}, "scope.value"),
        ({"scope": USER, "per": "member"}, "per"),
        ({"scope": GROUP, "per": "value"}, "per"),
        ({"scope": LABEL, "per": "value"}, "per"),
        ({"scope": ANY_VALUE, "per": "total"}, "per"),
        ({"scope": ANY_VALUE, "per": "member"}, "per"),
    ],
)
def test_an_impossible_term_is_refused_by_its_field(changed: dict[str, Any], field: str) -> None:
    assert wrong(VALID | changed) == [field]


@pytest.mark.parametrize(
    "changed",
    [
        {"limit_micros": 0},
        {"limit_micros": MAX_BUDGET_MICROS, "rollover_micros": MAX_BUDGET_MICROS},
        {"scope": {"type": "organization", "group_id": None}, "per": "member"},
        {"scope": GROUP, "per": "member"},
        {"scope": USER},
        {"scope": LABEL, "per": "member"},
        {"scope": ANY_VALUE, "per": "value"},
        {"thresholds": [], "models": ["*"]},
        {"thresholds": [1000, 1], "models": ["openai/*", "anthropic/claude-*", "p/a/b"]},
        {"period": {"unit": "year", "time_zone": "America/Argentina/Ushuaia", "year_starts": 12}},
        {"starts_at": "2026-12-01T00:00:00Z", "ends_at": "2026-12-01T00:00:00.000001Z"},
        {"name": "Team's 50%"},
    ],
)
def test_possible_terms_are_accepted(changed: dict[str, Any]) -> None:
    assert wrong(VALID | changed) == []


def test_every_problem_is_named_at_once() -> None:
    assert wrong({"limit_micros": -1, "x": 1}) == [
        "name",
        "scope",
        "per",
        "limit_micros",
        "period",
        "x",
    ]
    assert wrong(VALID | {"scope": {"type": "user", "key": "k"}, "per": "value"}) == [
        "scope.user_id",
        "scope.key",
        "per",
    ]


def test_a_pattern_is_one_for_like() -> None:
    def patterns(*models: str) -> list[str] | None:
        return BudgetTerms.model_validate(VALID | {"models": list(models)}).model_patterns

    assert patterns("*") is patterns("a/b", "*") is None
    assert patterns("a_b/50%*", "a/b\\c") == [r"a\_b/50\%%", r"a/b\\c"]


def test_what_is_left_out_has_its_default() -> None:
    terms = BudgetTerms.model_validate(VALID)
    assert terms.models == ["*"]
    assert terms.thresholds == [85, 100]
    assert terms.enforcement == "enforce"
    assert terms.rollover_micros == 0
    assert (terms.starts_at, terms.ends_at) == (None, None)
    period = terms.period
    assert (period.time_zone, period.week_starts, period.year_starts) == ("UTC", 1, 1)


@pytest.mark.parametrize("key", ["a", "_", "team/a.b-c", "x" * 64, "x" * 65, "", "-a", "é", "a b"])
@pytest.mark.parametrize("prefix", ["", "allowance/"])
def test_a_budget_takes_the_keys_that_a_usage_takes(prefix: str, key: str) -> None:
    label = {"type": "label", "key": prefix + key, "value": "v"}
    assert (wrong(VALID | {"scope": label}) == []) == _is_label(prefix + key, "v")


@pytest.mark.parametrize("value", ["", " ", "a\nb", "x" * 255, "x" * 256, "\x00", "\ufffd"])
def test_a_budget_takes_the_values_that_a_usage_takes(value: str) -> None:
    label = {"type": "label", "key": "k", "value": value}
    assert (wrong(VALID | {"scope": label}) == []) == _is_label("k", value)


def _is_label(key: str, value: str) -> bool:
    try:
        TypeAdapter(Labels).validate_python({key: value})
    except ValidationError:
        return False
    return True
