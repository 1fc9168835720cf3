"""Migrate: bring the schema to the SQL files beside this one, and let the application's role log
in.

The files are applied in the order of their names, one transaction each, under an advisory lock, and
never again. A file that was changed since, or that comes before one already applied, is refused by
its name before anything is done. Files that the database knows and this folder does not, later than
all of this folder's, are another version's: the code was rolled back, and the schema of a newer
version serves an older one.

A deployment invokes it as a custom resource of CloudFormation, an operator with any event at all.

    python -m migrations.migrate        with OWNER_DATABASE_URL and DATABASE_URL in the environment
"""

import json
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from allowance.aws.custom_resource import answer_deployment
from allowance.aws.lambda_context import LambdaContext
from allowance.database.login import connection_parameters
from allowance.database.settings import database_source
from allowance.errors import Problem, ValidationFailed
from allowance.settings import BadSetting

type Event = dict[str, Any]

MIGRATIONS = Path(__file__).parent
APPLICATION_ROLE = "allowance_app"
CONNECT_TIMEOUT_SECONDS = 30
"""A cluster that was paused at zero capacity takes about 15 s to take connections again."""

LOCK_KEY = 4_207_849_484
"""Any number that no other application of the database takes."""

LOCK_POLL_SECONDS = 0.2
LOCK_PATIENCE_SECONDS = 120

# Waiting for a lock holds up everybody behind it: better to fail and be run again.
TIMEOUTS = "SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '120s'"

LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    name text PRIMARY KEY,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


def migrate(
    owner: psycopg.Connection[Any],
    folder: Path = MIGRATIONS,
    *,
    application_password: str | None = None,
    application_by_iam: bool = False,
) -> list[str]:
    """The names of the files that were applied now. The connection is the owner's, in autocommit.

    Afterwards the application's role can log in with the password, or else, at RDS, with a token
    that IAM signs. Raises ValidationFailed, naming the file, and whatever Postgres says of a file
    that fails, which leaves no trace.
    """
    files = {path.name: path.read_bytes() for path in sorted(folder.glob("[0-9]*.sql"))}
    with _one_at_a_time(owner):
        owner.execute(LEDGER)
        applied = dict(
            owner.execute("SELECT name, checksum FROM schema_migrations ORDER BY name").fetchall()
        )
        if problems := _problems(files, applied):
            raise ValidationFailed(problems)
        new = [name for name in files if name not in applied]
        for name in new:
            with owner.transaction():
                owner.execute(TIMEOUTS)
                owner.execute(files[name])
                owner.execute(
                    "INSERT INTO schema_migrations (name, checksum) VALUES (%s, %s)",
                    (name, _checksum(files[name])),
                )
        if application_password is not None:
            _set_application_password(owner, application_password)
        _let_in_by_iam(owner, granted=application_by_iam)
    return new


def _set_application_password(owner: psycopg.Connection[Any], password: str) -> None:
    """Let the application's role log in with this password. Only its SCRAM verifier is sent."""
    verifier = owner.pgconn.encrypt_password(
        password.encode(), APPLICATION_ROLE.encode(), b"scram-sha-256"
    ).decode()
    owner.execute(
        sql.SQL("ALTER ROLE {} PASSWORD {}").format(
            sql.Identifier(APPLICATION_ROLE), sql.Literal(verifier)
        )
    )


def _let_in_by_iam(owner: psycopg.Connection[Any], *, granted: bool) -> None:
    """Who is a member of `rds_iam` logs in by token only, so that a way back to a password takes it
    away again.
    """
    membership = (
        "SELECT pg_has_role(application.oid, iam.oid, 'member') FROM pg_roles AS iam, "
        "pg_roles AS application "
        "WHERE iam.rolname = 'rds_iam' AND application.rolname = %s"
    )
    row = owner.execute(membership, (APPLICATION_ROLE,)).fetchone()
    if granted and row is None:
        raise BadSetting(
            "The application is to log in by IAM, but this server has no role rds_iam: "
            "it is not RDS."
        )
    if row is not None and row[0] != granted:
        change = "GRANT rds_iam TO {}" if granted else "REVOKE rds_iam FROM {}"
        owner.execute(sql.SQL(change).format(sql.Identifier(APPLICATION_ROLE)))


def handler(event: Event, context: LambdaContext) -> Event | None:
    """The Migrate Lambda. Answers the files applied now, to the operator or to CloudFormation."""
    if "ResponseURL" in event:
        return answer_deployment(event, context.log_stream_name, bring_up_to_date)
    return bring_up_to_date()


def bring_up_to_date() -> Event:
    """Migrate the database of the environment: the files applied now. Raises what `migrate` does,
    and BadSetting.
    """
    source = database_source()
    application = (
        {"user": source.user} if source.by_iam else _readable(connection_parameters(source))
    )
    of_owner = connection_parameters(database_source("OWNER_"))
    _readable(of_owner)
    if application.get("user") != APPLICATION_ROLE:
        raise ValidationFailed([Problem("DATABASE_URL", f"its user must be {APPLICATION_ROLE}")])
    with psycopg.connect(
        **of_owner,
        autocommit=True,
        application_name="allowance/migrate",
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
    ) as owner:
        password = application.get("password")
        applied = migrate(owner, application_password=password, application_by_iam=source.by_iam)
    return {"applied": applied}


def _readable(parameters: dict[str, Any]) -> dict[str, Any]:
    """Connection parameters by libpq's names. Raises BadSetting: psycopg's words would quote the
    password.
    """
    try:
        return dict(conninfo_to_dict(**parameters))
    except psycopg.ProgrammingError:
        raise BadSetting("The connection string of a database cannot be read.") from None


def _problems(files: dict[str, bytes], applied: dict[str, str]) -> list[Problem]:
    newest_applied = max(applied, default="")
    newest_here = max(files, default="")
    changed = [
        name for name in files if name in applied and applied[name] != _checksum(files[name])
    ]
    late = [name for name in files if name not in applied and name < newest_applied]
    missing = [name for name in applied if name not in files and name < newest_here]
    return [
        *(Problem(name, "was changed since it was applied") for name in changed),
        *(
            Problem(name, f"comes before {newest_applied}, which is applied already")
            for name in late
        ),
        *(Problem(name, "is applied, but missing here") for name in missing),
    ]


@contextmanager
def _one_at_a_time(owner: psycopg.Connection[Any]) -> Generator[None]:
    """Polled: a session that waits in pg_advisory_lock holds a snapshot, on which CREATE INDEX
    CONCURRENTLY waits.
    """
    deadline = time.monotonic() + LOCK_PATIENCE_SECONDS
    while not _scalar(owner, "SELECT pg_try_advisory_lock(%s)"):
        if time.monotonic() > deadline:
            raise TimeoutError(
                f"Another migration has held the lock for {LOCK_PATIENCE_SECONDS} s."
            )
        time.sleep(LOCK_POLL_SECONDS)
    try:
        yield
    finally:
        if not owner.closed:
            _scalar(owner, "SELECT pg_advisory_unlock(%s)")


def _scalar(owner: psycopg.Connection[Any], query: str) -> Any:
    row = owner.execute(query.encode(), (LOCK_KEY,)).fetchone()
    return row and row[0]


def _checksum(content: bytes) -> str:
    return sha256(content).hexdigest()


if __name__ == "__main__":
    try:
        print(json.dumps(bring_up_to_date()))
    except (BadSetting, ValidationFailed) as problem:
        sys.exit(f"migrate: {problem}")
