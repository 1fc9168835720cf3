"""The organizations and groups of a directory document, as an import applies them.

Before any user is locked, each group that goes is. This is the order of the writers of overrides
(group, user, memberships), so that no two transactions wait in a circle.
"""

import json
from itertools import batched
from uuid import UUID

from allowance.access.caller import GroupReference, UserReference
from allowance.access.handle import Handle
from allowance.access.store import Origin
from allowance.contract.fields import Row
from allowance.directory.document import EVERYONE
from allowance.directory.known import KnownOrganizations
from allowance.directory.reading import ROWS_PER_SLICE, DirectoryDocument
from allowance.directory.snapshot import NOTHING, Part, state_of, write_audit

MEMBERS_PER_SLICE = 500
"""Members of deleted groups per statement. Each may be in many of the groups."""


class Inserted(Row):
    """The id of a new row."""

    id: UUID


def apply_organizations(
    db: Handle, origin: Origin, document: DirectoryDocument, known: KnownOrganizations
) -> None:
    """Delete and insert groups, insert organizations, and set the default one."""
    _delete_groups(db, origin, document, known)
    names = [each.name for each in document.organizations if not each.deleted]
    if not names:
        return
    before = state_of(db, Part(organizations=names))
    as_given = json.dumps([each.model_dump(exclude_unset=True) for each in document.organizations])
    new = db.many(Inserted, "insert_organizations", document=as_given)
    db.run("clear_default_organization", document=as_given)
    db.run("set_default_organization", document=as_given)
    # Each new organization has an Everyone group with its id.
    write_audit(db, origin, before, Part(organizations=names, group_ids=[each.id for each in new]))
    _insert_groups(db, origin, document, known)


def delete_organizations(
    db: Handle, origin: Origin, document: DirectoryDocument, known: KnownOrganizations
) -> None:
    """Delete the organizations that the document deletes, with all of their groups."""
    names = {each.name for each in document.organizations if each.deleted}
    if not names & known.organizations.keys():
        return
    groups = [id_ for key, id_ in known.groups.items() if key.partition("/")[0] in names]
    part = Part(organizations=sorted(names), group_ids=groups)
    before = state_of(db, part)
    db.run("delete_organizations", names=sorted(names))
    write_audit(db, origin, before, part)


def _delete_groups(
    db: Handle, origin: Origin, document: DirectoryDocument, known: KnownOrganizations
) -> None:
    """Delete the groups that an organization's list omits, with their budgets and memberships."""
    kept = {
        f"{each.name}/{name}"
        for each in document.organizations
        for name in (EVERYONE, *each.groups)
    }
    listed = {each.name for each in document.organizations if "groups" in each.model_fields_set}
    dropped = [
        id_
        for key, id_ in known.groups.items()
        if key not in kept and key.partition("/")[0] in listed
    ]
    if not dropped:
        return
    db.many(GroupReference, "lock_groups", group_ids=dropped)
    after = ""
    while members := db.many(
        UserReference,
        "lock_members_of_groups",
        group_ids=dropped,
        after_username=after,
        limit=MEMBERS_PER_SLICE,
    ):
        after = members[-1].username
        part = Part(usernames=[each.username for each in members])
        before = state_of(db, part)
        db.run(
            "delete_members_of_groups",
            group_ids=dropped,
            user_ids=[each.id for each in members],
        )
        write_audit(db, origin, before, part)
    for ids in batched(dropped, ROWS_PER_SLICE, strict=False):
        part = Part(group_ids=ids, budget_group_ids=ids)
        before = state_of(db, part)
        db.run("delete_groups", group_ids=list(ids))
        write_audit(db, origin, before, part)


def _insert_groups(
    db: Handle, origin: Origin, document: DirectoryDocument, known: KnownOrganizations
) -> None:
    new = [
        (each.name, name)
        for each in document.organizations
        for name in each.groups
        if f"{each.name}/{name}" not in known.groups
    ]
    for pairs in batched(new, ROWS_PER_SLICE, strict=False):
        inserted = db.many(
            Inserted,
            "insert_groups",
            organizations=[organization for organization, _ in pairs],
            names=[name for _, name in pairs],
        )
        write_audit(db, origin, NOTHING, Part(group_ids=[each.id for each in inserted]))
