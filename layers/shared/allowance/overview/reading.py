"""What of an organization a caller may read: groups and members."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from allowance.access.gate import Gate
from allowance.access.handle import Handle
from allowance.rbac.policy import Action, Object, group_member_object, group_members_object


def readable(
    gate: Gate, caller_id: UUID, organization_id: UUID, also: Iterable[Object] = ()
) -> tuple[Handle, dict[str, Any]]:
    """Return a handle for the groups and the members that the caller may read, and the
    parameters of a query: their ids.

    None instead of ids means all of the organization. The handle is also for those of `also` that
    the caller may read. Raise NotAuthorized where the caller may read no group.
    """
    everybody = group_members_object(organization_id)
    oneself = group_member_object(caller_id, organization_id)
    beside = [each for each in (everybody, oneself, *also) if gate.may_any(Action.READ, [each])]
    user_ids: list[UUID] | None = [caller_id] if oneself in beside else []
    if everybody in beside:
        user_ids = None
    db, group_ids = gate.open_groups(Action.READ, organization_id, beside=beside)
    return db, {
        "organization_id": organization_id,
        "group_ids": group_ids,
        "user_ids": user_ids,
    }
