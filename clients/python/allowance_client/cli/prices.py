"""`allowance prices`: what models cost, and which model a name means."""

from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from allowance_client.cli.api import connected, model_path, path, split_model
from allowance_client.cli.arguments import UNSTATED, Limit, Price, Unstated
from allowance_client.cli.options import DEFAULTS, Options
from allowance_client.cli.price_rows import (
    ALIAS_COLUMNS,
    CLASSES,
    PRICE_COLUMNS,
    alias_row,
    price_row,
    resolution_rows,
)
from allowance_client.cli.problems import UsageProblem
from allowance_client.cli.tables import say, show, texts, warn
from allowance_client.cli.times import time_of

app = App(name="prices", help_format="plaintext")

Confirm = Annotated[
    bool,
    Parameter(negative="", show_default=False, help="Do it although Allowance asks for a check."),
]
Model = Annotated[str, Parameter(help="provider/model, as a gateway sends it: openai/gpt-5.")]
At = Annotated[str | None, Parameter(help="At this time: 2026-10-05, or with an offset.")]


@app.command
def resolve(model: Model, *, at: At = None, options: Options = DEFAULTS) -> None:
    """Show which price a model has, and how its name leads to it."""
    provider, name = split_model(model)
    asked = {"provider": provider, "model": name, "at": at and time_of(at)}
    with connected(options) as api:
        found = api.get(path("ai", "model-prices", "resolve"), asked)
        show(found, options, texts("FIELD", "VALUE"), resolution_rows(found))


@app.command(name="list")
def list_prices(
    *,
    provider: Annotated[str | None, Parameter(help="Only of this provider.")] = None,
    model: Annotated[str | None, Parameter(help="Only this model.")] = None,
    source: Annotated[
        Literal["default", "custom", "all"] | None,
        Parameter(help="From the book, custom, or all. Default: the prices in effect."),
    ] = None,
    at: At = None,
    limit: Limit = None,
    options: Options = DEFAULTS,
) -> None:
    """List prices in US dollars per million tokens.

    An empty cell is an unknown price. MORE names what else has prices: --json shows them.
    """
    asked = {"provider": provider, "model": model, "source": source, "at": at and time_of(at)}
    with connected(options) as api:
        page = api.pages(path("ai", "model-prices"), "prices", params=asked, limit=limit)
        show(page, options, PRICE_COLUMNS, [price_row(each) for each in page["prices"]])


@app.command(name="set")
def set_price(
    model: Model,
    *,
    input: Annotated[Price, Parameter(help="Tokens that are not cached.")] = UNSTATED,  # noqa: A002
    output: Annotated[Price, Parameter(help="Tokens of the response.")] = UNSTATED,
    cache_read: Annotated[Price, Parameter(help="Cached tokens.")] = UNSTATED,
    cache_write: Annotated[Price, Parameter(help="Tokens kept for five minutes.")] = UNSTATED,
    cache_write_1h: Annotated[Price, Parameter(help="Tokens kept for an hour.")] = UNSTATED,
    from_: Annotated[
        str | None, Parameter(name="--from", help="From this time on. Default: now.")
    ] = None,
    confirm: Confirm = False,
    options: Options = DEFAULTS,
) -> None:
    """Set a custom price, in US dollars per million tokens. What is not stated stays.

    `unknown` takes the price of the book away; 0 is free. A price beyond a
    factor of 10 from the book's needs --confirm. Of two owners at once the last
    one wins: the API has no condition for prices. The audit log has both.
    """
    provider, name = split_model(model)
    prices = dict(
        zip(CLASSES, (input, output, cache_read, cache_write, cache_write_1h), strict=True)
    )
    entry: dict[str, Any] = {"provider": provider, "model": name}
    entry |= {each: price for each, price in prices.items() if not isinstance(price, Unstated)}
    if len(entry) == len(("provider", "model")):
        raise UsageProblem("Which price? Use --input, --output or another one.")
    if from_ is not None:
        entry["effective_from"] = time_of(from_)
    if confirm:
        entry["confirm"] = True
    with connected(options) as api:
        made = api.change("POST", path("ai", "model-prices"), {"prices": [entry]})
        show(made, options, PRICE_COLUMNS, [price_row(each) for each in made["prices"]])
        for note in [note for each in made["prices"] for note in each["notes"]]:
            warn(note)


@app.command
def unset(
    model: Model,
    *,
    from_: Annotated[
        str | None, Parameter(name="--from", help="End it at this time. Default: take it all back.")
    ] = None,
    options: Options = DEFAULTS,
) -> None:
    """Take a custom price back, so that the price of the book is in effect again.

    Usage is priced again, for all time. With --from it ends, and what it did
    before stays.
    """
    with connected(options) as api:
        route = model_path("model-prices", model)
        api.change("DELETE", route, params={"from": from_ and time_of(from_)})
        say(None, options, f"The custom price of {model} is taken back.")


@app.command
def alias(
    name: Annotated[
        str | None,
        Parameter(help="provider/model, as a gateway sends it. With * at its end: many."),
    ] = None,
    target: Annotated[
        str | None, Parameter(help="The model that it means: provider/model.")
    ] = None,
    /,
    *,
    free: Annotated[
        bool, Parameter(negative="", show_default=False, help="The name costs nothing.")
    ] = False,
    remove: Annotated[
        bool, Parameter(negative="", show_default=False, help="Remove the alias of the name.")
    ] = False,
    confirm: Confirm = False,
    limit: Limit = None,
    options: Options = DEFAULTS,
) -> None:
    """List the aliases of models, or say which model a name means."""
    if name is None:
        if free or remove or confirm:
            raise UsageProblem("Which name? Write: allowance prices alias NAME TARGET.")
        with connected(options) as api:
            page = api.pages(path("ai", "model-aliases"), "aliases", limit=limit)
            show(page, options, ALIAS_COLUMNS, [alias_row(each) for each in page["aliases"]])
        return
    if (target is not None) + free + remove != 1:
        raise UsageProblem(f"What does {name} mean? Use one of a TARGET, --free and --remove.")
    if limit is not None:
        raise UsageProblem("Only the list of aliases takes --limit.")
    with connected(options) as api:
        route = model_path("model-aliases", name)
        if remove:
            api.change("DELETE", route)
            say(None, options, f"The alias {name} is removed.")
            return
        meaning: dict[str, Any] = {"confirm": True} if confirm else {}
        if target is None:
            meaning["free"] = True
        else:
            meaning["provider"], meaning["model"] = split_model(target)
        made = api.change("PUT", route, meaning)
        show(made, options, ALIAS_COLUMNS, [alias_row(made)])
