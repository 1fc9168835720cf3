"""A process that runs one function, one call at a time: Lambda's emulator on Linux (emulator.py), a
plain worker elsewhere.
"""

import json
import subprocess
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol, TextIO, cast

from local.processes import PYTHON, spawn, tethered


@dataclass(frozen=True)
class Launch:
    """The parameters of a process for a function."""

    handler: str
    folder: Path
    environment: dict[str, str]
    python_options: Sequence[str]
    timeout_seconds: int
    log: TextIO


@dataclass(frozen=True)
class Outcome:
    """The result of a call. `spent`: the process must not serve another call."""

    payload: str
    failed: bool = False
    spent: bool = False


class Sandbox(Protocol):
    """A process that runs a function."""

    def alive(self) -> bool:
        """Return whether it can serve a call now."""
        ...

    def invoke(self, event: str) -> Outcome:
        """Run the function on an event (JSON), and return the result."""
        ...

    def close(self) -> None:
        """End the process at once. Idempotent, and safe during a call, which then fails."""
        ...


def failure(kind: str, message: str) -> Outcome:
    """Return Lambda's error for a failure of the process, not of the handler."""
    return Outcome(
        json.dumps({"errorType": kind, "errorMessage": message}), failed=True, spent=True
    )


class Worker:
    """A plain process (worker.py) that calls the handler. This class enforces the timeout."""

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
        """Return whether the process runs."""
        return self._process.poll() is None

    def invoke(self, event: str) -> Outcome:
        """Send the event, and return the result. Kill the process after the timeout."""
        calls, results = (
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
            line = results.readline()
        except OSError:
            line = b""
        finally:
            late.cancel()
        if line:
            result = cast("dict[str, Any]", json.loads(line))
            return Outcome(result["payload"], failed=result["failed"])
        if time.monotonic() - started >= timeout:
            return failure("Sandbox.Timedout", f"Error: Task timed out after {timeout:.2f} seconds")
        return failure("Runtime.ExitError", "Error: Runtime exited")

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
