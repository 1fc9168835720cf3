"""One stack for the suite: the stack whose stack.json STACK names, else a new one."""

import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.stack import running, state_folder
from tests.leaks import leaks_in_logs_of


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep this suite in one process, which starts one stack (--dist loadgroup)."""
    for each in items:
        if each.path.is_relative_to(Path(__file__).parent):
            each.add_marker(pytest.mark.xdist_group("e2e"))


@pytest.fixture(scope="session")
def stack() -> Generator[dict[str, Any]]:
    """stack.json of a running stack."""
    if described := os.environ.get("STACK"):
        yield json.loads(Path(described).read_text())
        assert not leaks_in_logs_of(Path(described).parent)
        return
    with state_folder() as state, running(state) as started:
        yield started.description


@pytest.fixture
def state() -> Generator[Path]:
    with state_folder() as folder:
        yield folder


class Person(httpx.Client):
    """A person of the demo directory, over HTTP."""

    def __init__(self, stack: dict[str, Any], username: str) -> None:
        token = stack["tokens"][username]
        # A first call to a function under `sam local` builds an image and starts a container.
        super().__init__(
            base_url=stack["api_url"], headers={"Authorization": f"Bearer {token}"}, timeout=60
        )


@pytest.fixture
def people(stack: dict[str, Any]) -> Generator[dict[str, Person]]:
    everyone = {name: Person(stack, name) for name in stack["tokens"]}
    yield everyone
    for person in everyone.values():
        person.close()
