"""The scope of a token that a user makes: organizations of the user, and objects by id.

Names of other organizations, groups and users are refused, so that a scope reveals no name.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from allowance.access.scopes import ScopeDocument
from allowance.contract.fields import UUID_FORM
from allowance.errors import Problem
from allowance.rbac.policy import ANY

MAX_SCOPE_BYTES = 16_384
"""Each request reads the scopes of a token and of its makers."""


def problems_of(scope: ScopeDocument | None, own: Mapping[str, UUID]) -> Iterator[Problem]:
    """Yield what a scope may not contain. `own` are the organizations of the user, by name."""
    if scope is None:
        return
    if len(scope.model_dump_json().encode()) > MAX_SCOPE_BYTES:
        yield Problem("scope", f"Must have at most {MAX_SCOPE_BYTES} bytes as JSON.")
    named: dict[UUID, str] = {}
    for name in scope.by_org_id:
        where, id_ = f"scope.by_org_id.{name}", _organization(name, own)
        if id_ is None:
            yield Problem(where, "Must be the id or the name of an organization of the user.")
        elif (other := named.setdefault(id_, name)) != name:
            # Two entries would become one, and the permissions of one would be lost.
            yield Problem(where, f'Is the same organization as "{other}".')
    for place, each in enumerate(scope.allow_list):
        if each.id != ANY and not UUID_FORM.fullmatch(each.id):
            yield Problem(f"scope.allow_list[{place}].id", "Must be a UUID, or * for all.")


def stored(scope: ScopeDocument, own: Mapping[str, UUID]) -> dict[str, Any]:
    """Return a scope without problems for the row of a token: by lower-case ids."""
    document = scope.model_dump(mode="json")
    document["by_org_id"] = {
        str(_organization(name, own)): entry for name, entry in document["by_org_id"].items()
    }
    for entry in document["allow_list"]:
        entry["id"] = entry["id"].lower()
    return document


def _organization(name: str, own: Mapping[str, UUID]) -> UUID | None:
    if name in own:
        return own[name]
    id_ = UUID(name) if UUID_FORM.fullmatch(name) else None
    return id_ if id_ in own.values() else None
