"""Starting processes that do not outlive us, and the small files, locks and ports that go with
them.
"""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TextIO

LOOPBACK = "127.0.0.1"
PYTHON = Path(sys.base_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}")
"""The interpreter under the virtual environment: the functions must not see what is installed for
the tools.
"""

# Linux sends the death signal when the *thread* that forked ends, and a web server's threads end
# with their connection. So one thread, which lives as long as the process, starts everything.
_SPAWNER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")


@dataclass(frozen=True)
class Account:
    """A user of the operating system to run as."""

    uid: int
    gid: int


NOBODY_ELSE = Account(-1, -1)
"""Run as whoever we are."""


def tethered(
    command: Sequence[str], death_signal: int = signal.SIGKILL, account: Account = NOBODY_ELSE
) -> list[str]:
    """The command line that runs a command which gets `death_signal` when its parent dies (on
    Linux).
    """
    if sys.platform != "linux" and account == NOBODY_ELSE:
        return list(command)
    wrapper = [str(PYTHON), "-I", "-S", str(Path(__file__).with_name("tether.py"))]
    return [*wrapper, str(int(death_signal)), str(account.uid), str(account.gid), *command]


def spawn(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    folder: Path,
    output: int | IO[Any],
    errors: int | IO[Any],
    given: int | IO[Any] = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, so that ctrl-C in the terminal reaches us alone."""

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            env=environment,
            cwd=folder,
            stdin=given,
            stdout=output,
            stderr=errors,
            start_new_session=True,
        )

    return _SPAWNER.submit(start).result()


def free_port() -> int:
    """A port of the loopback interface that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def hold(path: Path) -> int | None:
    """Lock a file for as long as the returned descriptor is open; None when another process holds
    it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads; readers see the old text or the new, never a part."""
    unfinished = path.with_name(path.name + ".new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    unfinished.replace(path)


def write_private_json(path: Path, value: object) -> None:
    """`write_private`, of JSON that a person can read."""
    write_private(path, json.dumps(value, indent=2) + "\n")


def private_log(path: Path) -> TextIO:
    """A log that only its owner reads, begun anew. Appended to line by line, so several processes
    can share it.
    """
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    return path.open("a", buffering=1)
