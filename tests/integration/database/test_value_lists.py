"""Names and values in the schema against the code: each list, mark and mapped constraint agrees."""

import re
from types import NoneType
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from allowance.alerts.models import AlertFacts
from allowance.audit.models import AuditEntry
from allowance.budgets.effective import LimitSource
from allowance.budgets.organization_models import BudgetPeriod, OrganizationBudget
from allowance.budgets.terms import BudgetTerms, PeriodTerms, ScopeTerms
from allowance.database.database import CONSTRAINTS as MAPPED
from allowance.directory.document import UserEntry
from allowance.directory.known import Account
from allowance.prices.models import HeldDecision, ModelPriceVersion, PriceCursor
from allowance.reservations.closing import FoundReservation, Released
from allowance.reservations.policy_models import OrganizationPolicy, PolicyTerms
from allowance.usage.revisions import Reason
from allowance.usage.sources import SourceSettings, UsageSource
from tests.postgres import Database

SOURCES: list[tuple[type[BaseModel], str]] = [
    (ModelPriceVersion, "source"),
    (PriceCursor, "source"),
]
LISTS: dict[str, list[tuple[type[BaseModel], str]]] = {
    "ai_alerts_kind": [(AlertFacts, "kind")],
    "ai_alerts_budget_kind": [(AlertFacts, "budget_kind")],
    "ai_alerts_limit_source": [(AlertFacts, "limit_source")],
    "users_status": [(UserEntry, "status"), (Account, "status")],
    "ai_model_price_versions_source": SOURCES,
    "ai_model_price_changes_held_decision": [(HeldDecision, "decision")],
    "ai_usage_sources_cost_from": [(UsageSource, "cost_from"), (SourceSettings, "cost_from")],
    "ai_usage_sources_unknown_users": [
        (UsageSource, "unknown_users"),
        (SourceSettings, "unknown_users"),
    ],
    "ai_policies_unpriced": [(OrganizationPolicy, "unpriced"), (PolicyTerms, "unpriced")],
    "audit_log_action": [(AuditEntry, "action")],
    "ai_budgets_scope": [(ScopeTerms, "type")],
    "ai_budgets_per": [(BudgetTerms, "per"), (OrganizationBudget, "per")],
    "ai_budgets_period_unit": [(PeriodTerms, "unit"), (BudgetPeriod, "unit")],
    "ai_budgets_enforcement": [
        (BudgetTerms, "enforcement"),
        (OrganizationBudget, "enforcement"),
    ],
    "ai_reservations_state": [(FoundReservation, "state"), (Released, "state")],
}
"""The models that read or write the column of a constraint."""

OF_SQL = {"ai_usage_reason": ("write_ai_usage", Reason)}
"""Constraints whose values this function of the schema writes, beside those of the type."""

SCHEMA = "nspname = 'public'"
CONSTRAINTS = (
    "SELECT DISTINCT conname, pg_get_constraintdef(c.oid) FROM pg_constraint c"
    f" JOIN pg_namespace n ON n.oid = connamespace WHERE contype = 'c' AND {SCHEMA}"
)
FUNCTIONS = (
    "SELECT proname, pg_get_functiondef(p.oid) FROM pg_proc p"
    f" JOIN pg_namespace n ON n.oid = pronamespace WHERE prokind = 'f' AND {SCHEMA}"
)


@pytest.fixture(scope="module")
def lists(migrated: Database) -> dict[str, set[str]]:
    """The values of each constraint `column IN (...)`, by its name."""
    return {
        name: set(re.findall(r"'([^']*)'::text", definition))
        for name, definition in migrated.rows(CONSTRAINTS)
        if "= ANY (ARRAY[" in definition
    }


def literals(model: type[BaseModel], field: str) -> set[Any]:
    """The values of a field that is a Literal, or one or None."""
    annotation = model.model_fields[field].annotation
    members = [each for each in get_args(annotation) if each is not NoneType]
    return set(get_args(members[0]) or members)


def test_the_code_names_every_list_of_values_in_the_schema(lists: dict[str, set[str]]) -> None:
    assert lists.keys() == LISTS.keys() | OF_SQL.keys()


@pytest.mark.parametrize("constraint", LISTS)
def test_a_list_in_the_schema_is_the_type_in_the_code(
    constraint: str, lists: dict[str, set[str]]
) -> None:
    for model, field in LISTS[constraint]:
        assert literals(model, field) == lists[constraint], model


@pytest.mark.parametrize("constraint", OF_SQL)
def test_a_function_writes_exactly_the_values_of_its_list(
    constraint: str, lists: dict[str, set[str]], migrated: Database
) -> None:
    function, written_by_code = OF_SQL[constraint]
    sql = dict(migrated.rows(FUNCTIONS))[function]
    ((first, second),) = re.findall(r"CASE WHEN e\.corrects IS NULL THEN '(\w+)' ELSE '(\w+)'", sql)
    assert {first, second, *get_args(written_by_code)} == lists[constraint]


def test_functions_give_exactly_the_limit_sources_of_the_code(migrated: Database) -> None:
    written = {
        name: set(re.findall(r"THEN '(\w+)'", choice))
        for name, definition in migrated.rows(FUNCTIONS)
        for choice in re.findall(
            r"CASE((?:(?!CASE).)*?)\sEND\s+AS\s+limit_source", definition, re.DOTALL
        )
    }
    assert written
    assert all(each == set(get_args(LimitSource)) for each in written.values()), written


def test_every_constraint_that_maps_to_an_error_exists(migrated: Database) -> None:
    named = {name for (name,) in migrated.rows("SELECT conname FROM pg_constraint")}
    indexes = {name for (name,) in migrated.rows("SELECT indexname FROM pg_indexes")}
    assert MAPPED.keys() <= named | indexes
