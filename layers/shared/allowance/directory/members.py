"""The users and memberships of a directory document, as an import applies them, slice by slice.

A slice locks a user before the memberships of that user, like a writer of overrides, who locks one
user only. Slices take the users in the order of their names.
"""

import json
from collections.abc import Iterator
from itertools import batched
from typing import Any, Literal

from allowance.access.handle import Handle
from allowance.access.store import Origin
from allowance.contract.fields import Row
from allowance.directory.document import UserEntry
from allowance.directory.known import Account, KnownOrganizations, known_accounts
from allowance.directory.reading import ROWS_PER_SLICE, DirectoryDocument, Slice
from allowance.directory.resolve import HandedOver, final_account
from allowance.directory.snapshot import Part, state_of, write_audit
from allowance.errors import Problem

WRITES = (
    "insert_users",
    "update_users",
    "delete_organization_members",
    "delete_group_members",
    "insert_organization_members",
    "update_organization_members",
    "revoke_tokens_of_deleted_users",
    "rename_tokens_of_revived_users",
    "delete_identities_of_deleted_users",
)
"""In this order for each slice: a name exists before a reference to it."""


class Stranger(Row):
    """A user who is no member of a group."""

    username: str


class SharedName(Row):
    """A name of a user that is a name of another user too."""

    username: str
    field: Literal["username", "user_name", "email", "external_id"]
    value: str
    other: str


def free_names(db: Handle, handed_over: HandedOver) -> None:
    """Clear each address and user name that passes to another user of the document, who may be in
    any slice.
    """
    for usernames in batched(sorted(handed_over), ROWS_PER_SLICE, strict=False):
        db.run(
            "free_names",
            of_emails=[name for name in usernames if "email" in handed_over[name]],
            of_user_names=[name for name in usernames if "user_name" in handed_over[name]],
        )


def apply_users(
    db: Handle,
    origin: Origin,
    document: DirectoryDocument,
    known: KnownOrganizations,
    handed_over: HandedOver,
) -> list[Problem]:
    """Bring the users of the document and their memberships to its state. `known` has each of its
    groups. Return a problem for each primary group whose user is no member of it, and for each
    name that means two users.
    """
    problems: list[Problem] = []
    for part in document.users_by_name():
        usernames = [user.username for _, user in part]
        accounts = known_accounts(db, usernames)
        for name in accounts.keys() & handed_over.keys():
            accounts[name] = accounts[name].model_copy(update=handed_over[name])
        rows = [_row(user, accounts.get(user.username)) for _, user in part]
        changed = Part(
            usernames=usernames,
            token_owners=[row["username"] for row in rows if row["ended"]],
            handed_over={name: handed_over[name] for name in usernames if name in handed_over},
        )
        before = state_of(db, changed)
        users = json.dumps(rows)
        for write in WRITES:
            db.run(write, users=users)
        _insert_group_members(db, rows, known)
        problems += _set_primary_groups(db, part, rows, known)
        write_audit(
            db, origin, before, Part(usernames=usernames, token_owners=changed.token_owners)
        )
    return [*problems, *_shared_names(db, document)]


def _shared_names(db: Handle, document: DirectoryDocument) -> Iterator[Problem]:
    for usernames in batched(document.places, ROWS_PER_SLICE, strict=False):
        found = db.many(SharedName, "list_shared_names", usernames=list(usernames))
        for each in sorted(found, key=lambda shared: document.places[shared.username]):
            path = f"users[{document.places[each.username]}].{each.field}"
            yield Problem(path, f'"{each.value}" means "{each.other}" too')


def _insert_group_members(
    db: Handle, rows: list[dict[str, Any]], known: KnownOrganizations
) -> None:
    listed = [
        (row["username"], f"{membership['name']}/{group}", membership["name"])
        for row in rows
        for membership in row.get("organizations", ())
        for group in membership.get("groups", ())
    ]
    db.run(
        "insert_group_members",
        usernames=[username for username, _, _ in listed],
        group_ids=[known.groups[group] for _, group, _ in listed],
        organization_ids=[known.organizations[organization] for _, _, organization in listed],
    )


def _set_primary_groups(
    db: Handle, part: Slice[UserEntry], rows: list[dict[str, Any]], known: KnownOrganizations
) -> Iterator[Problem]:
    given = {
        user.username: (i, user.primary_group)
        for (i, user), row in zip(part, rows, strict=True)
        if "primary_group" in user.model_fields_set and row["status"] != "deleted"
    }
    if not given:
        return
    refused = db.many(
        Stranger,
        "set_primary_groups",
        usernames=list(given),
        group_ids=[known.groups[key] if key else None for _, key in given.values()],
    )
    for each in refused:
        i, key = given[each.username]
        detail = f'"{each.username}" is no member of "{key}"'
        yield Problem(f"users[{i}].primary_group", detail)


def _row(user: UserEntry, before: Account | None) -> dict[str, Any]:
    """Return a user as the document leaves it. A key that the document omits is absent.

    Deletion ends roles and memberships, so a deleted user has none, whatever the entry lists. A
    user with another status again has those of the entry only.
    """
    after = final_account(user, before)
    was_deleted = before is not None and before.status == "deleted"
    none: dict[str, Any] = {"roles": [], "organizations": []}
    other_steps = {"id", "renamed_from", "identities"}
    row = user.model_dump(mode="json", exclude_unset=True, exclude=other_steps)
    row |= after.model_dump(include={"user_name", "email", "status"})
    if after.status == "deleted":
        row |= none
    elif was_deleted:
        row = none | row
    return row | {
        "ended": was_deleted or after.status == "deleted",
        "revived": was_deleted and after.status != "deleted",
    }
