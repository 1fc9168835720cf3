"""`allowance tokens`: list, create and revoke tokens."""

import os
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from allowance_client.cli.api import connected, path
from allowance_client.cli.arguments import Limit
from allowance_client.cli.options import DEFAULTS, Options
from allowance_client.cli.problems import UsageProblem
from allowance_client.cli.tables import print_json, say, show, texts, warn
from allowance_client.cli.times import end_of, shown

app = App(name="tokens", help_format="plaintext")

Owner = Annotated[str, Parameter(help="Whose tokens: a username or id. Default: yours.")]


@app.command(name="list")
def list_tokens(*, user: Owner = "me", limit: Limit = None, options: Options = DEFAULTS) -> None:
    """List the tokens that are not revoked, with their last use."""
    with connected(options) as api:
        page = api.pages(path("users", user, "tokens"), "tokens", limit=limit)
        columns = texts("NAME", "ID", "CREATED", "EXPIRES", "LAST USED", "SCOPE", "MADE BY")
        show(page, options, columns, [_row(each) for each in page["tokens"]])


@app.command
def create(
    name: Annotated[str, Parameter(help="A name that no other token of yours has.")],
    *,
    expires: Annotated[str, Parameter(help="Its end: 90d, 2026-12-24, or a time with its offset.")],
    save: Annotated[
        Path | None,
        Parameter(help="Write the token into this new file, which only you may read."),
    ] = None,
    scope: Annotated[
        Path | None, Parameter(help="JSON file with what the token may do. Default: all you may.")
    ] = None,
    options: Options = DEFAULTS,
) -> None:
    """Create a token of your own. It is shown once: Allowance keeps only its hash.

    It may do at most what the token of this command may.
    """
    body: dict[str, Any] = {"name": name, "expires_at": end_of(expires)}
    if scope is not None:
        body["scope"] = _scope(scope)
    with connected(options) as api:
        if save is None:
            created = api.change("POST", path("users", "me", "tokens"), body)
        else:
            # First the file: a token that cannot be written is lost, and would stay valid.
            with _new_file(save) as file:
                try:
                    created = api.change("POST", path("users", "me", "tokens"), body)
                except BaseException:
                    save.unlink()
                    raise
                file.write(created["token"] + "\n")
            del created["token"]
        if options.json:
            print_json(created)
        elif save is None:
            print(created["token"])
        until = f"It expires {shown(created['expires_at'])}."
        place = "Keep it: it is not shown again." if save is None else f"It is in {save}."
        warn(f"Token {name} is created. {until} {place}")


@app.command
def revoke(
    name: Annotated[str, Parameter(help="The name of the token.")],
    *,
    user: Owner = "me",
    options: Options = DEFAULTS,
) -> None:
    """Revoke a token, and the tokens that it made."""
    with connected(options) as api:
        api.change("DELETE", path("users", user, "tokens", name))
        say(None, options, f"Token {name} is revoked.")


def _row(token: dict[str, Any]) -> list[str]:
    scopes = [token["scope"], *token["maker_scopes"]]
    return [
        token["name"],
        token["id"],
        shown(token["created_at"]),
        shown(token["expires_at"]) or "never",
        shown(token["last_used_at"]) or "never",
        "limited" if any(each is not None for each in scopes) else "all",
        token["made_by"] or "",
    ]


def _scope(file: Path) -> Any:
    import json

    try:
        return json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageProblem(f"The scope file {file} cannot be read: {error}") from error


def _new_file(place: Path) -> Any:
    """A new file that only its owner may read. Raise UsageProblem if it exists."""
    try:
        number = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise UsageProblem(f"The token cannot be saved: {error}") from error
    return os.fdopen(number, "w", encoding="utf-8")
