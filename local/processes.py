"""Child processes that end with their parent, and their files, locks and ports."""

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
"""The interpreter below the virtual environment: the functions must not import packages of the
tools.
"""

# Linux sends the death signal when the *thread* that forked ends, and a web server's threads end
# with their connection. So one thread that lives as long as the process starts every child.
_SPAWNER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")


@dataclass(frozen=True)
class Account:
    """A user of the operating system to run as."""

    uid: int
    gid: int


NOBODY_ELSE = Account(-1, -1)
"""Run as our own account."""


def tethered(
    command: Sequence[str], death_signal: int = signal.SIGKILL, account: Account = NOBODY_ELSE
) -> list[str]:
    """Return a command line that runs the command. On Linux the command gets `death_signal` when
    its parent dies.
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
    """Start a process in a session of its own and return it. Ctrl-C reaches only the parent."""

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
    """Return a port of the loopback interface that is free now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def hold(path: Path) -> int | None:
    """Lock a file, and return a descriptor that holds the lock until it is closed. None: another
    process holds the lock.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def write_private(path: Path, text: str) -> None:
    """Write a file for its owner only. A reader sees the old text or the new, never a part."""
    unfinished = path.with_name(path.name + ".new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    unfinished.replace(path)


def write_private_json(path: Path, value: object) -> None:
    """Like `write_private`, for a value as indented JSON."""
    write_private(path, json.dumps(value, indent=2) + "\n")


def private_log(path: Path) -> TextIO:
    """Return a new, empty log that only its owner can read. It appends line by line, so several
    processes can share it.
    """
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    return path.open("a", buffering=1)
