"""The demo directory of the local stack, and a token for each person in it.

`make demo` prints shell variables for the running stack: API, PLATFORM and a token per person.
"""

import http.client
import json
import os
import re
import shlex
import sys
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from local.processes import LOOPBACK, write_private_json

STATE = Path(os.environ.get("LOCAL_STATE") or ".local")
"""The folder for everything that the local stack keeps between runs."""
ORGANIZATION = "acme"
GROUPS = ("platform", "research")
TOKEN = re.compile(r"alw_[A-Za-z0-9]+_[A-Za-z0-9]+", re.ASCII)

PEOPLE = {
    "olivia": "site owner, in no organization",
    "adam": "organization admin of acme",
    "maya": "member of acme, in the group platform",
    "otto": "member of acme, in no group",
    "ana": "auditor of acme",
}

Document = dict[str, Any]
Import = Callable[[Document], Document]
"""The ImportDirectory function: a document in, ids and new tokens out."""


@dataclass(frozen=True)
class Demo:
    """The result of ImportDirectory, and one valid token for each username."""

    organizations: Mapping[str, str]
    groups: Mapping[str, str]
    users: Mapping[str, str]
    tokens: Mapping[str, str]


class DemoFailed(Exception):
    """The demo directory or its tokens could not be created."""


def directory(groups: Collection[str]) -> Document:
    """Return the demo directory, without tokens. Every key is present, so each start restores these
    people to this state. `groups` are all groups of the organization: another would be deleted.
    """

    def person(
        username: str, *, site: tuple[str, ...] = (), acme: list[Document] | None = None
    ) -> Document:
        email = f"{username}@{ORGANIZATION}.example"
        names = {"username": username, "email": email}
        return {**names, "roles": list(site), "status": "active", "organizations": acme or []}

    def in_acme(*, roles: tuple[str, ...] = (), groups: tuple[str, ...] = ()) -> list[Document]:
        return [{"name": ORGANIZATION, "roles": list(roles), "groups": list(groups)}]

    return {
        "organizations": [{"name": ORGANIZATION, "is_default": True, "groups": sorted(groups)}],
        "users": [
            person("olivia", site=("owner",)),
            person("adam", acme=in_acme(roles=("organization-admin",))),
            person("maya", acme=in_acme(groups=("platform",))),
            person("otto", acme=in_acme()),
            person("ana", acme=in_acme(roles=("organization-auditor",))),
        ],
    }


def prepare(import_directory: Import, api_port: int, saved: Path) -> Demo:
    """Import the directory, check the saved tokens, and mint a token for each person without a
    valid one. Return all. Raise DemoFailed.
    """
    imported = import_directory(directory({*groups_of(import_directory), *GROUPS}))
    tokens = valid_tokens(import_directory, api_port, PEOPLE, saved)
    return Demo(imported["organizations"], imported["groups"], imported["users"], tokens)


def groups_of(import_directory: Import) -> set[str]:
    """Return the names of the groups that the organization has, but for Everyone."""
    known = import_directory({"organizations": [{"name": ORGANIZATION}]})["groups"]
    names = {key.removeprefix(f"{ORGANIZATION}/") for key in cast("dict[str, str]", known)}
    return names - {"Everyone"}


def valid_tokens(
    import_directory: Import, api_port: int, usernames: Collection[str], saved: Path
) -> dict[str, str]:
    """Return a valid token for each user, and save all: a saved one, else a new one. Raise
    DemoFailed.
    """
    tokens = {
        name: token
        for name, token in _load(saved).items()
        if name in usernames and _is_accepted(api_port, token)
    }
    # An existing name yields no token, because only the hash of its secret is stored. Then another
    # name is needed.
    for name in ("local", f"local-{int(time.time())}"):
        missing = [username for username in usernames if username not in tokens]
        if not missing:
            break
        minted = import_directory(
            {"tokens": [{"username": username, "name": name} for username in missing]}
        )["tokens"]
        tokens |= {
            key.partition("/")[0]: token for key, token in cast("dict[str, str]", minted).items()
        }
    if missing := sorted(set(usernames) - tokens.keys()):
        raise DemoFailed(f"no token for {', '.join(missing)}")
    write_private_json(saved, tokens)
    return tokens


def _load(saved: Path) -> dict[str, str]:
    try:
        tokens: object = json.loads(saved.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    found = cast("dict[str, object]", tokens) if isinstance(tokens, dict) else {}
    return {
        name: token
        for name, token in found.items()
        if isinstance(token, str) and TOKEN.fullmatch(token)
    }


def _is_accepted(api_port: int, token: str) -> bool:
    """Return whether the API accepts the token. Raise DemoFailed."""
    connection = http.client.HTTPConnection(LOOPBACK, api_port, timeout=30)
    connection.request("GET", "/api/v2/users/me", headers={"Authorization": f"Bearer {token}"})
    status = connection.getresponse().status
    connection.close()
    if status not in {http.client.OK, http.client.UNAUTHORIZED}:
        raise DemoFailed(f"GET /api/v2/users/me responds {status} (more in functions.log)")
    return status == http.client.OK


def exports(stack: Document) -> str:
    """Return the shell commands that export API, PLATFORM and the token of each person."""
    variables = {"API": stack["api_url"], "PLATFORM": stack["groups"][f"{ORGANIZATION}/platform"]}
    variables |= {name.upper(): token for name, token in stack["tokens"].items()}
    return "\n".join(f"export {name}={shlex.quote(text)}" for name, text in variables.items())


def main() -> int:
    """Print the variables and return 0; return 1 with one line on stderr if no stack was started in
    this folder.
    """
    try:
        print(exports(json.loads((STATE / "stack.json").read_text())))
    except FileNotFoundError:
        print("make demo: no local stack runs here; start it with `make run`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
