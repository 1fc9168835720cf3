"""The organizations and groups of a directory document, as an import applies them.

Before any user is locked, each group that goes is. This is the order of the writers of overrides
(group, user, memberships), so that no two transactions wait in a circle.
"""

import json
from itertools import batched
from uuid import UUID

from allowance.access.handle import Handle
from allowance.access.store import Origin
from allowance.contract.fields import Row
from allowance.directory.group_deletions import delete_groups, omitted_groups
from allowance.directory.known import KnownOrganizations
from allowance.directory.reading import ROWS_PER_SLICE, DirectoryDocument
from allowance.directory.snapshot import NOTHING, Part, state_of, write_audit


class Inserted(Row):
    """The id of a new row."""

    id: UUID


def apply_organizations(
    db: Handle, origin: Origin, document: DirectoryDocument, known: KnownOrganizations
) -> None:
    """Delete and insert groups, insert organizations, and set the default one and external ids."""
    delete_groups(db, origin, omitted_groups(document, known), known)
    names = [each.name for each in document.organizations if not each.deleted]
    if not names:
        return
    before = state_of(db, Part(organizations=names))
    as_given = json.dumps(
        [
            each.model_dump(exclude_unset=True, exclude={"id", "groups"})
            for each in document.organizations
        ]
    )
    new = db.many(Inserted, "insert_organizations", document=as_given)
    db.run("clear_default_organization", document=as_given)
    db.run("set_default_organization", document=as_given)
    db.run("set_external_ids_of_organizations", document=as_given)
    # Each new organization has an Everyone group with its id.
    write_audit(db, origin, before, Part(organizations=names, group_ids=[each.id for each in new]))
    _insert_groups(db, origin, document, known)
    _set_external_ids_of_groups(db, origin, document, known)


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


def _insert_groups(
    db: Handle, origin: Origin, document: DirectoryDocument, known: KnownOrganizations
) -> None:
    new = [
        (organization.name, each)
        for organization in document.organizations
        for each in organization.groups
        if f"{organization.name}/{each.name}" not in known.groups
    ]
    for pairs in batched(new, ROWS_PER_SLICE, strict=False):
        inserted = db.many(
            Inserted,
            "insert_groups",
            organizations=[organization for organization, _ in pairs],
            names=[each.name for _, each in pairs],
            external_ids=[each.external_id for _, each in pairs],
        )
        write_audit(db, origin, NOTHING, Part(group_ids=[each.id for each in inserted]))


def _set_external_ids_of_groups(
    db: Handle, origin: Origin, document: DirectoryDocument, known: KnownOrganizations
) -> None:
    given = [
        (known.groups[key], each.external_id)
        for organization in document.organizations
        for each in organization.groups
        if "external_id" in each.model_fields_set
        and (key := f"{organization.name}/{each.name}") in known.groups
    ]
    for pairs in batched(given, ROWS_PER_SLICE, strict=False):
        part = Part(group_ids=[id_ for id_, _ in pairs])
        before = state_of(db, part)
        db.run(
            "set_external_ids_of_groups",
            group_ids=part.group_ids,
            external_ids=[external_id for _, external_id in pairs],
        )
        write_audit(db, origin, before, part)
