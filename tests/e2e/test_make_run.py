"""The local stack itself: kept state, refused and missing tokens, ports, the gate, and an end that
leaves nothing.
"""

import json
import signal
import socket
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.e2e.stack import free_ports, lambda_client, running, spawn


def test_state_is_kept_between_runs_and_lost_tokens_are_minted_anew(state: Path) -> None:
    with running(state) as first:
        before = first.description
        adam = {"Authorization": f"Bearer {before['tokens']['adam']}"}
        path = f"/api/v2/groups/{before['groups']['acme/platform']}/ai/budget"
        put = httpx.put(before["api_url"] + path, json={"spend_limit_micros": 7}, headers=adam)
        assert put.status_code == 200
        assert all(token in first.printed for token in before["tokens"].values())
        assert before["api_url"] in first.printed
        children = psutil.Process(first.process.pid).children(recursive=True)
        assert first.stop() == 0
    # A zombie has ended; whether it is reaped is up to the init process of this machine.
    left = [
        child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE
    ]
    assert children
    assert not left, "ctrl-C ends every process it started"
    assert stat.S_IMODE((state / "stack.json").stat().st_mode) == 0o600
    saved = json.loads((state / "tokens.json").read_text())
    lost = saved | {"maya": "alw_unknown_" + "0" * 32}
    del lost["otto"]
    (state / "tokens.json").write_text(json.dumps(lost))
    with running(state) as second:
        after = second.description
        assert {name: after["tokens"][name] == before["tokens"][name] for name in after["tokens"]} == {
            "olivia": True, "adam": True, "ana": True, "maya": False, "otto": False,
        }  # fmt: skip
        for name, token in after["tokens"].items():
            me = httpx.get(
                after["api_url"] + "/api/v2/users/me", headers={"Authorization": f"Bearer {token}"}
            )
            assert me.json()["username"] == name
        kept = httpx.get(after["api_url"] + path, headers=adam)
        assert kept.json()["spend_limit_micros"] == 7


def test_with_the_feature_gate_off_budget_routes_say_so(state: Path) -> None:
    with running(state, AI_BUDGETS_ENABLED="false") as gated:
        described = gated.description
        headers = {"Authorization": f"Bearer {described['tokens']['adam']}"}
        group = f"{described['api_url']}/api/v2/groups/{described['groups']['acme/platform']}"
        assert httpx.get(f"{group}/ai/budget", headers=headers).status_code == 403
        assert httpx.get(group, headers=headers).status_code == 200
        # A terminated stack ends like an interrupted one.
        assert gated.stop(signal.SIGTERM) == 0


@pytest.mark.parametrize(
    ("environment", "said"),
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
def test_what_cannot_run_says_so_in_one_line(
    state: Path, environment: dict[str, str], said: str
) -> None:
    port, lambda_port = free_ports(2)
    process = spawn(state, **{"PORT": str(port), "LAMBDA_PORT": str(lambda_port)} | environment)
    printed, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert len(printed.splitlines()) == 1
    assert said in printed


def test_a_taken_port_is_one_clear_line(state: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = spawn(state, PORT=str(port), LAMBDA_PORT=str(free_ports(1)[0]))
        printed, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert len(printed.splitlines()) == 1
    assert f"port {port}" in printed


def test_a_function_that_raises_is_marked_as_lambda_marks_it(stack: dict[str, Any]) -> None:
    """SAM's own start-lambda leaves the mark out, so this is of the local stack alone."""
    answer = lambda_client(stack).invoke(FunctionName="SeedPrices", Payload=b'{"prices": [{}]}')
    assert answer["FunctionError"] == "Unhandled"
    assert json.loads(answer["Payload"].read())["errorType"] == "ValidationFailed"


def test_a_burst_on_a_cold_stack_is_answered(state: Path) -> None:
    with running(state) as cold:
        described = cold.description
        headers = {"Authorization": f"Bearer {described['tokens']['adam']}"}
        group = f"{described['api_url']}/api/v2/groups/{described['groups']['acme/platform']}"
        urls = [
            group,
            f"{described['api_url']}/api/v2/audit",
            f"{described['api_url']}/healthz",
        ] * 12
        with ThreadPoolExecutor(len(urls)) as clients:
            statuses = list(
                clients.map(
                    lambda url: httpx.get(url, headers=headers, timeout=60).status_code, urls
                )
            )
    assert statuses == [200] * len(urls)


@pytest.mark.parametrize("damage", ["tokens.json", "application-password"])
def test_a_file_that_a_crash_left_empty_is_made_anew(state: Path, damage: str) -> None:
    with running(state):
        pass
    (state / damage).write_text("[]" if damage == "tokens.json" else "")
    with running(state) as again:
        headers = {"Authorization": f"Bearer {again.description['tokens']['maya']}"}
        assert (
            httpx.get(
                f"{again.description['api_url']}/api/v2/users/me", headers=headers
            ).status_code
            == 200
        )
