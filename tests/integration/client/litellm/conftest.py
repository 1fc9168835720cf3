"""Fixtures of the callback's tests: a callback in an event loop, with a queue of its own."""

import asyncio
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from allowance_client import background
from tests import litellm_hooks
from tests.gateway import Client

Make = Callable[..., Any]


@pytest.fixture
def runner() -> Generator[asyncio.Runner]:
    with asyncio.Runner() as found:
        yield found


@pytest.fixture
def make(
    url: str,
    gateway: Client,
    runner: asyncio.Runner,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Generator[Make]:
    litellm_hooks.install(monkeypatch)
    monkeypatch.setattr(background, "IDLE_SECONDS", 0.01)
    from allowance_client.litellm.callback import AllowanceCallback

    made: list[Any] = []

    def new(**changes: Any) -> Any:
        options = {
            "url": url,
            "token": gateway.token,
            "on_unavailable": "deny",
            "queue": tmp_path / "queue.sqlite",
        } | changes
        made.append(AllowanceCallback(**options))
        return made[-1]

    yield new
    for each in made:
        runner.run(each.close())


@pytest.fixture
def callback(make: Make) -> Any:
    return make()


@pytest.fixture
def run(runner: asyncio.Runner) -> Callable[..., Any]:
    return runner.run
