"""The audit entries of an import. A step of it changes a part of the directory. The database
compares the part before with the part after, and each difference is an entry. So Python never holds
both.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from allowance.access.handle import Handle
from allowance.access.store import Origin
from allowance.contract.fields import Row


class State(Row):
    """A part of the directory as JSON, which only the database reads."""

    state: str


@dataclass(frozen=True)
class Part:
    """The objects of the directory that a step of an import may change."""

    organizations: Sequence[str] = ()
    """By name. The default organization is in a part with organizations, as the flag may move."""
    group_ids: Sequence[UUID] = ()
    budget_group_ids: Sequence[UUID] = ()
    """The groups whose budgets the step deletes. These groups are locked: concurrent requests may
    change the other budgets.
    """
    usernames: Sequence[str] = ()
    """With their memberships."""
    token_owners: Sequence[str] = ()
    """Users with all of their tokens."""
    token_users: Sequence[str] = ()
    """The users of single tokens, in the order of `token_names`."""
    token_names: Sequence[str] = ()
    handed_over: Mapping[str, Mapping[str, str]] = field(
        default_factory=dict[str, Mapping[str, str]]
    )
    """What an earlier step took from users, by username: addresses and names."""

    @property
    def parameters(self) -> dict[str, Any]:
        """Return the parameters of the SQL fragment `directory_resources`."""
        return {
            "organizations": list(self.organizations),
            "group_ids": list(self.group_ids),
            "budget_group_ids": list(self.budget_group_ids),
            "usernames": list(self.usernames),
            "token_owners": list(self.token_owners),
            "token_users": list(self.token_users),
            "token_names": list(self.token_names),
            "handed_over": json.dumps(dict(self.handed_over)),
        }


NOTHING = State(state="[]")
"""The part before a step that only creates."""


def state_of(db: Handle, part: Part) -> State:
    """Return the part as it is now. One round trip."""
    return db.one(State, "directory_state", **part.parameters)


def write_audit(db: Handle, origin: Origin, before: State, part: Part) -> None:
    """Write an audit entry for each difference between a state and the part as it is now. One round
    trip.
    """
    db.run("write_directory_audit", state=before.state, **part.parameters, **origin.parameters)
