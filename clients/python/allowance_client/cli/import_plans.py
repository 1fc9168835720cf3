"""Configuration of LiteLLM: its budgets as budgets of an organization, its users as a directory
document.
"""

from collections.abc import Mapping
from typing import Any

from allowance_client.cli.amounts import dollars
from allowance_client.cli.api import Api, connected, path
from allowance_client.cli.options import DEFAULTS, Options
from allowance_client.cli.problems import UsageProblem
from allowance_client.cli.tables import figures, print_json, show, texts, warn
from allowance_client.imports.files import ImportFile
from allowance_client.imports.litellm_budgets import read_litellm_budgets
from allowance_client.imports.litellm_users import read_litellm_users
from allowance_client.imports.problems import Findings

PAGE_OF_PEOPLE = 200

COMPARED = ("scope", "per", "models", "limit_micros", "enforcement")


def import_budgets(file: ImportFile, options: Options = DEFAULTS, *, is_dry: bool = False) -> None:
    """Create the budgets of a config.yaml. Raise UsageProblem, ImportRefused.

    Budgets that exist with the same terms stay. If one of these names has other terms, nothing is
    created.
    """
    findings = Findings()
    with findings.all_of_them():
        plan = read_litellm_budgets(_yaml(file), findings)
    if is_dry:
        _show_budgets({each["name"]: "would create" for each in plan.budgets}, plan, options)
        return
    with connected(options) as api:
        route = api.in_organization("ai", "budgets")
        statuses = {each["name"]: _status(api, route, each) for each in plan.budgets}
        if others := [name for name, status in statuses.items() if status == "differs"]:
            raise UsageProblem(
                f"Nothing is created: {', '.join(others)} exist with other terms. Change them with"
                " `allowance budgets set`, or rename them."
            )
        for each in plan.budgets:
            if statuses[each["name"]] == "created":
                api.change("POST", route, each)
    _show_budgets(statuses, plan, options)


def _status(api: Api, route: str, budget: Mapping[str, Any]) -> str:
    found = api.find(f"{route}/{budget['name']}")
    if found is None:
        return "created"
    is_same = all(found.body[name] == budget[name] for name in COMPARED)
    is_same &= found.body["period"]["unit"] == budget["period"]["unit"]
    return "unchanged" if is_same else "differs"


def _show_budgets(statuses: Mapping[str, str], plan: Any, options: Options) -> None:
    document = {
        "budgets": [{**each, "status": statuses[each["name"]]} for each in plan.budgets],
        "without_counterpart": plan.without_counterpart,
    }
    columns = [*texts("BUDGET", "PER", "MODELS", "PERIOD"), *figures("LIMIT"), *texts("RESULT")]
    rows = [
        [
            each["name"],
            each["per"],
            " ".join(each["models"]),
            each["period"]["unit"],
            dollars(each["limit_micros"]),
            statuses[each["name"]],
        ]
        for each in plan.budgets
    ]
    show(document, options, columns, rows)
    _warn_of(plan.without_counterpart)


def import_users(file: ImportFile, options: Options = DEFAULTS) -> None:
    """Print the directory document of invited users, for ImportDirectory. Raise UsageProblem,
    ImportRefused.
    """
    with connected(options) as api:
        known = api.pages(path("users"), "users", page=PAGE_OF_PEOPLE)["users"]
        names = {each[key].lower() for each in known for key in ("username", "email") if each[key]}
        findings = Findings()
        with findings.all_of_them():
            plan = read_litellm_users(file, api.organization, frozenset(names), findings)
    print_json(plan.document)
    if plan.groups:
        warn(f"these groups must exist before the document is imported: {', '.join(plan.groups)}")
    _warn_of(plan.without_counterpart)


def _warn_of(without_counterpart: Mapping[str, str]) -> None:
    for place, reason in without_counterpart.items():
        warn(f"no counterpart: {place}: {reason}")


def _yaml(file: ImportFile) -> Any:
    try:
        from allowance_client.cli.yaml_text import read_yaml
    except ModuleNotFoundError as error:
        raise UsageProblem("PyYAML is missing: pip install 'allowance-client[cli]'") from error
    return read_yaml(file.text())
