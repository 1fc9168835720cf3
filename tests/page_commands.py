"""The `curl` commands of a page, sent to the handlers of this process."""

import re
import shlex
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.gateway import Answer, Client

DOCS = Path(__file__).parents[1] / "docs"
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
CONTINUED = re.compile(r"\\\n")
COMMAND = re.compile(r"^curl (?:[^'\n]|'[^']*')*$", re.MULTILINE)


def answers(page: str, variables: Mapping[str, str]) -> Iterator[Answer]:
    """Yield the responses to the commands of a page, in order."""
    for block in BLOCK.findall((DOCS / page).read_text()):
        for command in COMMAND.findall(CONTINUED.sub(" ", block)):
            yield _sent(_filled(command, variables))


def _filled(command: str, variables: Mapping[str, str]) -> str:
    filled = command.replace("$(date +%s)", str(int(time.time())))
    return re.sub(r"\$(\w+)", lambda found: variables[found[1]], filled)


def _sent(command: str) -> Answer:
    """The response to one command with the options that the pages use."""
    words = iter(shlex.split(command)[1:])
    method, path, headers, body = None, "", dict[str, str](), None
    for word in words:
        match word:
            case "-s":
                pass
            case "-X":
                method = next(words)
            case "-H":
                name, _, value = next(words).partition(": ")
                headers[name.lower()] = value
            case "-d":
                body = next(words)
            case _:
                assert word.startswith("/"), f"an option or an address that is not known: {word}"
                path = word
    return Client().send(
        method or ("GET" if body is None else "POST"), path, headers=headers, body=body
    )
