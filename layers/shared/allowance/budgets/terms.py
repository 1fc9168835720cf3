"""The terms of an organization's budget in requests, and what makes them impossible."""

import re
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, Strict

from allowance.budgets.periods import PeriodUnit
from allowance.contract.fields import UUID_FORM, Body, Moment, Name, example, hyphenated
from allowance.errors import Problem

MAX_BUDGET_MICROS = 1_000_000_000_000_000
MAX_MODELS, MAX_THRESHOLDS, MAX_PERCENT = 100, 10, 1000
ALL_MODELS = "*"

ScopeType = Literal["organization", "group", "user", "label"]
Per = Literal["total", "member", "value"]
Enforcement = Literal["enforce", "warn", "off"]

_LABEL_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,63}", re.ASCII)
_MODEL = re.compile(r"[^/*]+/([^*]+\*?|\*)")


def _budget_name(value: str) -> str:
    if "/" in value or UUID_FORM.fullmatch(value):
        raise ValueError("must have no slash, and must not look like a UUID: it is in paths")
    return value


def _model(value: str) -> str:
    if value != ALL_MODELS and not _MODEL.fullmatch(value):
        raise ValueError("must be `*`, or provider/model, with `*` at its end only")
    return value


def _label_key(value: str) -> str:
    # As `allowance.usage.labels` takes them: no usage has another key or value.
    if not _LABEL_KEY.fullmatch(value) or value.startswith("allowance/"):
        raise ValueError("must be a key that a label can have")
    return value


def _label_value(value: str) -> str:
    if "\x00" in value or "\ufffd" in value:
        raise ValueError("must be a value that a label can have")
    return value


def _zone(value: str) -> str:
    # Postgres reads a name without a slash, such as CET, as an abbreviation without summer time.
    # The database knows which of the others exist.
    if value != "UTC" and "/" not in value:
        raise ValueError("must be UTC, or a name like Europe/Berlin")
    return value


TimeZone = Annotated[
    Name, AfterValidator(_zone), Field(description="UTC, or a name like Europe/Berlin.")
]
BudgetName = Annotated[Name, AfterValidator(_budget_name)]
ModelPattern = Annotated[Name, AfterValidator(_model)]
BudgetLabelKey = Annotated[str, AfterValidator(_label_key)]
BudgetLabelValue = Annotated[str, Field(max_length=255), AfterValidator(_label_value)]
Id = Annotated[UUID, Strict(strict=False), BeforeValidator(hyphenated)]
Limit = Annotated[int, Field(ge=0, le=MAX_BUDGET_MICROS)]


class ScopeTerms(Body):
    """What a budget is about: the organization, a group, a user, or usage with a label."""

    type: ScopeType
    group_id: Annotated[Id | None, Field(description="With type group.")] = None
    user_id: Annotated[Id | None, Field(description="With type user.")] = None
    key: Annotated[
        BudgetLabelKey | None, Field(description="With type label: the label's key.")
    ] = None
    value: Annotated[
        BudgetLabelValue | None,
        Field(description="With type label: its value; null: any, with per value."),
    ] = None


class PeriodTerms(Body):
    """How often the limit starts again."""

    unit: PeriodUnit
    time_zone: TimeZone = "UTC"
    week_starts: Annotated[
        int, Field(ge=1, le=7, description="The first day of a week; 1 is Monday.")
    ] = 1
    year_starts: Annotated[
        int, Field(ge=1, le=12, description="The first month of the fiscal year.")
    ] = 1


class BudgetTerms(Body):
    """The body of POST and PUT: the whole budget. What is left out has its default."""

    model_config = example(
        {
            "name": "research",
            "scope": {"type": "group", "group_id": "5c0c3d3e-0b1f-4f0e-9a60-0d6c1c3f2a11"},
            "per": "total",
            "limit_micros": 5_000_000_000,
            "period": {"unit": "month", "time_zone": "Europe/Berlin"},
        }
    )

    name: Annotated[BudgetName, Field(description="Unique in the organization.")]
    scope: ScopeTerms
    per: Annotated[
        Per, Field(description="Whose limit it is: of all together, each member, each value.")
    ]
    models: Annotated[
        list[ModelPattern],
        Field(
            min_length=1,
            max_length=MAX_MODELS,
            description="Names as gateways send them, provider/model; `*` at the end: any rest.",
        ),
    ] = [ALL_MODELS]
    limit_micros: Annotated[Limit, Field(description="Whole micro-units of US dollars a period.")]
    period: PeriodTerms
    enforcement: Annotated[
        Enforcement,
        Field(description="enforce refuses; warn says that it would have; off only counts."),
    ] = "enforce"
    thresholds: Annotated[
        list[Annotated[int, Field(ge=1, le=MAX_PERCENT)]],
        Field(
            max_length=MAX_THRESHOLDS, description="Percentages of the limit that raise an alert."
        ),
    ] = [85, 100]
    starts_at: Annotated[
        Moment | None, Field(description="Usage before this time does not count.")
    ] = None
    ends_at: Annotated[
        Moment | None, Field(description="Usage from this time on does not count.")
    ] = None
    rollover_micros: Annotated[
        Limit, Field(description="The most that is carried over of an unused period.")
    ] = 0

    @property
    def model_patterns(self) -> list[str] | None:
        """Return the patterns for LIKE; None for all models."""
        if ALL_MODELS in self.models:
            return None
        escaped = (re.sub(r"([\\%_])", r"\\\1", each) for each in self.models)
        return [f"{each[:-1]}%" if each.endswith("*") else each for each in escaped]

    @property
    def parameters(self) -> dict[str, Any]:
        """Return the parameters of the queries that write the budget."""
        scope, period = self.scope, self.period
        return {
            "name": self.name,
            "scope": scope.type,
            "group_id": scope.group_id,
            "user_id": scope.user_id,
            "label_key": scope.key,
            "label_value": scope.value,
            "per": self.per,
            "models": self.models,
            "period_unit": period.unit,
            "time_zone": period.time_zone,
            "week_starts": period.week_starts,
            "year_starts": period.year_starts,
            "limit_micros": self.limit_micros,
            "enforcement": self.enforcement,
            "budget_thresholds": sorted(self.thresholds),
            "starts_at": self.starts_at,
            "ends_at": self.ends_at,
            "rollover_micros": self.rollover_micros,
        }

    def problems(self) -> list[Problem]:
        """Return what makes the fields together impossible. Each field is possible by itself."""
        return [*_scope_problems(self.scope), *_per_problems(self), *_other_problems(self)]


def _scope_problems(scope: ScopeTerms) -> Iterator[Problem]:
    for field, kind in (("group_id", "group"), ("user_id", "user"), ("key", "label")):
        if (getattr(scope, field) is not None) != (scope.type == kind):
            detail = "Required." if scope.type == kind else f"Only with type {kind}."
            yield Problem(f"scope.{field}", detail)
    if scope.value is not None and scope.type != "label":
        yield Problem("scope.value", "Only with type label.")


def _per_problems(terms: BudgetTerms) -> Iterator[Problem]:
    scope = terms.scope
    has_values = scope.type == "label" and scope.value is None
    if terms.per == "value" and not has_values:
        yield Problem("per", "Value needs a scope of type label without a value.")
    elif terms.per != "value" and has_values:
        yield Problem("per", "Must be value, unless the scope has the value of its label.")
    elif terms.per == "member" and scope.type == "user":
        yield Problem("per", "Must be total: a user has no members.")


def _other_problems(terms: BudgetTerms) -> Iterator[Problem]:
    for field, values in (("models", terms.models), ("thresholds", terms.thresholds)):
        if len(set(values)) < len(values):
            yield Problem(field, "Must not have the same entry twice.")
    if not _in_order(terms.starts_at, terms.ends_at):
        yield Problem("ends_at", "Must be after starts_at.")
    if terms.rollover_micros > 0 and terms.period.unit == "none":
        yield Problem("rollover_micros", "Must be 0: without periods nothing is carried over.")


def _in_order(*times: datetime | None) -> bool:
    return all(
        one < other for one, other in pairwise(times) if one is not None and other is not None
    )
