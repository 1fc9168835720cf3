"""One invocation, one warm connection: a store for whoever calls."""

import secrets
from functools import cache
from uuid import UUID

from allowance.access.gate import Gate
from allowance.access.scopes import read_scope
from allowance.access.store import CallerStore, Origin
from allowance.access.tokens import Credential
from allowance.contract.fields import Caller, Health
from allowance.database.database import Database
from allowance.errors import Unauthenticated
from allowance.rbac.policy import Subject
from allowance.rbac.roles import roles_of_user
from allowance.rbac.system import SystemActor
from allowance.settings import database_source, settings


@cache
def warm_database() -> Database:
    """The database of this process, kept between invocations."""
    return Database(database_source(), f"allowance/{settings().function_name}")


def open_store[S: CallerStore](
    kind: type[S],
    credential: Credential,
    *,
    group_id: UUID | None,
    organization: UUID | str | None,
    user: UUID | str | None,
    request_id: str,
) -> S:
    """A store for the user behind a credential, who is looked up anew each time. One trip.

    `group_id`, `organization` and `user` (by id or username; `me` is the caller) are what the path
    names; they come back in the same trip. Raises Unauthenticated.
    """
    database = warm_database()
    database.start_invocation()
    caller = database.first(
        Caller,
        "authenticate",
        token_id=credential.token_id,
        secret_sha256=credential.secret_sha256,
        blind=secrets.token_bytes(32),
        group_id=group_id,
        organization_id=organization if isinstance(organization, UUID) else None,
        organization_name=organization if isinstance(organization, str) else None,
        named_user_id=user if isinstance(user, UUID) else None,
        named_username=user if isinstance(user, str) else None,
    )
    if caller is None:
        raise Unauthenticated
    return kind(
        Gate(_subject(caller), database),
        Origin(caller.user_id, caller.username, request_id),
        caller,
    )


def open_gate(actor: SystemActor) -> Gate:
    """A gate for a system actor, which has no credential: IAM decides who may start it."""
    database = warm_database()
    database.start_invocation()
    return Gate(actor.subject, database)


def ping_database() -> None:
    """Whether the database answers. Raises DatabaseUnavailable."""
    database = warm_database()
    database.start_invocation()
    database.one(Health, "ping")


def take_database_ms() -> float:
    """Milliseconds that this invocation has waited for the database so far; 0 when it
    never asked.
    """
    return warm_database().take_waited_ms() if warm_database.cache_info().currsize else 0.0


def _subject(caller: Caller) -> Subject:
    return Subject(
        caller.user_id,
        roles_of_user(caller.roles, ((each.id, each.roles) for each in caller.organizations)),
        frozenset(caller.groups),
        read_scope(caller.token.scope),
    )
