"""The only door to the data: say what you will do, and to what, and get a handle. The handle is the
proof.
"""

from collections.abc import Callable, Iterable, Mapping
from uuid import UUID

from allowance.database.database import Database
from allowance.errors import Forbidden, NotAuthorized
from allowance.rbac.authorize import allowed
from allowance.rbac.policy import NO_SECRET, Action, Object, Subject


class Gate:
    """Stands between a subject and the database for one invocation."""

    def __init__(self, subject: Subject, database: Database) -> None:
        self._subject = subject
        self._database = database

    def open(self, action: Action, obj: Object) -> Database:
        """The database, in exchange for an action that the subject may do to the object.

        Raises NotAuthorized, or Forbidden where it is no secret that there is such an object.
        """
        if not allowed(self._subject, action, obj):
            raise Forbidden if obj.type in NO_SECRET else NotAuthorized
        return self._database

    def open_each[T](
        self,
        action: Action,
        rows: Callable[[Database], Iterable[T]],
        object_of: Callable[[T], Object],
    ) -> list[T]:
        """The rows of a listing that the subject may see: each is judged by the object it stands
        for.
        """
        return [
            row for row in rows(self._database) if allowed(self._subject, action, object_of(row))
        ]

    def open_some[K](self, action: Action, objects: Mapping[K, Object]) -> tuple[Database, list[K]]:
        """The database, and on which of these objects the action is allowed. Raises NotAuthorized
        when on none.
        """
        permitted = [key for key, obj in objects.items() if allowed(self._subject, action, obj)]
        if not permitted:
            raise NotAuthorized
        return self._database, permitted

    def open_organizations(
        self, action: Action, object_of: Callable[[UUID | None], Object]
    ) -> tuple[Database, list[UUID] | None]:
        """The database, and in which organizations the action is allowed: None is in all, and
        outside of any.

        Organizations of which the subject is no member, and no organization at all, get the same
        answer from the rule, since nothing but the site level can speak for them. Raises
        NotAuthorized when it is allowed nowhere.
        """
        if allowed(self._subject, action, object_of(None)):
            return self._database, None
        own = {
            organization_id for role in self._subject.roles for organization_id in role.by_org_id
        }
        permitted = sorted(each for each in own if allowed(self._subject, action, object_of(each)))
        if not permitted:
            raise NotAuthorized
        return self._database, permitted

    def is_member_of(self, organization_id: UUID) -> bool:
        return self._subject.is_member_of(organization_id)
