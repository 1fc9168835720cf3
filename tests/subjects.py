"""Subjects who may do one thing only, or everything except one thing."""

from collections.abc import Iterable

from allowance.rbac.policy import (
    ANY,
    Action,
    AllowedObject,
    Object,
    Permission,
    ResourceType,
    Role,
    Scope,
    Subject,
)
from tests.accounting import CALLER, HELD

ALL_TYPES = tuple(ResourceType)


def exactly(needs: Iterable[tuple[Action, Object]]) -> Subject:
    """A subject who may do this to these objects, and nothing else."""
    needs = list(needs)
    permissions = tuple(Permission(obj.type, action) for action, obj in needs)
    objects = tuple(AllowedObject(obj.type, obj.id or ANY) for _, obj in needs)
    everything = Role(site=(Permission(ANY, ANY),))
    return Subject(CALLER, (Role(site=permissions),), scope=Scope(everything, objects))


def all_but_the_action(action: Action, *objects: Object) -> Subject:
    """A subject who may do everything to everything, but for this action on these types."""
    types = {obj.type for obj in objects}
    permissions = tuple(
        Permission(each_type, each_action)
        for each_type in ALL_TYPES
        for each_action in Action
        if each_action != action or each_type not in types
    )
    return Subject(CALLER, (Role(site=permissions),))


def all_but_the_object(obj: Object) -> Subject:
    """A subject who may do everything to all objects of other types, and to one other object."""
    everything = Role(site=(Permission(ANY, ANY),))
    others = tuple(AllowedObject(each) for each in ALL_TYPES if each is not obj.type)
    one_other = AllowedObject(obj.type, str(HELD))
    return Subject(CALLER, (everything,), scope=Scope(everything, (*others, one_other)))
