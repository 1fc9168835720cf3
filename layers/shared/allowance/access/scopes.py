"""The scope of a token as a document, with the shape of a role and an allow-list. `read_scope`
makes of it the scope that the rule takes.
"""

from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator

from allowance.contract.fields import Body, Name
from allowance.rbac.policy import (
    ANY,
    UNLIMITED,
    Action,
    AllowedObject,
    OrganizationPermissions,
    Permission,
    Permissions,
    ResourceType,
    Role,
    Scope,
    Wildcard,
)


def _one_of(known: type[StrEnum]) -> AfterValidator:
    names = (*map(str, known), ANY)

    def check(name: str) -> str:
        if name not in names:
            raise ValueError(f'unknown name "{name}": one of {", ".join(names)}')
        return name

    return AfterValidator(check)


TypeName = Annotated[str, _one_of(ResourceType)]
ActionName = Annotated[str, _one_of(Action)]


class PermissionDocument(Body):
    """`{"resource_type": "group", "action": "read", "negate": false}`; `*` is any."""

    resource_type: TypeName
    action: ActionName
    negate: bool = False


class OrganizationDocument(Body):
    """The permissions that the scope leaves in one organization."""

    org: list[PermissionDocument] = []
    member: list[PermissionDocument] = []


class AllowedObjectDocument(Body):
    """`{"type": "group", "id": "..."}`; `*` is any."""

    type: TypeName
    id: Name


class ScopeDocument(Body):
    """The limits of a token. An absent level permits nothing; an absent allow-list permits every
    object.
    """

    site: list[PermissionDocument] = []
    user: list[PermissionDocument] = []
    by_org_id: dict[Name, OrganizationDocument] = {}
    allow_list: list[AllowedObjectDocument] = [AllowedObjectDocument(type=ANY, id=ANY)]


def read_scope(stored: dict[str, Any] | None) -> Scope:
    """Return the scope in a token's row; None permits everything. The row refers to organizations
    and objects by id.
    """
    if stored is None:
        return UNLIMITED
    document = ScopeDocument.model_validate(stored)
    by_org_id = {
        UUID(organization_id): OrganizationPermissions(
            _permissions(entry.org), _permissions(entry.member)
        )
        for organization_id, entry in document.by_org_id.items()
    }
    return Scope(
        Role(_permissions(document.site), _permissions(document.user), by_org_id),
        tuple(AllowedObject(_type(entry.type), entry.id) for entry in document.allow_list),
    )


def _permissions(documents: list[PermissionDocument]) -> Permissions:
    return tuple(
        Permission(
            _type(each.resource_type),
            ANY if each.action == ANY else Action(each.action),
            each.negate,
        )
        for each in documents
    )


def _type(name: str) -> ResourceType | Wildcard:
    return ANY if name == ANY else ResourceType(name)
