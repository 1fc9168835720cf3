"""A sandbox with Lambda's own emulator of the Runtime API, which SAM ships for Linux."""

import contextlib
import http.client
import json
import os
import platform
import select
import signal
import socket
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from local.processes import LOOPBACK, PYTHON, free_port, spawn, tethered
from local.sandbox import Launch, Outcome, failure

START_SECONDS = 10.0
POLL_SECONDS = 0.005
INVOKE_PATH = "/2015-03-31/functions/function/invocations"
ERROR_KEYS = {"errorType", "errorMessage", "requestId", "stackTrace"}
EMULATORS = {"x86_64": "aws-lambda-rie-x86_64", "aarch64": "aws-lambda-rie-arm64"}


def emulator() -> Path | None:
    """Return the runtime interface emulator that SAM ships; None if it does not run here."""
    name = EMULATORS.get(platform.machine())
    package = find_spec("samcli")
    if os.environ.get("LOCAL_RUNTIME") == "worker" or sys.platform != "linux":
        return None
    if name is None or package is None or package.origin is None:
        return None
    return Path(package.origin).parent / "local" / "rapid" / name


class Emulated:
    """The emulator of the Runtime API, which starts the real runtime client. Concurrent calls would
    crash it.
    """

    def __init__(self, emulator: Path, launch: Launch) -> None:
        self._launch = launch
        self._runtime: int | None = None
        # The client is also tethered: if the emulator is killed, a handler in a loop would never
        # end.
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
            # Another process may take a free port before the emulator. Retry with other ports.
            if time.monotonic() > deadline:
                raise RuntimeError(f"the Lambda emulator did not start for {launch.handler}")

    def alive(self) -> bool:
        """Return whether the emulator and the runtime run. The emulator itself detects a dead
        runtime only in the next call, which then fails.
        """
        if self._process.poll() is not None:
            return False
        return self._runtime is None or not select.select([self._runtime], [], [], 0)[0]

    def invoke(self, event: str) -> Outcome:
        """Pass the event to the emulator, and return its result. The emulator starts the runtime on
        the first call and enforces the timeout.
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
        """End the emulator, which would restart the runtime, then the runtime."""
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
        """Return a descriptor of the runtime's process, the emulator's only child."""
        for children in Path(f"/proc/{self._process.pid}/task").glob("*/children"):
            for pid in children.read_text().split():
                return os.pidfd_open(int(pid))
        return None


def _as_outcome(payload: str, *, broken: bool) -> Outcome:
    """Return the result or the error in a payload. An error of a handler has status 200, so only
    its keys show it.
    """
    if not broken and not all(f'"{key}"' in payload for key in ERROR_KEYS):
        return Outcome(payload)
    try:
        error = cast("dict[str, Any]", json.loads(payload))
    except ValueError:
        return failure("Runtime.Unknown", payload)
    if not broken and set(error) != ERROR_KEYS:
        return Outcome(payload)
    # SAM's services detect an error by its keys, and do not expect the id of the request.
    error.pop("requestId", None)
    return Outcome(json.dumps(error), failed=True, spent=broken)
