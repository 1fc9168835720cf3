"""`allowance budgets`: what people, groups, projects and organizations may spend."""

from typing import Annotated, Any

from cyclopts import App, Parameter

from allowance_client.cli.api import Api, connected, is_id, path
from allowance_client.cli.arguments import Amount
from allowance_client.cli.budget_rows import BUDGET_COLUMNS, budget_row, group_row, user_row
from allowance_client.cli.budget_terms import (
    Terms,
    changed_terms,
    end_time,
    new_terms,
    require_future,
)
from allowance_client.cli.options import DEFAULTS, Options
from allowance_client.cli.problems import UsageProblem
from allowance_client.cli.tables import Row, say, show, warn

PEOPLE = 200
"""The most people that a page may have."""

app = App(name="budgets", help_format="plaintext")

GroupName = Annotated[
    str | None, Parameter(help="A group: its name, organization/name, or id.", metavar="NAME")
]
UserName = Annotated[
    str | None, Parameter(help="The own limit of a user: username or id.", metavar="NAME")
]
BudgetName = Annotated[
    str | None, Parameter(help="A budget of the organization: its name or id.", metavar="NAME")
]
NO_TERMS = Terms()


@app.command(name="list")
def list_budgets(
    *,
    user: UserName = None,
    users: Annotated[
        bool, Parameter(negative="", show_default=False, help="Also the own limits of users.")
    ] = False,
    options: Options = DEFAULTS,
) -> None:
    """List the budgets of groups and of the organization that you may read.

    The limit of a group is for each of its members. --users reads every member
    of the organization, which takes longer. --user reads the own limit of one
    user alone.
    """
    with connected(options) as api:
        if user is not None:
            own = api.get(_override(user))
            row = user_row(user, own["spend_limit_micros"], own["expires_at"])
            show(own, options, BUDGET_COLUMNS, [row])
            return
        # Three routes: their lists stand side by side, each by the name that its route has.
        listed = {
            "groups": api.pages(api.in_organization("groups"), "groups")["groups"],
            "budgets": api.pages(api.in_organization("ai", "budgets"), "budgets")["budgets"],
        }
        if users:
            route = api.in_organization("members")
            listed["members"] = api.pages(route, "members", page=PEOPLE)["members"]
        show(listed, options, BUDGET_COLUMNS, [] if options.json else _rows(api, listed))


@app.command(name="set")
def set_budget(
    limit: Annotated[Amount, Parameter(help="US dollars: 25, $25.00 or 0.000001.")],
    *,
    group: GroupName = None,
    user: UserName = None,
    name: BudgetName = None,
    until: Annotated[
        str | None, Parameter(help="End of it, or never: 2026-12-24, or a time with its offset.")
    ] = None,
    terms: Terms = NO_TERMS,
    options: Options = DEFAULTS,
) -> None:
    """Set what each member of a group, one user, or a project may spend.

    --group: the limit of each member per month. --user: the limit of one user,
    in place of the groups'. --name: a budget of the organization.

    A limit of 0 blocks all spend. What is not stated stays as it is. If
    somebody changes the budget meanwhile, nothing is set.
    """
    require_future(until)
    with connected(options) as api:
        if name is not None:
            if group is not None or user is not None:
                raise UsageProblem("A budget with a name has a scope: --scope group:NAME.")
            row, document = _set_named(api, name, limit, terms, until)
        else:
            if stated := terms.stated():
                options_ = ", ".join("--" + each.replace("_", "-") for each in stated)
                raise UsageProblem(f"Only a budget with a --name has {options_}.")
            if user is not None:
                row, document = _set_user(api, user, group, limit, until)
            elif group is not None:
                if until is not None:
                    raise UsageProblem("The budget of a group has no end. Leave --until out.")
                row, document = _set_group(api, group, limit)
            else:
                raise UsageProblem("Whose limit? Use --group, --user or --name.")
        show(document, options, BUDGET_COLUMNS, [row])
        if document.get("warning"):
            warn(document["warning"])


@app.command
def unset(
    *,
    group: GroupName = None,
    user: UserName = None,
    name: BudgetName = None,
    options: Options = DEFAULTS,
) -> None:
    """Remove the budget of a group, the own limit of a user, or a budget of the organization.

    A group without a budget has no limit. The history of a budget of the organization stays.
    """
    if sum(each is not None for each in (group, user, name)) != 1:
        raise UsageProblem("Whose limit? Use one of --group, --user and --name.")
    with connected(options) as api:
        if group is not None:
            route, what = api.group(group) + "/ai/budget", f"The budget of group {group}"
        elif user is not None:
            route, what = _override(user), f"The own limit of user {user}"
        else:
            route, what = _named(api, str(name)), f"The budget {name}"
        api.change("DELETE", route, condition=api.condition(api.read(route)))
        say(None, options, f"{what} is removed.")


def _set_group(api: Api, group: str, limit: int) -> tuple[Row, Any]:
    route = api.group(group) + "/ai/budget"
    body = {"spend_limit_micros": limit}
    document = api.change("PUT", route, body, condition=api.condition(api.find(route)))
    return group_row(group, document), document


def _set_user(
    api: Api, user: str, group: str | None, limit: int, until: str | None
) -> tuple[Row, Any]:
    route = _override(user)
    existing = api.find(route)
    kept: dict[str, Any] = {} if existing is None else existing.body
    if group is None and not kept:
        raise UsageProblem("A new limit of a user needs the --group that it belongs to.")
    body = {
        "spend_limit_micros": limit,
        "group_id": kept["group_id"] if group is None else api.group_id(group),
        "expires_at": kept.get("expires_at") if until is None else end_time(until),
    }
    document = api.change("PUT", route, body, condition=api.condition(existing))
    return user_row(user, limit, document["expires_at"]), document


def _set_named(api: Api, name: str, limit: int, terms: Terms, until: str | None) -> tuple[Row, Any]:
    route = _named(api, name)
    # An id that nothing has is a mistake, and no name for a new budget.
    existing = api.read(route) if is_id(name) else api.find(route)
    if existing is None:
        # No condition: a name that is in use by then is refused.
        body = new_terms(api, name, limit, terms, until)
        document = api.change("POST", api.in_organization("ai", "budgets"), body)
    else:
        body = changed_terms(api, existing.body, limit, terms, until)
        document = api.change("PUT", route, body, condition=api.condition(existing))
    return budget_row(api, document), document


def _rows(api: Api, listed: dict[str, list[Any]]) -> list[Row]:
    api.know_groups(listed["groups"])
    return [
        *(group_row(each["name"], each["budget"]) for each in listed["groups"] if each["budget"]),
        *(
            user_row(each["username"], each["effective_budget"]["spend_limit_micros"])
            for each in listed.get("members", [])
            if each["effective_budget"]
            and each["effective_budget"]["limit_source"] == "user_override"
        ),
        *(budget_row(api, each) for each in listed["budgets"]),
    ]


def _override(user: str) -> str:
    return path("users", user, "ai", "budget", "override")


def _named(api: Api, name: str) -> str:
    return api.in_organization("ai", "budgets", name)
