"""Who may take an action that a caller may not: the text of a refusal to a caller who may read."""

from dataclasses import replace
from uuid import UUID

from allowance.rbac.authorize import allowed
from allowance.rbac.policy import UNLIMITED, Action, Object, Subject
from allowance.rbac.roles import ORGANIZATION_ROLES, SITE_ROLES, roles_of_user

NOWHERE = UUID(int=0)
"""An organization for objects in none. Only what a role gives everywhere counts there."""


def who_may(subject: Subject, action: Action, obj: Object) -> str:
    """Return who may take the action on the object, for a subject who may not.

    For a subject who may read the object. It says nothing of other objects.
    """
    if allowed(replace(subject, scope=UNLIMITED, maker_scopes=()), action, obj):
        return f"Your roles may {action} this, but the scope of your token does not include it."
    names = roles_that_may(action, obj)
    if names:
        return f"You may read this, but not {action} it. Roles that may: {', '.join(names)}."
    if _owner_may(action, obj):
        return f"You may read this, but not {action} it. Only its user may."
    return f"You may read this, but not {action} it."


def roles_that_may(action: Action, obj: Object) -> list[str]:
    """Return the roles that alone allow the action on the object, in the order of their tables."""
    place = obj.organization_id or NOWHERE
    site = [name for name in SITE_ROLES if _may([name], [], place, action, obj)]
    return site + [name for name in ORGANIZATION_ROLES if _may([], [name], place, action, obj)]


def _may(site: list[str], here: list[str], place: UUID, action: Action, obj: Object) -> bool:
    organizations = [(place, here)] if here else []
    return allowed(Subject(None, roles_of_user(site, organizations)), action, obj)


def _owner_may(action: Action, obj: Object) -> bool:
    return obj.owner_id is not None and allowed(
        Subject(obj.owner_id, roles_of_user([], [])), action, obj
    )
