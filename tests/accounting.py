"""The shape of an account of authorization, and the caller that checks it.

A need is written as in the header of a query, with names of the directory of the tests in place of
parameters: `read user maya`, `read group in acme`, `update ai_model_price`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from allowance.access.caller import (
    Caller,
    GroupReference,
    Membership,
    OrganizationReference,
    TokenInfo,
    UserReference,
)
from allowance.rbac.policy import Action, Object, ResourceType
from tests.people import Acme

CALLER = UUID(int=1)
"""The caller of every account. No path names this user."""

HELD = UUID(int=9)

EVERYWHERE = "everywhere"
"""In place of the organization of an object at large: in none, and so in all."""


@dataclass(frozen=True)
class Account:
    """What a method needs, and how to call it with a store and the directory of the tests."""

    needs: Sequence[str]
    run: Callable[[Any, Acme], Any]
    then: Sequence[str] = ()
    """What it needs once a first query has found the object."""
    refused: Any = None
    """What it returns in place of an error where the caller may see nothing."""
    either: bool = False
    """One of the needs is enough."""
    kind: type | None = None
    """The store to make, where the method is inherited."""


def platform(acme: Acme) -> UUID:
    return acme.groups["acme/platform"]


def now() -> datetime:
    return datetime.now(UTC)


def needed(text: str, acme: Acme) -> tuple[Action, Object]:
    """The action and the object of a need."""
    action, resource_type, *rest = text.split()
    kind = ResourceType(resource_type)
    match rest:
        case []:
            return Action(action), Object(kind)
        case ["in", place]:
            id_ = None if place == EVERYWHERE else acme.organizations[place]
            return Action(action), Object(kind, organization_id=id_)
        case [name]:
            return Action(action), Object(kind, id=str(id_of(kind, name, acme)))
        case _:
            raise ValueError(text)


def id_of(kind: ResourceType, name: str, acme: Acme) -> UUID:
    if name == "caller":
        return CALLER
    if kind is ResourceType.GROUP:
        return acme.groups[f"acme/{name}"]
    return acme.users[name]


def caller_of(acme: Acme) -> Caller:
    """A caller whose path names the group platform, the organization acme and the user maya."""
    return Caller(
        user_id=CALLER,
        username="test",
        email=None,
        roles=[],
        organizations=list[Membership](),
        groups=[],
        token_id="t",
        token=TokenInfo(name="t", expires_at=None, scope=None, maker_scopes=[]),
        scope_groups=[],
        group=GroupReference(id=platform(acme), organization_id=acme.organizations["acme"]),
        organization=OrganizationReference(id=acme.organizations["acme"], name="acme"),
        now=now(),
        user=UserReference(id=acme.users["maya"], username="maya"),
    )


def nothing_seen(key: str) -> Callable[[Any], bool]:
    return lambda page: page.model_dump()[key] == []
