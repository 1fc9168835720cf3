"""Functions run as in Lambda: each in a process that starts on demand, in several for concurrent
calls.
"""

import os
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from local.emulator import Emulated, emulator
from local.processes import private_log
from local.runtime import build_runtime
from local.sandbox import Launch, Outcome, Sandbox, Worker

REGION = "us-east-1"
OPTIONS = ("-s", "-S", "-P")
"""Options of Python: no site-packages of the user or the interpreter, and no current folder in the
path.
"""


@dataclass(frozen=True)
class FunctionSpec:
    """The properties of a function in the template."""

    name: str
    handler: str
    code: Path
    layers: tuple[Path, ...]
    variables: Mapping[str, str]
    timeout_seconds: int
    memory_mb: int
    log_format: str = "Text"


@dataclass
class _Pool:
    """The processes of one function. Idle ones are a stack: the last used one runs first."""

    spec: FunctionSpec
    slots: threading.BoundedSemaphore
    idle: list[Sandbox] = field(default_factory=list[Sandbox])


class Runner:
    """The functions of a template, callable from many threads."""

    def __init__(
        self, functions: Iterable[FunctionSpec], *, state: Path, concurrency: int = 10
    ) -> None:
        """`state` is the folder of the runtime, compiled modules, and `functions.log`;
        `concurrency` is per function.
        """
        self._state = state.absolute()
        self._runtime = build_runtime(self._state / "runtime")
        self._emulator = emulator()
        self._log = private_log(self._state / "functions.log")
        self._pools = {
            spec.name: _Pool(spec, threading.BoundedSemaphore(concurrency)) for spec in functions
        }
        self._cold = threading.BoundedSemaphore(os.cpu_count() or 1)
        self._all: set[Sandbox] = set()
        self._lock = threading.Lock()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def invoke(self, name: str, event: str) -> Outcome:
        """Return the result of a function for an event (JSON). Use a warm process if one is idle.
        Raise KeyError if there is no such function.
        """
        pool = self._pools[name]
        with pool.slots:
            if sandbox := self._take(pool):
                return self._run(pool, sandbox, event)
            # The first call of a process imports its handler, and counts against the timeout. So a
            # burst must not start more processes than there are processors. A warm process may
            # become idle during the wait.
            with self._cold:
                return self._run(pool, self._take(pool) or self._start(pool.spec), event)

    def _run(self, pool: _Pool, sandbox: Sandbox, event: str) -> Outcome:
        try:
            outcome = sandbox.invoke(event)
        except BaseException:
            self._discard(sandbox)
            raise
        with self._lock:
            reusable = not outcome.spent and not self._closed
            if reusable:
                pool.idle.append(sandbox)
        if not reusable:
            self._discard(sandbox)
        return outcome

    def close(self) -> None:
        """End every process; running calls fail."""
        with self._lock:
            self._closed = True
            sandboxes, self._all = self._all, set()
        for sandbox in sandboxes:
            sandbox.close()
        self._log.close()

    def _take(self, pool: _Pool) -> Sandbox | None:
        """Return an idle process that is alive, else None. Discard dead ones."""
        while True:
            with self._lock:
                sandbox = pool.idle.pop() if pool.idle else None
            if sandbox is None or sandbox.alive():
                return sandbox
            self._discard(sandbox)

    def _start(self, spec: FunctionSpec) -> Sandbox:
        launch = Launch(
            handler=spec.handler,
            folder=spec.code,
            environment=self._environment(spec),
            # Compiled modules go into another folder, because the next build recreates its own.
            python_options=(*OPTIONS, "-X", f"pycache_prefix={self._state / 'pycache'}"),
            timeout_seconds=spec.timeout_seconds,
            log=self._log,
        )
        sandbox = Worker(launch) if self._emulator is None else Emulated(self._emulator, launch)
        with self._lock:
            if not self._closed:
                self._all.add(sandbox)
                return sandbox
        sandbox.close()
        raise RuntimeError("the local stack is ending")

    def _discard(self, sandbox: Sandbox) -> None:
        with self._lock:
            ours = sandbox in self._all
            self._all.discard(sandbox)
        if ours:
            sandbox.close()

    def _environment(self, spec: FunctionSpec) -> dict[str, str]:
        """Return the environment of a function in Lambda, without our own variables and without AWS
        credentials.

        AWS_EXECUTION_ENV is deliberately absent: with it the runtime client polls in a thread,
        which costs 4 ms a call.
        """
        path = [spec.code, *(layer / "python" for layer in spec.layers), self._runtime]
        return {
            **spec.variables,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(spec.memory_mb),
            "AWS_LAMBDA_FUNCTION_NAME": spec.name,
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(spec.timeout_seconds),
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_FORMAT": spec.log_format,
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{spec.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "$LATEST",
            "AWS_REGION": REGION,
            "LAMBDA_RUNTIME_DIR": str(self._runtime),
            "LAMBDA_TASK_ROOT": str(spec.code),
            "LANG": "en_US.UTF-8",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "PYTHONPATH": ":".join(str(folder) for folder in path),
            "TZ": ":UTC",
            "_HANDLER": spec.handler,
        }
