"""The local stack as a process, started like `make run`."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from tests.leaks import leaks_in_logs_of

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 120
"""A stack starts within seconds, but not on a busy machine."""


@dataclass
class Stack:
    """A running stack: its process, its state folder and its output."""

    process: subprocess.Popen[str]
    state: Path
    printed: str

    @property
    def description(self) -> dict[str, Any]:
        return json.loads((self.state / "stack.json").read_text())

    def stop(self, number: int = signal.SIGINT) -> int:
        """End the stack like ctrl-C. Returns the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_SECONDS)


def free_ports(count: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def spawn(state: Path, **environment: str) -> subprocess.Popen[str]:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DATABASE_URL", "AI_BUDGETS_ENABLED")
    } | {
        # Its usage takes seconds.
        "DEMO": "empty"
    }
    return subprocess.Popen(
        [sys.executable, "-m", "local.stack"],
        cwd=ROOT,
        env=inherited | {"LOCAL_STATE": str(state)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def lambda_client(stack: dict[str, Any]) -> Any:
    """boto3's client of a stack's Lambda. It accepts any credentials."""
    return boto3.client(
        "lambda",
        endpoint_url=stack["lambda_url"],
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )


@contextmanager
def state_folder() -> Generator[Path]:
    """A folder for a stack's state. Postgres can reach it if root runs Postgres as another user."""
    folder = Path(tempfile.mkdtemp(prefix="allowance-stack-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def running(state: Path, **environment: str) -> Generator[Stack]:
    port, lambda_port = free_ports(2)
    process = spawn(state, **{"PORT": str(port), "LAMBDA_PORT": str(lambda_port)} | environment)
    printed = ""
    try:
        assert process.stdout is not None
        deadline = time.monotonic() + PATIENCE_SECONDS
        for line in process.stdout:
            printed += line
            if line.startswith("ready in") or time.monotonic() > deadline:
                break
        assert "ready in" in printed, printed
        yield Stack(process, state, printed)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE_SECONDS)
        if process.stdout is not None:
            process.stdout.close()
        assert not leaks_in_logs_of(state)
