"""Import a document into the directory, as ImportDirectory does."""

import json
import random
from typing import Any

import pytest

import import_directory
from allowance.errors import ValidationFailed
from tests.gateway import Client, Context


def apply(document: dict[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(import_directory.handler(document, Context())))


def scoped(username: str, scope: dict[str, Any]) -> Client:
    """A client with another token of a user, of this scope."""
    made = apply({"tokens": [{"username": username, "name": "scoped", "scope": scope}]})
    return Client(made["tokens"][f"{username}/scoped"])


def problems(document: dict[str, Any]) -> list[str]:
    with pytest.raises(ValidationFailed) as caught:
        import_directory.handler(document, Context())
    return str(caught.value).splitlines()


def big_directory(count: int, *, groups: int = 30, seed: int = 1) -> dict[str, Any]:
    """A document with users in three organizations, and in 1 to 5 groups each."""
    random_ = random.Random(seed)  # noqa: S311
    names = {f"big-{i}": [f"group-{n:03}" for n in range(i, groups, 3)] for i in range(3)}
    return {
        "organizations": [{"name": name, "groups": listed} for name, listed in names.items()],
        "users": [
            {
                "username": f"user-{n:05}",
                "email": f"user-{n:05}@acme.example",
                "organizations": [
                    {
                        "name": f"big-{n % 3}",
                        "groups": random_.sample(names[f"big-{n % 3}"], random_.randint(1, 5)),
                    }
                ],
            }
            for n in range(count)
        ],
    }
