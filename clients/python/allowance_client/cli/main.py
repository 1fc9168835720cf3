"""The entry point of `allowance`: its first page, errors as sentences, and exit codes.

The first page and the version need no library, so they are there at once.
"""

import os
import re
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import TYPE_CHECKING, NoReturn

from allowance_client.cli.cells import printable
from allowance_client.cli.problems import (
    BROKEN_PIPE,
    INTERRUPTED,
    OK,
    REFUSED,
    UNAVAILABLE,
    USAGE,
    NotAllDone,
    UnknownResponse,
    UsageProblem,
)

if TYPE_CHECKING:
    from allowance_client.errors import ApiError

COMMANDS = {
    "budgets": ("budgets:app", "list, set and unset what people and projects may spend"),
    "spend": ("spend:app", "show what was spent: by you, a user, a group or an organization"),
    "tokens": ("tokens:app", "list, create and revoke your tokens"),
    "prices": ("prices:app", "resolve, list, set and unset prices of models, and their aliases"),
    "import": ("importing:app", "import logs, reports of vendors, budgets and users from files"),
    "usage": ("usage:app", "find usage without a price or a user, and assign it"),
}
"""The commands: the module and attribute, and what it does."""

MICROS = {
    "spend_limit_micros": "The limit",
    "limit_micros": "The limit",
    "rollover_micros": "--rollover",
}
"""Amounts of the API -> what the command calls them."""

HELP = """\
Allowance limits what people spend on AI models. This command reads and changes it.

Usage: allowance COMMAND [OPTIONS]

Start here:
  export ALLOWANCE_URL=https://...   the address of Allowance
  export ALLOWANCE_TOKEN=alw_...     your token; or --token-file FILE
  allowance spend                    what you spent this month, and your limit

Commands:
{commands}

Options:
  --help                print this, or the help of a command: allowance budgets set --help
  --version             print the version
  --install-completion  let your shell complete commands and options

Amounts are US dollars: 25, $25.00 or 0.000001. With --json, every command prints the JSON of the
API. Exit codes: 0 done, 1 refused by Allowance, 2 wrong usage, 3 not available, 130 interrupted.
"""


def main() -> NoReturn:
    """Run the command of this process, and end it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A terminal that cannot show a letter shows its number.
            stream.reconfigure(errors="backslashreplace")
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code. A foreseeable error is a sentence on stderr."""
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has seen enough, like `head`. Python would write once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    return code


def _run(arguments: Sequence[str]) -> int:
    if list(arguments) in ([], ["--help"], ["-h"]):
        width = max(map(len, COMMANDS)) + 2
        lines = [f"  {name:{width}}{does}" for name, (_, does) in COMMANDS.items()]
        print(HELP.format(commands="\n".join(lines)), end="")
        return OK
    if list(arguments) == ["--version"]:
        from importlib.metadata import version

        print(version("allowance-client"))
        return OK
    try:
        from allowance_client.cli.settings import refuse_tokens

        refuse_tokens(arguments)
        import cyclopts
    except UsageProblem as problem:
        return _fail(USAGE, *str(problem).split("\n"))
    except ModuleNotFoundError as error:
        return _fail(USAGE, f"{error.name} is missing: pip install 'allowance-client[cli]'")
    from allowance_client.cli.app import app
    from allowance_client.errors import ApiError, Unavailable

    try:
        app(
            list(arguments),
            exit_on_error=False,
            print_error=False,
            result_action="return_value",
        )
    except UsageProblem as problem:
        return _fail(USAGE, *str(problem).split("\n"))
    except NotAllDone as problem:
        return _fail(REFUSED, str(problem))
    except cyclopts.CycloptsError as error:
        return _fail(USAGE, str(error), "The option --help shows what a command takes.")
    except ApiError as error:
        return _fail(REFUSED, *_refusal(error), request_id=error.request_id)
    except UnknownResponse as error:
        return _fail(REFUSED, str(error))
    except Unavailable as error:
        reason = f"Allowance is not available. {error.reason}"
        return _fail(UNAVAILABLE, reason, request_id=error.request_id)
    return OK


def _refusal(error: "ApiError") -> list[str]:
    lines = [f"{error.message} ({error.status})", *([error.detail] if error.detail else [])]
    lines += [f"  {_in_dollars(each.field, each.detail)}" for each in error.validations]
    if any('"confirm"' in each.detail or each.field == "confirm" for each in error.validations):
        lines.append("If it is right, repeat the command with --confirm.")
    return lines


def _in_dollars(field: str, detail: str) -> str:
    """Return the problem of a limit in the words of the command: DOLLARS, not micro-units."""
    from allowance_client.cli.amounts import dollars

    if field not in MICROS:
        return f"{field}: {detail}"
    return f"{MICROS[field]}: " + re.sub(
        r"\b[0-9]+\b", lambda found: dollars(int(found[0])), detail
    )


def _fail(code: int, *lines: str, request_id: str | None = None) -> int:
    """Print an error. A line of it is one line, whatever a server puts into it."""
    shown = [*lines, *([f"request id: {request_id}"] if request_id else [])]
    print("allowance: " + "\n".join(map(printable, shown)), file=sys.stderr)
    return code
