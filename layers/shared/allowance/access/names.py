"""What a request names, before the caller is known. Pure.

A group, an organization or a user has an id, and a name that people know. The query that
authenticates looks up either, or another one in the same round trip.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from allowance.contract.fields import NIL_UUID

DEFAULT_ORGANIZATION = "default"
"""In place of a name: the default organization. No organization may have this name."""

ME = "me"
"""In place of a username: the caller. No user may have this name."""


@dataclass(frozen=True, slots=True)
class Names:
    """The group, the organization and the user in the path, and the names in the query.

    `organization` is also `default` or the nil UUID, for the default organization. `user` is also
    `me`. An empty name is one that nothing can have. A group is looked up by its name only in the
    organization of the path. If the path names an organization, the group has to be in it.
    """

    group: UUID | str | None = None
    organization: UUID | str | None = None
    user: UUID | str | None = None
    groups: Sequence[str] = ()
    users: Sequence[str] = ()

    @property
    def with_caller(self) -> dict[str, Any]:
        """Return the parameters of the query that authenticates. It finds what has an id or a
        username: every request needs it, so it finds nothing else.
        """
        return {
            **self._organization,
            "group_id": _id(self.group) if self.organization is None else None,
            "named_user_id": _id(self.user),
            "named_username": _name(self.user),
        }

    @property
    def others(self) -> dict[str, Any] | None:
        """Return the parameters of the query for other names. None: there are none."""
        of_organization = self.group is not None and self.organization is not None
        user_name = None if self.user == ME else _name(self.user)
        if not (of_organization or user_name or self.groups or self.users):
            return None
        return {
            **self._organization,
            "group_id": _id(self.group),
            "group_name": _name(self.group),
            "user_name": user_name,
            "group_names": list(self.groups),
            "usernames": list(self.users),
        }

    @property
    def _organization(self) -> dict[str, Any]:
        is_default = self.organization in (DEFAULT_ORGANIZATION, NIL_UUID)
        return {
            "organization_id": None if is_default else _id(self.organization),
            "organization_name": None if is_default else _name(self.organization),
            "is_default": is_default,
        }


NOTHING_NAMED = Names()


def _id(key: UUID | str | None) -> UUID | None:
    return key if isinstance(key, UUID) else None


def _name(key: UUID | str | None) -> str | None:
    return key if isinstance(key, str) else None
