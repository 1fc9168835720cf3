"""The local stack: kept state, refused and missing tokens, ports, the gate, and a clean end."""

import json
import signal
import socket
import stat
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.e2e.stack import (
    PATIENCE_SECONDS,
    free_ports,
    lambda_client,
    running,
    spawn,
    state_folder,
)

get = partial(httpx.get, timeout=60)
"""On a busy machine the first call of a function takes longer than httpx waits by default."""


@dataclass
class FirstRun:
    """A stack before ctrl-C, and its exit code."""

    state: Path
    description: dict[str, Any]
    printed: str
    children: list[psutil.Process]
    exit_code: int

    @property
    def budget_path(self) -> str:
        return f"/api/v2/groups/{self.description['groups']['acme/platform']}/ai/budget"

    def headers(self, username: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.description['tokens'][username]}"}


@pytest.fixture(scope="module")
def first_run() -> Generator[FirstRun]:
    """The state of an ended stack, with a budget of 7 micros. Tests start other stacks on it."""
    with state_folder() as state:
        with running(state) as stack:
            children = psutil.Process(stack.process.pid).children(recursive=True)
            left = FirstRun(state, stack.description, stack.printed, children, 0)
            put = httpx.put(
                left.description["api_url"] + left.budget_path,
                json={"spend_limit_micros": 7},
                headers=left.headers("adam"),
                timeout=60,
            )
            assert put.status_code == 200
            left.children += psutil.Process(stack.process.pid).children(recursive=True)
            left.exit_code = stack.stop()
        yield left


def test_ctrl_c_ends_every_process_and_leaves_a_private_description(first_run: FirstRun) -> None:
    described = first_run.description
    assert all(token in first_run.printed for token in described["tokens"].values())
    assert described["api_url"] in first_run.printed
    assert first_run.exit_code == 0
    # A zombie has ended; whether it is reaped is up to the init process of this machine.
    left = [
        child
        for child in first_run.children
        if child.is_running() and child.status() != psutil.STATUS_ZOMBIE
    ]
    assert first_run.children
    assert not left, "ctrl-C ends every process it started"
    assert stat.S_IMODE((first_run.state / "stack.json").stat().st_mode) == 0o600


@pytest.mark.thorough
def test_state_is_kept_between_runs_and_lost_tokens_are_replaced(first_run: FirstRun) -> None:
    saved = json.loads((first_run.state / "tokens.json").read_text())
    lost = saved | {"maya": "alw_unknown_" + "0" * 32}
    del lost["otto"]
    (first_run.state / "tokens.json").write_text(json.dumps(lost))
    with running(first_run.state) as second:
        after = second.description
        assert {name: after["tokens"][name] == saved[name] for name in after["tokens"]} == {
            "olivia": True, "adam": True, "ana": True, "maya": False, "otto": False,
        }  # fmt: skip
        for name, token in after["tokens"].items():
            me = get(
                after["api_url"] + "/api/v2/users/me",
                headers={"Authorization": f"Bearer {token}"},
            )
            assert me.json()["username"] == name
        kept = get(
            after["api_url"] + first_run.budget_path,
            headers=first_run.headers("adam"),
        )
        assert kept.json()["spend_limit_micros"] == 7


@pytest.mark.thorough
def test_with_the_feature_gate_off_budget_routes_are_forbidden(first_run: FirstRun) -> None:
    with running(first_run.state, AI_BUDGETS_ENABLED="false") as gated:
        described = gated.description
        headers = {"Authorization": f"Bearer {described['tokens']['adam']}"}
        group = f"{described['api_url']}/api/v2/groups/{described['groups']['acme/platform']}"
        assert get(f"{group}/ai/budget", headers=headers).status_code == 403
        assert get(group, headers=headers).status_code == 200
        # A terminated stack ends like an interrupted one.
        assert gated.stop(signal.SIGTERM) == 0


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"PORT": "x"}, "PORT and LAMBDA_PORT must be numbers"),
        ({"PORT": "3999", "LAMBDA_PORT": "3999"}, "PORT and LAMBDA_PORT must differ"),
        ({"AI_BUDGETS_ENABLED": "yes"}, "AI_BUDGETS_ENABLED must be true or false"),
        (
            {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/x"},
            "cannot connect to the database of DATABASE_URL",
        ),
    ],
)
def test_a_stack_that_cannot_run_prints_one_line(
    state: Path, environment: dict[str, str], message: str
) -> None:
    port, lambda_port = free_ports(2)
    process = spawn(state, **{"PORT": str(port), "LAMBDA_PORT": str(lambda_port)} | environment)
    printed, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 1
    assert len(printed.splitlines()) == 1
    assert message in printed


@pytest.mark.thorough
def test_a_taken_port_is_one_clear_line(state: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = spawn(state, PORT=str(port), LAMBDA_PORT=str(free_ports(1)[0]))
        printed, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 1
    assert len(printed.splitlines()) == 1
    assert f"port {port}" in printed


def test_a_function_that_raises_is_marked_as_lambda_marks_it(stack: dict[str, Any]) -> None:
    """Only the local stack does so: SAM's start-lambda leaves the mark out."""
    answer = lambda_client(stack).invoke(FunctionName="SeedPrices", Payload=b'{"prices": [{}]}')
    assert answer["FunctionError"] == "Unhandled"
    assert json.loads(answer["Payload"].read())["errorType"] == "ValidationFailed"


@pytest.mark.thorough
def test_a_stack_repairs_files_that_a_crash_emptied_and_serves_a_burst(
    first_run: FirstRun,
) -> None:
    (first_run.state / "tokens.json").write_text("[]")
    (first_run.state / "application-password").write_text("")
    with running(first_run.state) as cold:
        described = cold.description
        headers = {"Authorization": f"Bearer {described['tokens']['adam']}"}
        group = f"{described['api_url']}/api/v2/groups/{described['groups']['acme/platform']}"
        urls = [
            group,
            f"{described['api_url']}/api/v2/audit",
            f"{described['api_url']}/healthz",
        ] * 12
        with ThreadPoolExecutor(len(urls)) as clients:
            statuses = list(clients.map(lambda url: get(url, headers=headers).status_code, urls))
        maya = {"Authorization": f"Bearer {described['tokens']['maya']}"}
        me = get(f"{described['api_url']}/api/v2/users/me", headers=maya)
    assert statuses == [200] * len(urls)
    assert me.status_code == 200
