"""One process that runs one function, a call at a time: Lambda's emulator on Linux, a plain worker
elsewhere.
"""

import contextlib
import http.client
import json
import os
import platform
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, Protocol, TextIO, cast

from local.processes import LOOPBACK, PYTHON, free_port, spawn, tethered

START_SECONDS = 10.0
POLL_SECONDS = 0.005
INVOKE_PATH = "/2015-03-31/functions/function/invocations"
ERROR_KEYS = {"errorType", "errorMessage", "requestId", "stackTrace"}
EMULATORS = {"x86_64": "aws-lambda-rie-x86_64", "aarch64": "aws-lambda-rie-arm64"}


@dataclass(frozen=True)
class Launch:
    """What it takes to start a process for a function."""

    handler: str
    folder: Path
    environment: dict[str, str]
    python_options: Sequence[str]
    timeout_seconds: int
    log: TextIO


@dataclass(frozen=True)
class Outcome:
    """What came of a call. `spent`: the process must not take another one."""

    payload: str
    failed: bool = False
    spent: bool = False


class Sandbox(Protocol):
    """A process that runs a function."""

    def alive(self) -> bool:
        """Whether it can take a call now."""
        ...

    def invoke(self, event: str) -> Outcome:
        """Run the function on an event (JSON)."""
        ...

    def close(self) -> None:
        """End the process at once. Idempotent, and safe while a call is under way: the call then
        fails.
        """
        ...


def emulator() -> Path | None:
    """The runtime interface emulator that SAM ships, where it runs."""
    name = EMULATORS.get(platform.machine())
    package = find_spec("samcli")
    if os.environ.get("LOCAL_RUNTIME") == "worker" or sys.platform != "linux":
        return None
    if name is None or package is None or package.origin is None:
        return None
    return Path(package.origin).parent / "local" / "rapid" / name


def failure(kind: str, message: str) -> Outcome:
    """The answer of Lambda when not the handler but its process failed."""
    return Outcome(
        json.dumps({"errorType": kind, "errorMessage": message}), failed=True, spent=True
    )


class Emulated:
    """The emulator of the Runtime API with the real runtime client under it. Overlapping calls
    would crash it.
    """

    def __init__(self, emulator: Path, launch: Launch) -> None:
        self._launch = launch
        self._runtime: int | None = None
        # The client gets a tether of its own: should the emulator be killed, a handler in a loop
        # would go on for ever.
        client = tethered(
            [str(PYTHON), *launch.python_options, "-m", "awslambdaric", launch.handler]
        )
        deadline = time.monotonic() + START_SECONDS
        while True:
            port, api_port = free_port(), free_port()
            addresses = {"runtime-interface-emulator": port, "runtime-api": api_port}
            options = [
                part
                for name, at in addresses.items()
                for part in (f"--{name}-address", f"{LOOPBACK}:{at}")
            ]
            command = tethered([str(emulator), "--log-level", "error", *options, *client])
            self._process = spawn(
                command,
                environment=launch.environment,
                folder=launch.folder,
                output=launch.log,
                errors=launch.log,
            )
            patience = launch.timeout_seconds + START_SECONDS
            self._connection = http.client.HTTPConnection(LOOPBACK, port, timeout=patience)
            if self._listens(port, deadline):
                return
            self.close()
            # Another process may have taken a free port before the emulator did: again, with
            # others.
            if time.monotonic() > deadline:
                raise RuntimeError(f"the Lambda emulator did not start for {launch.handler}")

    def alive(self) -> bool:
        """Watches the runtime too: the emulator would notice its death only in the next call, which
        fails then.
        """
        if self._process.poll() is not None:
            return False
        return self._runtime is None or not select.select([self._runtime], [], [], 0)[0]

    def invoke(self, event: str) -> Outcome:
        """Pass the event to the emulator, which starts the runtime on the first call and enforces
        the timeout.
        """
        try:
            self._connection.request(
                "POST", INVOKE_PATH, event.encode(), {"Content-Type": "application/json"}
            )
            response = self._connection.getresponse()
            status, payload = response.status, response.read().decode()
        except (OSError, http.client.HTTPException):
            return failure("Runtime.ExitError", "Error: Runtime exited")
        if self._runtime is None:
            self._runtime = self._watch_runtime()
        if payload.startswith("Task timed out after"):
            return failure("Sandbox.Timedout", f"Error: {payload}")
        return _as_outcome(payload, broken=status != http.client.OK)

    def close(self) -> None:
        """End the runtime, then the emulator, which would start another one."""
        self._process.kill()
        if self._runtime is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._runtime, signal.SIGKILL)
            os.close(self._runtime)
            self._runtime = None
        self._process.wait()
        self._connection.close()

    def _listens(self, port: int, deadline: float) -> bool:
        while self._process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(ConnectionRefusedError):
                socket.create_connection((LOOPBACK, port)).close()
                return True
            time.sleep(POLL_SECONDS)
        return False

    def _watch_runtime(self) -> int | None:
        """A descriptor of the runtime's process, the emulator's only child."""
        for children in Path(f"/proc/{self._process.pid}/task").glob("*/children"):
            for pid in children.read_text().split():
                return os.pidfd_open(int(pid))
        return None


class Worker:
    """A plain process of ours that calls the handler; we keep the time."""

    def __init__(self, launch: Launch) -> None:
        self._launch = launch
        script = str(Path(__file__).with_name("worker.py"))
        self._process = spawn(
            tethered([str(PYTHON), *launch.python_options, script, launch.handler]),
            environment=launch.environment,
            folder=launch.folder,
            given=subprocess.PIPE,
            output=subprocess.PIPE,
            errors=launch.log,
        )

    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def invoke(self, event: str) -> Outcome:
        """Send the event, and kill the process when the answer is late."""
        calls, answers = (
            cast("IO[bytes]", self._process.stdin),
            cast("IO[bytes]", self._process.stdout),
        )
        timeout = self._launch.timeout_seconds
        call = {
            "event": json.loads(event),
            "request_id": str(uuid.uuid4()),
            "deadline_ms": int((time.time() + timeout) * 1000),
        }
        late = threading.Timer(timeout, self._process.kill)
        started = time.monotonic()
        late.start()
        try:
            calls.write(json.dumps(call).encode() + b"\n")
            calls.flush()
            line = answers.readline()
        except OSError:
            line = b""
        finally:
            late.cancel()
        if line:
            answer = cast("dict[str, Any]", json.loads(line))
            return Outcome(answer["payload"], failed=answer["failed"])
        if time.monotonic() - started >= timeout:
            return failure("Sandbox.Timedout", f"Error: Task timed out after {timeout:.2f} seconds")
        return failure("Runtime.ExitError", "Error: Runtime exited")

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()


def _as_outcome(payload: str, *, broken: bool) -> Outcome:
    """Tell an answer from an error: what a handler raises comes with status 200, marked by nothing
    but its keys.
    """
    if not broken and not all(f'"{key}"' in payload for key in ERROR_KEYS):
        return Outcome(payload)
    try:
        error = cast("dict[str, Any]", json.loads(payload))
    except ValueError:
        return failure("Runtime.Unknown", payload)
    if not broken and set(error) != ERROR_KEYS:
        return Outcome(payload)
    # SAM's services know an error by its keys, and do not expect the request's id among them.
    error.pop("requestId", None)
    return Outcome(json.dumps(error), failed=True, spent=broken)
