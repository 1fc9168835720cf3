"""What the stores of all domains share: gate, origin of changes, path of a request."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from allowance.access.caller import Caller, OrganizationReference
from allowance.access.gate import Gate
from allowance.contract.fields import Body
from allowance.database.queries import Call
from allowance.errors import GroupNotFound, NotAuthorized, OrganizationNotFound, UserNotFound
from allowance.rbac.policy import Action, Object, group_object, groups_object, user_object


@dataclass(frozen=True)
class Origin:
    """Where a change comes from, for the audit log. A system actor has neither id nor token.

    The database refuses an entry whose token is not the actor's (migrations/0003_audit.sql).
    """

    actor_id: UUID | None
    actor_name: str
    request_id: str
    token_id: str | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """Return the parameters of a query that writes an audit entry."""
        return {
            "actor_id": self.actor_id,
            "actor_name": self.actor_name,
            "request_id": self.request_id,
            "token_id": self.token_id,
        }


class Store:
    """What a subject may ask of one domain in one invocation. It holds a gate, never a database."""

    def __init__(self, gate: Gate, origin: Origin) -> None:
        self._gate = gate
        self._origin = origin


class CallerStore(Store):
    """A store of a route: for one caller in one request."""

    route_object: ClassVar[Object | None] = None
    """The object that `require` asks about; None in a store whose routes require none."""

    def __init__(self, gate: Gate, origin: Origin, caller: Caller) -> None:
        super().__init__(gate, origin)
        self._caller = caller

        self._known_ahead: tuple[Call[Any], ...] = ()

    @classmethod
    def look_ups(cls, body: Body | None, ids: Mapping[str, UUID]) -> tuple[Call[Any], ...]:
        """Return the queries that a request needs, known from its body and the ids in its path.

        They run in the round trip of the caller, before the rule is asked. Handles give out their
        rows only for what they were opened for. None: the route takes no body, or it is invalid.
        """
        del body, ids
        return ()

    def know(self, calls: tuple[Call[Any], ...]) -> None:
        """Take the look-ups whose rows came with the caller."""
        self._known_ahead = calls

    def _looked_up(self, body: Body | None = None, **ids: UUID) -> tuple[Call[Any], ...]:
        """Return the look-ups of a request: those that came with the caller, if any did."""
        return self._known_ahead or self.look_ups(body, ids)

    def see_path(self) -> None:
        """Raise NotFound unless the caller may read what the path names. No round trip."""

    @property
    def path_group_id(self) -> UUID:
        """Return the id of the group that the path names by its name. Raise GroupNotFound."""
        if self._caller.group is None:
            raise GroupNotFound
        return self._caller.group.id

    def _sees(self, organization_id: UUID) -> bool:
        """Return whether the caller may read a group of the organization. No round trip.

        A membership is not enough: the scope of the token decides too. A caller who may read any
        group may read the Everyone group, unless the allow-list of the token names single groups.
        """
        return self._gate.may_any(Action.READ, self._groups_of(organization_id).values())

    def _groups_of(self, organization_id: UUID) -> dict[UUID, Object]:
        """Return the groups of an organization that show whether the caller sees it."""
        named = [
            each.id for each in self._caller.scope_groups if each.organization_id == organization_id
        ]
        return {id_: group_object(id_, organization_id) for id_ in (organization_id, *named)}

    def _visible_organization_ids(self) -> list[UUID] | None:
        """Return the organizations that the caller sees. None: all. No round trip.

        Who may not read the groups of all organizations sees those of its memberships at most, and
        those of groups on the allow-list of the token.
        """
        if self._gate.may_any(Action.READ, [groups_object(None)]):
            return None
        return [id_ for id_ in self._near_organization_ids() if self._sees(id_)]

    def _visible_groups(self) -> dict[UUID, Object]:
        """Return the groups that show which organizations the caller sees, if it sees not all."""
        return {
            id_: group
            for organization_id in self._near_organization_ids()
            for id_, group in self._groups_of(organization_id).items()
        }

    def _near_organization_ids(self) -> list[UUID]:
        own = (each.id for each in self._caller.organizations)
        named = (each.organization_id for each in self._caller.scope_groups)
        return list(dict.fromkeys((*own, *named)))

    def require(self, action: Action) -> None:
        """Raise Forbidden or NotFound unless the caller may do this to the object of the route.

        The border calls it before it looks at the body. No round trip.
        """
        if self.route_object is None:
            raise TypeError(f"{type(self).__name__} has no object to require an action on.")
        self._gate.check(action, self.route_object)


class GroupPathStore(CallerStore):
    """A store of routes whose path names a group. The group came with the caller, in one trip."""

    def see_path(self) -> None:
        """Raise GroupNotFound or NotAuthorized unless the caller may read the group."""
        if self._caller.group is None:
            raise GroupNotFound
        self._gate.check(Action.READ, self._group(self._caller.group.id))

    def _group(self, group_id: UUID) -> Object:
        """Return the group of the path as the rule sees it. Raises GroupNotFound for another."""
        return group_object(group_id, self._organization_id(group_id))

    def _organization_id(self, group_id: UUID) -> UUID:
        """Return the organization of the group of the path. Raises GroupNotFound for another."""
        group = self._caller.group
        if group is None or group.id != group_id:
            raise GroupNotFound
        return group.organization_id

    def _user_ids(self, keys: Iterable[UUID | str]) -> list[UUID]:
        """Return the ids of users whom the query names by id or username. Leave out unknown ones.

        The names came with the caller, in one trip. `me` is the caller.
        """
        names = {each.name: each.id for each in self._caller.named_users}
        return _ids(keys, names | {"me": self._caller.user_id})


class UserPathStore(CallerStore):
    """A store of routes whose path names a user. The user came with the caller, in one trip."""

    def see_path(self) -> None:
        """Raise UserNotFound or NotAuthorized unless the caller may read the user."""
        self._gate.check(Action.READ, self._user())

    def _user(self) -> Object:
        """Return the user of the path as the rule sees it. Raises UserNotFound."""
        return user_object(self._user_id())

    def _user_id(self) -> UUID:
        if self._caller.user is None:
            raise UserNotFound
        return self._caller.user.id


class OrganizationPathStore(CallerStore):
    """A store of routes whose path names an organization. It came with the caller, in one trip."""

    def see_path(self) -> None:
        """Raise OrganizationNotFound, or NotAuthorized unless the caller sees the organization."""
        self._seen_organization()

    def _organization(self) -> OrganizationReference:
        """Return the organization of the path. Raise OrganizationNotFound."""
        if self._caller.organization is None:
            raise OrganizationNotFound
        return self._caller.organization

    def _group_ids(self, keys: Iterable[UUID | str]) -> list[UUID]:
        """Return the ids of groups that the query names by id or name. Leave out unknown ones.

        The names came with the caller, in one trip.
        """
        return _ids(keys, {each.name: each.id for each in self._caller.named_groups})

    def _seen_organization(self) -> OrganizationReference:
        """Return the organization of the path. Raise like `see_path`."""
        organization = self._organization()
        if not self._sees(organization.id):
            raise NotAuthorized
        return organization


def _ids(keys: Iterable[UUID | str], names: Mapping[str, UUID]) -> list[UUID]:
    """Return the id of each key, once."""
    found = (names.get(each) if isinstance(each, str) else each for each in keys)
    return list(dict.fromkeys(each for each in found if each is not None))
