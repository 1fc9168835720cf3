"""The only door to the data: a store names an action and an object and gets a handle.

The handle is the proof. It carries what it was opened for and runs only queries whose declared
needs (`-- needs: update group %(group_id)s`) match that: action, type and id. See
docs/decisions/0001-gate.md.
"""

from collections.abc import Callable, Iterable, Mapping, Set
from uuid import UUID

from allowance.access.ahead import Ahead
from allowance.access.handle import Handle, Permit
from allowance.contract.fields import UUID_FORM
from allowance.database.database import Database
from allowance.errors import Forbidden, NotAuthorized
from allowance.rbac.authorize import allowed
from allowance.rbac.holders import who_may
from allowance.rbac.policy import (
    NO_SECRET,
    USERS,
    Action,
    Object,
    Subject,
    group_member_object,
    group_members_object,
    group_object,
    groups_object,
    user_object,
)


class Gate:
    """Stands between a subject and the database for one invocation."""

    def __init__(self, subject: Subject, database: Database, ahead: Ahead | None = None) -> None:
        self._subject = subject
        self._database = database
        self._ahead = ahead

    def check(self, action: Action, obj: Object) -> None:
        """Raise unless the subject may do this to the object. No round trip.

        Raises NotAuthorized, or Forbidden where the existence of the object is no secret. To a
        subject who may read the object, the error names the roles that may take the action.
        """
        if not allowed(self._subject, action, obj):
            raise Forbidden if obj.type in NO_SECRET else self._refusal(action, [obj])

    def may_any(self, action: Action, objects: Iterable[Object]) -> bool:
        """Return whether the subject may do this to one of the objects at least. No round trip."""
        return any(allowed(self._subject, action, obj) for obj in objects)

    def open(self, action: Action, *objects: Object) -> Handle:
        """Return a handle for an action on each of the objects. Raises as `check`."""
        for obj in objects:
            self.check(action, obj)
        return self._handle(Permit(action, obj) for obj in objects)

    def open_some[K](
        self, action: Action, objects: Mapping[K, Object], *, beside: Iterable[Object] = ()
    ) -> tuple[Handle, list[K]]:
        """Return a handle for those of the objects that the subject may do this to, and their keys.

        `beside` are objects that are needed in any case: raises as `check` without them. Raises
        NotAuthorized where no object remains.
        """
        for obj in beside:
            self.check(action, obj)
        keys = [key for key, obj in objects.items() if allowed(self._subject, action, obj)]
        if not keys:
            raise self._refusal(action, objects.values())
        permitted = (*beside, *(objects[key] for key in keys))
        return self._handle(Permit(action, obj) for obj in permitted), keys

    def open_organizations(
        self,
        action: Action,
        object_of: Callable[[UUID | None], Object],
        *,
        beside: Iterable[Object] = (),
    ) -> tuple[Handle, list[UUID] | None]:
        """Return a handle for all organizations where the action is allowed, and their ids.

        None instead of ids means all organizations, and what belongs to none. An organization of
        which the subject is no member gets the same verdict from the rule as no organization: only
        the site level can allow it. Raises NotAuthorized where the action is allowed nowhere. With
        objects `beside`, raises as `check` for one of them, and needs no organization.
        """
        own_permits = [Permit(action, obj) for obj in beside]
        for _, obj in own_permits:
            self.check(action, obj)
        everywhere = object_of(None)
        if allowed(self._subject, action, everywhere):
            return self._handle([*own_permits, Permit(action, everywhere)]), None
        own = {id_ for role in self._subject.roles for id_ in role.by_org_id}
        permitted = sorted(id_ for id_ in own if allowed(self._subject, action, object_of(id_)))
        if not permitted and not own_permits:
            raise self._refusal(action, [everywhere, *map(object_of, sorted(own))])
        permits = (Permit(action, object_of(id_)) for id_ in permitted)
        return self._handle([*own_permits, *permits]), permitted

    def open_groups(
        self, action: Action, organization_id: UUID, *, beside: Iterable[Object] = ()
    ) -> tuple[Handle, list[UUID] | None]:
        """Return a handle for the groups of an organization where the action is allowed, and ids.

        None instead of ids means all groups. Otherwise the rule can only allow those that the
        subject itself names: its groups, the Everyone group, and the allow-list of its scope. So
        the size of the organization costs nothing. The ids may include groups of others: the query
        must select by organization too. Raises NotAuthorized where no id remains, and as `check`
        for one of the objects `beside`, which are needed in any case.
        """
        return self._open_named(
            action,
            groups_object(organization_id),
            lambda id_: group_object(id_, organization_id),
            {organization_id, *self._subject.groups},
            beside,
        )

    def open_members(
        self, action: Action, organization_id: UUID, *, beside: Iterable[Object] = ()
    ) -> tuple[Handle, list[UUID] | None]:
        """Like `open_groups`, for members of an organization. If the rule does not allow all of
        them, it can only allow the subject itself, and those on the allow-list of its scope.
        """
        return self._open_named(
            action,
            group_members_object(organization_id),
            lambda id_: group_member_object(id_, organization_id),
            self._itself,
            beside,
        )

    def open_users(self, action: Action) -> tuple[Handle, list[UUID] | None]:
        """Like `open_members`, for all users."""
        return self._open_named(action, USERS, user_object, self._itself, ())

    @property
    def _itself(self) -> set[UUID]:
        return {self._subject.id} if self._subject.id is not None else set()

    def _open_named(
        self,
        action: Action,
        everything: Object,
        object_of: Callable[[UUID], Object],
        named: Set[UUID],
        beside: Iterable[Object],
    ) -> tuple[Handle, list[UUID] | None]:
        """Return a handle for everything and None, or else for what the subject and the allow-lists
        of its scopes name, and the ids. Raises as `open_some`.
        """
        if allowed(self._subject, action, everything):
            return self.open(action, everything, *beside), None
        listed = {
            UUID(each.id)
            for scope in self._subject.scopes
            for each in scope.allow_list
            if UUID_FORM.fullmatch(each.id)
        }
        objects = {id_: object_of(id_) for id_ in sorted(named | listed)}
        return self.open_some(action, objects, beside=beside)

    def _refusal(self, action: Action, objects: Iterable[Object]) -> NotAuthorized:
        """Return the error of a refused action. Its detail says who may, if the subject may read
        one of the objects. Otherwise the refusal looks like an absence.
        """
        for obj in objects:
            if action is not Action.READ and allowed(self._subject, Action.READ, obj):
                return NotAuthorized(detail=who_may(self._subject, action, obj))
        return NotAuthorized()

    def _handle(self, permits: Iterable[Permit]) -> Handle:
        return Handle(self._database, permits, self._ahead)
