"""The groups that a directory document deletes: those that a list omits, and those of organizations
that it deletes. A group with a budget goes only if the document confirms it.
"""

from collections.abc import Iterable, Iterator
from itertools import batched
from uuid import UUID

from allowance.access.caller import GroupReference, UserReference
from allowance.access.handle import Handle
from allowance.access.store import Origin
from allowance.contract.fields import Row
from allowance.directory.known import KnownOrganizations
from allowance.directory.names import EVERYONE
from allowance.directory.reading import ROWS_PER_SLICE, DirectoryDocument
from allowance.directory.snapshot import Part, state_of, write_audit
from allowance.errors import Problem

MEMBERS_PER_SLICE = 500
"""Members of deleted groups per statement. Each may be in many of the groups."""


class BudgetedGroup(Row):
    """A group that a budget is about."""

    id: UUID


def omitted_groups(document: DirectoryDocument, known: KnownOrganizations) -> dict[str, str]:
    """Return the path of the list that omits a group, by keys like `acme/platform`."""
    lists = {
        each.name: (f"organizations[{i}].groups", {EVERYONE, *each.group_names})
        for i, each in enumerate(document.organizations)
        if "groups" in each.model_fields_set
    }
    omitted: dict[str, str] = {}
    for key in known.groups:
        organization, _, name = key.partition("/")
        path, kept = lists.get(organization, ("", {name}))
        if name not in kept:
            omitted[key] = path
    return omitted


def lock_deleted_groups(
    db: Handle, document: DirectoryDocument, known: KnownOrganizations
) -> Iterator[Problem]:
    """Lock the groups that the document deletes, so that nobody gives them a budget meanwhile.
    Yield a problem for each that has a budget, unless the document confirms deletions.
    """
    deleted = {
        each.name: f"organizations[{i}].deleted"
        for i, each in enumerate(document.organizations)
        if each.deleted
    }
    paths = omitted_groups(document, known) | {
        key: deleted[key.partition("/")[0]]
        for key in known.groups
        if key.partition("/")[0] in deleted
    }
    if not paths:
        return
    ids = [known.groups[key] for key in paths]
    db.many(GroupReference, "lock_groups", group_ids=ids)
    budgeted = {each.id for each in db.many(BudgetedGroup, "list_budgeted_groups", group_ids=ids)}
    for key, path in sorted(paths.items()):
        if known.groups[key] in budgeted and not document.confirms_deletions:
            yield Problem(
                path,
                f'"{key}" would be deleted with its budget: rename it with "renamed_from", or give'
                ' "confirm_deletions": true',
            )


def delete_groups(
    db: Handle, origin: Origin, keys: Iterable[str], known: KnownOrganizations
) -> None:
    """Delete groups with their budgets and memberships."""
    dropped = [known.groups[key] for key in keys]
    if not dropped:
        return
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
