"""The README's section "With Docker", carried out word for word."""

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

import httpx
import pytest

ROOT = Path(__file__).parents[2]
API = "http://127.0.0.1:3000"
START_SECONDS = 60
RUN_SECONDS = 300

pytestmark = pytest.mark.docker


def blocks() -> list[str]:
    """The shell blocks of the section, in their order."""
    section = (ROOT / "README.md").read_text().split("## With Docker")[1].split("\n## ")[0]
    machine = "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"
    return [
        block.replace("x86_64", machine)
        for block in re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    ]


def bash(script: str) -> list[str]:
    return [shutil.which("bash") or "bash", "-euc", script]


def serves() -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", 3000), timeout=1):
        return True
    return False


@pytest.fixture
def printed(tmp_path: Path) -> Generator[str]:
    """What the first block printed up to its last line, which goes on serving."""
    serve, _, forget = blocks()
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


def test_the_commands_of_the_readme_serve_and_seed(printed: str) -> None:
    # SAM puts no line break behind an answer.
    migrated, seeded, imported = (
        json.JSONDecoder().raw_decode(printed, printed.index(key))[0]
        for key in ('{"applied"', '{"inserted"', '{"organizations"')
    )
    assert migrated["applied"][0] == "0001_application_role.sql"
    assert seeded["inserted"] > 2000
    token = imported["tokens"]["olga/first"]
    assert httpx.get(f"{API}/healthz", params={"database": "1"}, timeout=60).json() == {
        "status": "ok"
    }
    me = httpx.get(
        f"{API}/api/v2/users/me", headers={"Authorization": f"Bearer {token}"}, timeout=60
    )
    assert me.json()["username"] == "olga"
