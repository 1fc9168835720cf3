"""The budgets of LiteLLM's config.yaml, as budgets of an organization.

Shape: `litellm_settings`, `router_settings.provider_budget_config` and `model_list` of
docs.litellm.ai/docs/proxy/config_settings and /docs/proxy/users, read in November 2026. LiteLLM
resets a budget of `1d` at midnight, of `7d` on Monday, and of `30d` or `1mo` on the first of the
month, in UTC.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast

from allowance_client.imports.fields import Fields
from allowance_client.imports.problems import Findings, refused
from allowance_client.imports.values import MAX_NAME, list_of, object_of

PERIODS = {
    "24h": "day",
    "1d": "day",
    "7d": "week",
    "1w": "week",
    "30d": "month",
    "1mo": "month",
}
OF_ALL = {"limit": "max_budget", "period": "budget_duration"}
OF_USERS = {"limit": "max_internal_user_budget", "period": "internal_user_budget_duration"}
OF_PROVIDERS = {"limit": "budget_limit", "period": "time_period"}
"""The keys of a limit and of its period."""

MICROS = Decimal(10**6)
MAX_MICROS = 10**15

_MODEL = re.compile(r"\*|[^/*]+/(?:[^*]+\*?|\*)")
"""The models that a budget may have."""


@dataclass(slots=True)
class BudgetPlan:
    """The budgets to create, as the service takes them, and what has no counterpart, by path."""

    budgets: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    without_counterpart: dict[str, str] = field(default_factory=dict[str, str])


def read_litellm_budgets(document: object, findings: Findings) -> BudgetPlan:
    """Return the plan of a configuration. Problems are in `findings`. Raise ImportRefused."""
    if not isinstance(document, dict) or not {"model_list", "litellm_settings"} & document.keys():
        raise refused("Is no config.yaml of LiteLLM: it has no model_list and no litellm_settings.")
    config, plan = cast("dict[str, Any]", document), BudgetPlan()
    fields = Fields(config, "config.yaml", findings)
    settings = fields.inner("litellm_settings")
    _add(plan, settings, "litellm", "total")
    _add(plan, settings, "litellm-users", "member", names=OF_USERS)
    _add_providers(plan, fields.inner("router_settings"))
    taken = {f"litellm_settings.{name}" for name in (*OF_ALL.values(), *OF_USERS.values())}
    taken |= _add_models(plan, fields)
    _name_the_rest(plan, config, taken)
    return plan


def _add(
    plan: BudgetPlan,
    fields: Fields,
    name: str,
    per: str,
    *,
    models: tuple[str, ...] = ("*",),
    names: Mapping[str, str] = OF_ALL,
) -> None:
    """Add a budget if the fields have one."""
    limit = fields.usd(names["limit"])
    if limit is None:
        return
    duration = fields.get(names["period"])
    period = "none" if duration is None else PERIODS.get(str(duration))
    if period is None:
        where = f"{fields.path}{names['period']}"
        plan.without_counterpart[where] = f"a period of {duration}: use 1d, 7d, 30d or 1mo"
        return
    micros = limit * MICROS
    if micros != micros.to_integral_value() or not 0 <= micros <= MAX_MICROS:
        fields.refuse(names["limit"], "must be from 0 to 1e9 US dollars, with six decimals")
        return
    if len(name) > MAX_NAME or not all(map(_MODEL.fullmatch, models)):
        fields.refuse(names["limit"], f"no budget can have the models {', '.join(models)}")
        return
    if any(each["name"].lower() == name.lower() for each in plan.budgets):
        reason = f"the name {name} is taken by another budget of this file: set it yourself"
        plan.without_counterpart[f"{fields.path}{names['limit']}"] = reason
        return
    plan.budgets.append(
        {
            "name": name,
            "scope": {"type": "organization"},
            "per": per,
            "models": list(models),
            "limit_micros": int(micros),
            "period": {"unit": period},
            "enforcement": "enforce",
        }
    )


def _add_providers(plan: BudgetPlan, router: Fields) -> None:
    providers = router.inner("provider_budget_config")
    for provider in providers.values:
        _add(
            plan,
            providers.inner(provider),
            f"litellm-{provider}",
            "total",
            models=(f"{provider}/*",),
            names=OF_PROVIDERS,
        )


def _add_models(plan: BudgetPlan, config: Fields) -> set[str]:
    """Add the budgets of models. Return the paths of those that are added or named."""
    listed = config.get("model_list")
    if listed is not None and not isinstance(listed, list):
        config.refuse("model_list", "must be a list")
    limited: list[tuple[Fields, str]] = []
    for number, each in enumerate(list_of(listed)):
        path = f"model_list[{number}]."
        if not isinstance(each, dict):
            config.refuse(path[:-1], "must be an object")
        model = Fields(object_of(each), config.place, config.findings, path)
        parameters = model.inner("litellm_params")
        if parameters.get("max_budget") is not None:
            limited.append((parameters, parameters.name("model")))
    deployments = Counter(name.lower() for _, name in limited)
    for parameters, name in limited:
        reason = None
        if "/" not in name:
            reason = f"the model {name} names no provider: set a budget for provider/model"
        elif deployments[name.lower()] > 1:
            # LiteLLM limits each deployment, which is no limit of the model.
            reason = f"several deployments of {name} have budgets: set one for the model"
        if reason is not None:
            plan.without_counterpart[f"{parameters.path}max_budget"] = reason
            continue
        _add(plan, parameters, f"litellm-{name.replace('/', '-')}", "total", models=(name,))
    return {f"{parameters.path}{key}" for parameters, _ in limited for key in OF_ALL.values()}


REASONS = {
    "soft_budget": "an alert: set `thresholds` of a budget",
    "max_end_user_budget": "end users are no users here: use labels",
    "default_key_generate_params": "keys have no budget here: limit their users or groups",
    "upperbound_key_generate_params": "keys have no budget here: limit their users or groups",
    "default_team_params": "a team is a group: set the budget of each group",
    "default_team_settings": "a team is a group: set the budget of each group",
    "default_internal_user_params": "set the budget of the group Everyone",
    "tag_budget_config": "a tag is no label: record a label, and set a budget for it",
}


def _name_the_rest(plan: BudgetPlan, config: Mapping[str, Any], taken: set[str]) -> None:
    """Name each setting about budgets that the plan does not have."""

    def visit(value: Any, path: str, reason: str | None) -> None:
        if isinstance(value, dict):
            for key, inside in cast("dict[str, Any]", value).items():
                where = f"{path}.{key}" if path else str(key)
                if where.startswith(("router_settings.provider_budget_config",)) or where in taken:
                    continue
                said = reason or REASONS.get(str(key))
                if "budget" in str(key) and not isinstance(inside, dict | list):
                    plan.without_counterpart.setdefault(where, said or "no counterpart")
                else:
                    visit(inside, where, said)
        elif isinstance(value, list):
            for number, inside in enumerate(cast("list[Any]", value)):
                visit(inside, f"{path}[{number}]", reason)

    visit(config, "", None)
