"""Migrate: apply the SQL files of this folder, and let the functions' roles log in.

The runner applies the files in the order of their names, each once and in its own transaction,
under an advisory lock. It refuses a folder with an applied file that has changed or is missing, or
with a new file that sorts before an applied one. It names the file and applies nothing.

The database may know later files than this folder. They belong to a newer version whose code was
rolled back. The runner leaves them: migrations expand first and contract one version later, so the
schema of version N+1 serves the code of version N.

CloudFormation invokes the Lambda as a custom resource of a deployment, an operator with `{}`.
    python -m migrations.migrate        with OWNER_DATABASE_URL and DATABASE_URL in the environment
"""

import json
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from allowance.aws.custom_resource import respond_to_deployment
from allowance.aws.lambda_context import LambdaContext
from allowance.database.login import connection_parameters
from allowance.database.role_settings import restore_settings
from allowance.database.settings import database_source
from allowance.errors import Problem, ValidationFailed
from allowance.log import logger
from allowance.rbac.system import Login
from allowance.settings import BadSetting
from allowance.triggers.events import no_parameters, parameters_of

type Event = dict[str, Any]

MIGRATIONS = Path(__file__).parent
CONNECT_TIMEOUT_SECONDS = 30
"""A cluster that is paused at zero capacity accepts connections after about 15 s."""

LOCK_KEY = 4_207_849_484
"""Any number that no other application of this database uses."""

LOCK_POLL_SECONDS = 0.2
LOCK_PATIENCE_SECONDS = 120

# Other sessions queue behind a migration that waits for a lock, so it fails early. Then retry.
TIMEOUTS = "SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '120s'"

SECRETS = {Login.ROUTES: "", Login.JOBS: "JOBS_", Login.DIRECTORY: "DIRECTORY_"}
"""Prefix of the variable that names the secret of a login, `DATABASE_SECRET_ARN`."""

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
    passwords: Mapping[Login, str] | None = None,
    by_iam: bool = False,
) -> list[str]:
    """Apply the new files of the folder and return their names. `owner` must be in autocommit.

    Afterwards the logins can begin sessions: with the passwords, or with an IAM token at RDS.
    Raise ValidationFailed, which names each refused file, BadSetting if IAM is not available, and
    psycopg.Error if a file fails. A failed file is rolled back; the files before it stay applied.
    """
    files = migration_files(folder)
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
                    (name, checksum(files[name])),
                )
        for login, password in (passwords or {}).items():
            _set_password(owner, login, password)
        for login in Login:
            _let_in_by_iam(owner, login, granted=by_iam)
        if differences := restore_settings(owner):
            logger().warning("settings of logins were changed", differences=differences)
    return new


def migration_files(folder: Path = MIGRATIONS) -> dict[str, bytes]:
    """Return the content of each migration by its name, in the order of the names."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("[0-9]*.sql"))}


def checksum(content: bytes) -> str:
    """Return the SHA-256 of a migration, in hexadecimal."""
    return sha256(content).hexdigest()


def _set_password(owner: psycopg.Connection[Any], login: Login, password: str) -> None:
    """Let a role log in with this password. Sends the SCRAM verifier only."""
    verifier = owner.pgconn.encrypt_password(
        password.encode(), login.encode(), b"scram-sha-256"
    ).decode()
    owner.execute(
        sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(login), sql.Literal(verifier))
    )


def _let_in_by_iam(owner: psycopg.Connection[Any], login: Login, *, granted: bool) -> None:
    """Grant `rds_iam` to a role, or revoke it: a member logs in by token only. Raise BadSetting if
    the server has no such role.

    Since Postgres 16 the owner is a member of each role that it created, so of `rds_iam` too, and
    its password may be refused from then on: such an owner logs in by token itself.
    """
    membership = (
        "SELECT pg_has_role(login.oid, iam.oid, 'member') FROM pg_roles AS iam, pg_roles AS login "
        "WHERE iam.rolname = 'rds_iam' AND login.rolname = %s"
    )
    row = owner.execute(membership, (login,)).fetchone()
    if granted and row is None:
        raise BadSetting("The functions are to log in by IAM, but the server has no role rds_iam.")
    if granted:
        # The role inherits nothing by itself, and a server may ask for the rights of rds_iam.
        change = "GRANT rds_iam TO {} WITH INHERIT TRUE"
    elif row is not None and row[0]:
        change = "REVOKE rds_iam FROM {}"
    else:
        return
    owner.execute(sql.SQL(change).format(sql.Identifier(login)))


def handler(event: Event, context: LambdaContext) -> Event | None:
    """Migrate, and return the names of the applied files, or send them to CloudFormation. Raise
    ValidationFailed for an event with parameters.
    """
    asked = parameters_of(event)
    if "ResponseURL" in event:
        return respond_to_deployment(event, context.log_stream_name, bring_up_to_date)
    no_parameters(asked)
    return bring_up_to_date()


def bring_up_to_date() -> Event:
    """Migrate the database that the environment names, and return the names of the applied files.
    Raise like `migrate`, and BadSetting.
    """
    by_iam = database_source(login=Login.ROUTES).by_iam
    passwords = {} if by_iam else _passwords()
    of_owner = connection_parameters(database_source("OWNER_"))
    _readable(of_owner)
    with psycopg.connect(
        **of_owner,
        autocommit=True,
        application_name="allowance/migrate",
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
    ) as owner:
        applied = migrate(owner, passwords=passwords, by_iam=by_iam)
    return {"applied": applied}


def _passwords() -> dict[Login, str]:
    """Return the password of each login: of its secret, or of DATABASE_URL, if that has one. Raise
    BadSetting, and ValidationFailed for a secret of another role.
    """
    passwords: dict[Login, str] = {}
    for login, prefix in SECRETS.items():
        source = database_source(login=login)
        if source.secret_arn is not None:
            source = database_source(prefix)
        found = _readable(connection_parameters(source))
        if found.get("user") != login:
            name = f"{prefix}DATABASE_SECRET_ARN"
            raise ValidationFailed([Problem(name, f"its username must be {login}")])
        if "password" in found:
            passwords[login] = found["password"]
    return passwords


def _readable(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return parameters by libpq's names. Raise BadSetting: psycopg's message has the password."""
    try:
        return dict(conninfo_to_dict(**parameters))
    except psycopg.ProgrammingError:
        raise BadSetting("The connection string of a database cannot be read.") from None


# The runner compares the folder with the record of its database only. The unit suite compares it
# with checksums.txt: a second check at run time would find nothing that a release let through.
def _problems(files: dict[str, bytes], applied: dict[str, str]) -> list[Problem]:
    newest_applied = max(applied, default="")
    newest_here = max(files, default="")
    changed = [name for name in files if name in applied and applied[name] != checksum(files[name])]
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
    """Hold the advisory lock. Raise TimeoutError. It polls, because a session that waits in
    pg_advisory_lock holds a snapshot, and CREATE INDEX CONCURRENTLY waits for that snapshot.
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


if __name__ == "__main__":
    try:
        print(json.dumps(bring_up_to_date()))
    except (BadSetting, ValidationFailed) as problem:
        sys.exit(f"migrate: {problem}")
