"""One invocation on the warm connection of the process: a store for a caller, a gate for a job.

Each logs in to the database by its own role: routes by one, a job by the one of its actor. A
deployed function can log in as one of them only: IAM or its secret decides which.
"""

import secrets
from typing import Any

from allowance.access.ahead import Ahead
from allowance.access.caller import Caller, Named
from allowance.access.gate import Gate
from allowance.access.names import NOTHING_NAMED, Names
from allowance.access.scopes import read_scope
from allowance.access.store import CallerStore, Origin
from allowance.access.tokens import Credential
from allowance.contract.fields import Row
from allowance.database.database import Database
from allowance.database.queries import Call, call
from allowance.database.settings import database_source
from allowance.errors import Unauthenticated
from allowance.rbac.policy import Subject
from allowance.rbac.roles import roles_of_user
from allowance.rbac.system import Login, SystemActor
from allowance.settings import settings

JOB_PATIENCE_SECONDS = 30
"""A database that is paused at zero capacity accepts connections after about 15 s."""


class Ping(Row):
    """The response of a database that responds."""

    status: str


WARM: dict[Login, Database] = {}
"""The database of this process for a login, kept between invocations."""


def warm_database(login: Login) -> Database:
    """Return the database of this process for a login. Raise BadSetting."""
    if login not in WARM:
        name = f"allowance/{settings().function_name}"
        WARM[login] = Database(database_source(login=login), name)
    return WARM[login]


def open_store[S: CallerStore](
    kind: type[S],
    credential: Credential,
    *,
    request_id: str,
    names: Names = NOTHING_NAMED,
    look_ups: tuple[Call[Any], ...] = (),
) -> S:
    """Return a store for the user behind a credential. One round trip, at every request.

    The same round trip looks up what the request names, and runs `look_ups`. Raise Unauthenticated.
    """
    database = warm_database(Login.ROUTES)
    database.start_invocation()
    authenticate = call(
        Caller,
        "authenticate",
        token_id=credential.token_id,
        secret_sha256=credential.secret_sha256,
        blind=secrets.token_bytes(32),
        **names.with_caller,
    )
    named = () if names.others is None else (call(Named, "find_named", **names.others),)
    calls: tuple[Call[Any], ...] = (authenticate, *named, *look_ups)
    answers: list[list[Any]] = (
        database.batch(*calls) if len(calls) > 1 else [database.rows_of(authenticate)]
    )
    found, *rows = answers
    if not found:
        raise Unauthenticated
    caller: Caller = found[0]
    if named:
        caller = caller.with_named(rows.pop(0)[0])
    store = kind(
        Gate(_subject(caller), database, Ahead(look_ups, rows)),
        Origin(caller.user_id, caller.username, request_id, caller.token_id),
        caller,
    )
    store.know(look_ups)
    return store


def open_gate(actor: SystemActor) -> Gate:
    """Return a gate for a system actor. It has no credential: IAM decides which job may start.

    No caller waits for a system actor, so it waits for the database up to JOB_PATIENCE_SECONDS.
    """
    database = warm_database(actor.login)
    database.start_invocation(patience_seconds=JOB_PATIENCE_SECONDS)
    return Gate(actor.subject, database)


def close_database() -> None:
    """End the connections of this process. The next statement opens another."""
    for each in WARM.values():
        each.close()


def ping_database() -> None:
    """Raise DatabaseUnavailable unless the database responds. One round trip."""
    database = warm_database(Login.ROUTES)
    database.start_invocation()
    database.rows_of(call(Ping, "ping"))


def take_database_ms() -> float:
    """Return the milliseconds that this invocation has waited for the database."""
    return sum(each.take_waited_ms() for each in WARM.values())


def _subject(caller: Caller) -> Subject:
    return Subject(
        caller.user_id,
        roles_of_user(caller.roles, ((each.id, each.roles) for each in caller.organizations)),
        frozenset(caller.groups),
        read_scope(caller.token.scope),
        tuple(map(read_scope, caller.token.maker_scopes)),
    )
