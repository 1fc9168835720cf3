"""The identities of a directory document's users, as an import applies them, slice by slice.

All that go are deleted before any is inserted, so that an identity can pass to another user.
"""

import json

from allowance.access.handle import Handle
from allowance.access.store import Origin
from allowance.contract.fields import Row
from allowance.directory.document import UserEntry
from allowance.directory.reading import DirectoryDocument, Slice
from allowance.directory.snapshot import Part, state_of, write_audit
from allowance.errors import Problem


class TakenIdentity(Row):
    """An identity of another user."""

    user: int
    """The place in the slice of the user who should have it."""
    place: int
    username: str


def apply_identities(db: Handle, origin: Origin, document: DirectoryDocument) -> list[Problem]:
    """Bring the identities of the users to the document's lists. Return a problem for each that
    another user has.
    """
    for part in document.users_at(document.identified):
        changed = Part(usernames=[user.username for _, user in part])
        before = state_of(db, changed)
        db.run("delete_identities", users=_json(part))
        write_audit(db, origin, before, changed)
    problems: list[Problem] = []
    for part in document.users_at(document.identified):
        changed = Part(usernames=[user.username for _, user in part])
        before = state_of(db, changed)
        for each in db.many(TakenIdentity, "insert_identities", users=_json(part)):
            i, user = part[each.user]
            key = user.identities[each.place].key
            detail = f'"{key}" is the identity of "{each.username}"'
            problems.append(Problem(f"users[{i}].identities[{each.place}]", detail))
        write_audit(db, origin, before, changed)
    return problems


def _json(part: Slice[UserEntry]) -> str:
    return json.dumps(
        [
            {
                "username": user.username,
                "identities": [each.model_dump() for each in user.identities],
            }
            for _, user in part
        ]
    )
