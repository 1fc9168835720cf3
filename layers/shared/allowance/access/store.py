"""Every question that a route may ask: open the gate, run one query. An audit entry is written with
its change.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from allowance.access.gate import Gate
from allowance.contract.fields import (
    AuditEntry,
    AuditPage,
    Caller,
    Group,
    GroupBudget,
    GroupReference,
    Me,
    RemovedBudget,
)
from allowance.contract.preconditions import Precondition
from allowance.contract.query import AuditQuery
from allowance.database.database import call
from allowance.errors import (
    BudgetChanged,
    BudgetNotFound,
    GroupNotFound,
    NotAuthorized,
    OrganizationNotFound,
    UserNotFound,
)
from allowance.rbac.policy import (
    PRICE_BOOK,
    Action,
    Object,
    audit_log_object,
    group_object,
    user_object,
)


@dataclass(frozen=True)
class Origin:
    """Where a change comes from, for the audit log."""

    actor_id: UUID | None
    actor_name: str
    request_id: str

    @property
    def parameters(self) -> dict[str, Any]:
        """Of a query that writes an audit entry."""
        return {
            "actor_id": self.actor_id,
            "actor_name": self.actor_name,
            "request_id": self.request_id,
        }


class CallerStore:
    """What the stores of the routes share: they are for one caller, in one request."""

    def __init__(self, gate: Gate, origin: Origin, caller: Caller) -> None:
        self._gate = gate
        self._origin = origin
        self._caller = caller

    def see_prices(self, action: Action) -> None:
        """Nothing, if the caller may do this to the price book; else raises Forbidden. Costs no
        trip.
        """
        self._gate.open(action, PRICE_BOOK)


class PathStore(CallerStore):
    """What the stores of the routes share whose paths name a group or a user; it came with the
    caller, in one trip.
    """

    def see_group(self, group_id: UUID) -> None:
        """Nothing, if the caller may read the group; else raises NotFound. Costs no trip."""
        self._gate.open(Action.READ, self._group(group_id))

    def see_user(self) -> None:
        """Nothing, if the caller may read the user in the path; else raises NotFound. Costs no
        trip.
        """
        self._gate.open(Action.READ, self._user())

    def _group(self, group_id: UUID) -> Object:
        """The group in the path, as the rule sees it."""
        group = self._caller.group
        if group is None or group.id != group_id:
            raise GroupNotFound
        return group_object(group.id, group.organization_id)

    def _user(self) -> Object:
        """The user in the path, as the rule sees it."""
        return user_object(self._user_id())

    def _user_id(self) -> UUID:
        if self._caller.user is None:
            raise UserNotFound
        return self._caller.user.id


class Store(PathStore):
    """The data, as one caller may see and change it. A refusal is an absence: NotAuthorized is a
    NotFound.
    """

    def me(self) -> Me:
        """The caller. Raises NotAuthorized when the token's scope leaves out its own user."""
        self._gate.open(Action.READ, user_object(self._caller.user_id))
        return Me(
            id=self._caller.user_id,
            username=self._caller.username,
            email=self._caller.email,
            roles=self._caller.roles,
            organizations=self._caller.organizations,
            token=self._caller.token,
        )

    def get_group(self, group_id: UUID) -> Group:
        """A group and its budget. Raises GroupNotFound, NotAuthorized."""
        db = self._gate.open(Action.READ, self._group(group_id))
        group = db.first(Group, "get_group", group_id=group_id)
        if group is None:
            raise GroupNotFound
        return group

    def list_groups(self) -> list[Group]:
        """The groups that the caller may read of the organization in the path, by name.

        Raises OrganizationNotFound, and NotAuthorized for those who are no members of it and may
        not read it.
        """
        organization = self._caller.organization
        if organization is None:
            raise OrganizationNotFound
        if not self._gate.is_member_of(organization.id):
            self._gate.open(Action.READ, group_object(organization.id, organization.id))
        return self._gate.open_each(
            Action.READ,
            lambda db: db.many(Group, "list_groups", organization_id=organization.id),
            lambda group: group_object(group.id, group.organization_id),
        )

    def get_group_budget(self, group_id: UUID) -> GroupBudget:
        """The budget of a group. Raises GroupNotFound, NotAuthorized, BudgetNotFound."""
        db = self._gate.open(Action.READ, self._group(group_id))
        budget = db.first(GroupBudget, "get_group_budget", group_id=group_id)
        if budget is None:
            raise BudgetNotFound
        return budget

    def set_group_budget(
        self, group_id: UUID, spend_limit_micros: int, precondition: Precondition
    ) -> GroupBudget:
        """Create or change a budget, 0..1e12 micros. Raises GroupNotFound, NotAuthorized,
        BudgetChanged.
        """
        db = self._gate.open(Action.UPDATE, self._group(group_id))
        locked, written = db.in_one_trip(
            call(GroupReference, "lock_group", group_id=group_id),
            call(
                GroupBudget,
                "upsert_group_budget",
                group_id=group_id,
                spend_limit_micros=spend_limit_micros,
                must_exist=precondition.must_exist,
                **precondition.parameters,
                **self._origin.parameters,
            ),
        )
        if not locked:
            raise GroupNotFound
        if not written:
            raise BudgetChanged
        return written[0]

    def delete_group_budget(self, group_id: UUID, precondition: Precondition) -> None:
        """Remove the budget of a group. Raises GroupNotFound, NotAuthorized, BudgetNotFound,
        BudgetChanged.
        """
        db = self._gate.open(Action.UPDATE, self._group(group_id))
        locked, outcome = db.in_one_trip(
            call(GroupReference, "lock_group", group_id=group_id),
            call(
                RemovedBudget,
                "delete_group_budget",
                group_id=group_id,
                **precondition.parameters,
                **self._origin.parameters,
            ),
        )
        if not locked:
            raise GroupNotFound
        if not outcome:
            # A precondition does not turn this into a 412: without it the answer would be the same
            # (RFC 9110, 13.2.1).
            raise BudgetNotFound
        if not outcome[0].removed:
            raise BudgetChanged

    def list_audit(self, query: AuditQuery) -> AuditPage:
        """Audit entries of the organizations whose log the caller may read, newest first; none
        where there is none.
        """
        try:
            db, organization_ids = self._gate.open_organizations(Action.READ, audit_log_object)
        except NotAuthorized:
            return AuditPage(entries=[], next=None)
        entries = db.many(
            AuditEntry,
            "list_audit",
            organization_ids=organization_ids,
            group_id=query.group,
            user_id=self._caller.user_id if query.user == "me" else query.user_id,
            username=query.user,
            after=query.after,
            limit=query.limit,
        )
        page = entries[: query.limit]
        return AuditPage(
            entries=page, next=str(page[-1].id) if len(entries) > query.limit else None
        )
