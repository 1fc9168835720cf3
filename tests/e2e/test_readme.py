"""The commands of README.md and docs/docker.md, run exactly as they are printed."""

import contextlib
import json
import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.stack import running

ROOT = Path(__file__).parents[2]
API = "http://127.0.0.1:3000"
START_SECONDS = 120
RUN_SECONDS = 300
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def bash(script: str) -> list[str]:
    return [shutil.which("bash") or "bash", "-euc", script]


def masked(printed: str) -> str:
    """The text with ids and times masked, because they differ between runs."""
    return TIME.sub("TIME", UUID.sub("ID", printed))


def calls() -> tuple[str, list[tuple[str, str]]]:
    """The block that prepares the shell, and each call of the README with its output."""
    section = (ROOT / "README.md").read_text().split("## Four calls")[1].split("\n## ")[0]
    prepare, *rest = re.findall(r"```(sh|json)\n(.*?)```", section, re.DOTALL)
    assert [kind for kind, _ in rest] == ["sh", "json"] * 4
    texts = [text for _, text in rest]
    return prepare[1], list(zip(texts[::2], texts[1::2], strict=True))


def test_the_calls_of_the_readme_print_what_it_shows(state: Path) -> None:
    prepare, pasted = calls()
    with running(state):
        # One shell for all calls, like a reader's, with a line between the outputs.
        script = prepare + "echo ---\n".join(call for call, _ in pasted)
        shell = subprocess.run(
            bash(script),
            cwd=ROOT,
            env=os.environ | {"LOCAL_STATE": str(state)},
            check=True,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
        )
    outputs = shell.stdout.split("---\n")
    assert [masked(each) for each in outputs] == [masked(shown) for _, shown in pasted]
    assert UUID.findall(shell.stdout), "ids are masked, so there must be some"


def test_without_a_stack_make_demo_says_how_to_start_one(state: Path) -> None:
    demo = subprocess.run(
        bash("make demo"),
        cwd=ROOT,
        env=os.environ | {"LOCAL_STATE": str(state)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert demo.returncode != 0
    assert not demo.stdout, "a shell would run it"
    assert "start it with `make run`" in demo.stderr


def docker_blocks() -> list[str]:
    """The shell blocks of docs/docker.md, in their order."""
    machine = "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"
    return [
        block.replace("x86_64", machine)
        for block in re.findall(
            r"```sh\n(.*?)```", (ROOT / "docs/docker.md").read_text(), re.DOTALL
        )
    ]


def serves() -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", 3000), timeout=1):
        return True
    return False


@pytest.fixture
def printed(tmp_path: Path) -> Generator[str]:
    """The output of the first block up to its last command, which keeps serving."""
    serve, _, forget = docker_blocks()
    out, log = tmp_path / "out", tmp_path / "log"
    with out.open("w") as stdout, log.open("w") as stderr:
        process = subprocess.Popen(
            bash(serve), cwd=ROOT, stdout=stdout, stderr=stderr, start_new_session=True
        )
    try:
        deadline = time.monotonic() + RUN_SECONDS
        while not serves() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.5)
        assert serves(), log.read_text()[-3000:]
        yield out.read_text()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(START_SECONDS)
        subprocess.run(bash(forget), cwd=ROOT, check=False, capture_output=True)


@pytest.mark.docker
def test_the_commands_of_the_docker_page_serve_and_seed(printed: str) -> None:
    # SAM prints no line break after a response.
    migrated, seeded, imported = (
        json.JSONDecoder().raw_decode(printed, printed.index(key))[0]
        for key in ('{"applied"', '{"inserted"', '{"organizations"')
    )
    assert migrated["applied"][0].startswith("0001_")
    assert seeded["inserted"] > 2000
    token = imported["tokens"]["olga/first"]
    assert httpx.get(f"{API}/healthz", params={"database": "1"}, timeout=60).json() == {
        "status": "ok"
    }
    me: dict[str, Any] = httpx.get(
        f"{API}/api/v2/users/me", headers={"Authorization": f"Bearer {token}"}, timeout=60
    ).json()
    assert me["username"] == "olga"
