"""`allowance usage`: usage that lacks a price or a user."""

from typing import Annotated, Any

from cyclopts import App, Parameter

from allowance_client.cli.amounts import dollars
from allowance_client.cli.api import connected, path
from allowance_client.cli.arguments import Limit
from allowance_client.cli.options import DEFAULTS, Options
from allowance_client.cli.problems import UsageProblem
from allowance_client.cli.tables import Row, figures, say, show, texts
from allowance_client.cli.times import shown

app = App(name="usage", help_format="plaintext")


@app.command
def unpriced(*, limit: Limit = None, options: Options = DEFAULTS) -> None:
    """List the models whose usage has no cost, because it has no price.

    Give such a model a price with `allowance prices set` or `allowance prices
    alias`. UNREAD counts usage whose counters were not understood: a price does
    not help it.
    """
    with connected(options) as api:
        page = api.pages(path("ai", "usage", "unpriced"), "models", limit=limit)
        columns = [*texts("MODEL"), *figures("USAGES", "UNREAD"), *texts("FIRST", "LAST")]
        show(page, options, columns, [_model_row(each) for each in page["models"]])


@app.command
def unattributed(*, limit: Limit = None, options: Options = DEFAULTS) -> None:
    """List the names, by source, whose usage counts for nobody, because no user has them.

    Assign such a name with `allowance usage assign`.
    """
    with connected(options) as api:
        page = api.pages(path("ai", "usage", "unattributed"), "names", limit=limit)
        columns = [
            *texts("SOURCE", "NAME"),
            *figures("COST", "USAGES", "UNPRICED"),
            *texts("FIRST", "LAST", "ASSIGNED TO"),
        ]
        show(page, options, columns, [_name_row(each) for each in page["names"]])


@app.command
def assign(
    source: Annotated[str, Parameter(help="The source, as the list of such usage has it.")],
    name: Annotated[str, Parameter(help="The name that the source sends.")],
    user: Annotated[str | None, Parameter(help="The user: a username or id.")] = None,
    /,
    *,
    nobody: Annotated[
        bool, Parameter(negative="", show_default=False, help="End the assignment of the name.")
    ] = False,
    options: Options = DEFAULTS,
) -> None:
    """Assign a name of a source to a user: its past usage, and all that comes."""
    if (user is None) != nobody:
        raise UsageProblem("Whose is it? Name a user, or use --nobody.")
    with connected(options) as api:
        body = {"source": source, "name": name, "user": user}
        made = api.change("POST", path("ai", "usage", "unattributed"), body)
        booked = f"{made['booked_usage_count']} usages of {dollars(made['booked_cost_micros'])}"
        owner = made["user"]
        whose = "nobody" if owner is None else owner["username"]
        say(made, options, f"{source}/{name} is assigned to {whose}. Booked: {booked}.")
        if made["remaining_usage_count"]:
            say(None, options, f"{made['remaining_usage_count']} more are booked within an hour.")


def _model_row(model: dict[str, Any]) -> Row:
    return [
        f"{model['provider']}/{model['model']}",
        str(model["unpriced_usage_count"]),
        str(model["unread_usage_count"]),
        shown(model["first_hour"]),
        shown(model["last_hour"]),
    ]


def _name_row(name: dict[str, Any]) -> Row:
    assigned = name["assigned_to"]
    return [
        name["source"],
        name["name"],
        dollars(name["cost_micros"]),
        str(name["usage_count"]),
        str(name["unpriced_usage_count"]),
        shown(name["first_occurred_at"]),
        shown(name["last_occurred_at"]),
        "" if assigned is None else assigned["username"],
    ]
