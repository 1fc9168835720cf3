"""Postgres from a Python package, for the local stack and the tests: no Docker, no installation.

The data folder contains `cluster` (Postgres's own), `password` (the owner's), `log` and `lock`.
Postgres refuses to run as root, so for root it runs as `nobody`. Files that `nobody` cannot reach
move to `/var/lib/allowance-local`, see postgres_account.py.
"""

import atexit
import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

import psycopg

from local.postgres_account import account_for, reachable_binaries, reachable_data, run_as
from local.postgres_host import PostgresError, clear_leftovers, default_binaries, memory_folder
from local.processes import (
    LOOPBACK,
    NOBODY_ELSE,
    Account,
    free_port,
    hold,
    spawn,
    tethered,
    write_private,
)

OWNER = "allowance_owner"
DATABASE = "allowance"
START_SECONDS = 30.0
STOP_SECONDS = 10.0
POLL_SECONDS = 0.01
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}

LESS_DURABLE = ("fsync", "synchronous_commit", "full_page_writes")
FAST_AND_FORGETFUL = dict.fromkeys(LESS_DURABLE, "off") | {"scram_iterations": "1"}
"""For tests: a crash of the machine may lose the data, and a login need not be slow to guess."""


class EmbeddedPostgres:
    """A Postgres server on the loopback interface, with the database `allowance` and its owner."""

    def __init__(
        self,
        data: Path | None = None,
        *,
        port: int | None = None,
        binaries: Path | None = None,
        durable: bool = True,
        max_connections: int = 100,
    ) -> None:
        """`data` is kept between runs; None: a temporary folder, which `close` deletes. `port`
        None: any free port.
        """
        self.port = port
        self._temporary = data is None
        parent = None if durable else memory_folder()
        self._data = (
            Path(tempfile.mkdtemp(prefix="allowance-pg-", dir=parent)) if data is None else data
        ).absolute()
        self._binaries = binaries or default_binaries()
        self._settings = {"max_connections": str(max_connections)} | (
            {} if durable else FAST_AND_FORGETFUL
        )
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None
        self._password = ""

    @property
    def url(self) -> str:
        """Return the owner's connection URL."""
        return f"postgresql://{OWNER}:{self._password}@{LOOPBACK}:{self.port}/{DATABASE}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the server, and return when it accepts connections. Create the data if it is
        missing. After `stop`, use the same port. Raise PostgresError.
        """
        if self._process is not None:
            return
        try:
            self._start()
        except BaseException:
            self.crash()
            raise
        atexit.register(self.stop)

    def stop(self) -> None:
        """Shut down fast: end the sessions, write everything that is committed."""
        self._end(signal.SIGINT)

    def crash(self) -> None:
        """Shut down at once, as in a crash: the next start recovers from the log."""
        self._end(signal.SIGQUIT)

    def close(self) -> None:
        """Stop, and delete the data if the folder is temporary."""
        self.stop()
        if self._temporary:
            shutil.rmtree(self._data.resolve(), ignore_errors=True)
            self._data.unlink(missing_ok=True)

    def _start(self) -> None:
        account = account_for(self._data / "cluster")
        home = reachable_data(self._data, account)
        binaries = reachable_binaries(self._binaries, account)
        self._lock = hold(home / "lock")
        if self._lock is None:
            raise PostgresError(f"another process uses the Postgres data in {self._data}")
        if not (home / "cluster").exists():
            _initialize(home, binaries, account)
        self._password = (home / "password").read_text()
        clear_leftovers(home / "cluster" / "postmaster.pid")
        attempts = 1 if self.port else 3
        for attempt in range(1, attempts + 1):
            port = self.port or free_port()
            try:
                self._launch(home, binaries, account, port)
            except PostgresError:
                # Another process may take a free port before Postgres binds it.
                if attempt == attempts or "Address already in use" not in _log_tail(home):
                    raise
            else:
                self.port = port
                return

    def _launch(self, home: Path, binaries: Path, account: Account, port: int) -> None:
        settings = self._settings | {
            "listen_addresses": LOOPBACK,
            "port": str(port),
            "unix_socket_directories": "",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [str(binaries / "postgres"), "-D", str(home / "cluster"), *options]
        with (home / "log").open("wb") as log:
            (home / "log").chmod(0o600)
            tied = tethered(command, signal.SIGINT, account)
            self._process = spawn(
                tied, environment=ENVIRONMENT, folder=Path("/"), output=log, errors=log
            )
        deadline = time.monotonic() + START_SECONDS
        while not _accepts_connections(port, self._password):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise PostgresError(f"Postgres did not start:\n{_log_tail(home)}")
            time.sleep(POLL_SECONDS)

    def _end(self, first: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            atexit.unregister(self.stop)
            for number in (first, signal.SIGQUIT, signal.SIGKILL):
                process.send_signal(number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(STOP_SECONDS)
                    break
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _initialize(home: Path, binaries: Path, account: Account) -> None:
    """Create the cluster in a staging folder and move it into place, so that an interrupted start
    leaves no partial cluster.
    """
    staging = home / "new"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(mode=0o700)
    password = secrets.token_urlsafe(24)
    write_private(staging / "password", password)
    if account != NOBODY_ELSE:
        os.chown(staging, account.uid, account.gid)
        os.chown(staging / "password", account.uid, account.gid)
    # Locale C: the same order of text on every machine. No sync: initdb can recreate an empty
    # cluster in half a second.
    options = [
        "--encoding=UTF8",
        "--no-locale",
        "--auth=scram-sha-256",
        "--no-sync",
        "--no-instructions",
    ]
    identity = [
        f"--username={OWNER}",
        f"--pwfile={staging / 'password'}",
        "-D",
        str(staging / "cluster"),
    ]
    done = run_as(account, [str(binaries / "initdb"), *options, *identity], ENVIRONMENT)
    if done.returncode != 0:
        raise PostgresError(f"initdb failed:\n{done.stdout}{done.stderr}")
    write_private(home / "password", password)
    (staging / "cluster").rename(home / "cluster")
    shutil.rmtree(staging)


def _accepts_connections(port: int, password: str) -> bool:
    """Return whether the server accepts connections. The first one creates the database."""
    try:
        url = f"postgresql://{OWNER}:{password}@{LOOPBACK}:{port}/postgres"
        connection = psycopg.connect(url, connect_timeout=5, autocommit=True)
    except psycopg.OperationalError:
        return False
    with connection:
        if not connection.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]
        ).fetchone():
            connection.execute("CREATE DATABASE allowance")
    return True


def _log_tail(home: Path) -> str:
    """Return the last ten lines of the server's log."""
    return "\n".join((home / "log").read_text(errors="replace").splitlines()[-10:])
