"""The rows of the database to which a directory document refers, before and after an import."""

from typing import Any, cast
from uuid import UUID

from allowance.access.handle import Handle
from allowance.contract.fields import Row
from allowance.directory.document import DirectoryDocument
from allowance.directory.resolve import KnownDirectory


class Resource(Row):
    """One object of the directory, in the form of the audit log."""

    resource_type: str
    resource_id: str
    organization_id: UUID | None
    group_id: UUID | None
    user_id: UUID | None
    state: dict[str, Any]


type Snapshot = dict[tuple[str, str, UUID | None], Resource]
"""Resources by type, id and organization."""


def known_directory(db: Handle, document: DirectoryDocument) -> KnownDirectory:
    """Return the rows to which the document refers. One round trip."""
    return db.one(
        KnownDirectory,
        "known_directory",
        organizations=sorted(document.organization_names()),
        organization_ids=sorted(document.organization_ids()),
        usernames=sorted(document.usernames()),
        emails=sorted(document.emails()),
    )


def snapshot(db: Handle, document: DirectoryDocument, dropped: list[UUID]) -> Snapshot:
    """Return everything that the import may change. `dropped` are the ids of the groups that it
    deletes. One round trip.
    """
    rows = db.many(
        Resource,
        "directory_snapshot",
        organizations=sorted(document.organization_names()),
        usernames=sorted(document.usernames()),
        dropped=dropped,
    )
    return {(row.resource_type, row.resource_id, row.organization_id): row for row in rows}


def changes(before: Snapshot, after: Snapshot) -> list[dict[str, Any]]:
    """Return an audit entry for each difference between two snapshots."""
    changes: list[dict[str, Any]] = []
    for key in sorted(before.keys() | after.keys(), key=str):
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        resource = cast("Resource", new or old)
        changes.append(
            resource.model_dump(mode="json", exclude={"state"})
            | {
                "action": "create" if old is None else "delete" if new is None else "update",
                "before": old and old.state,
                "after": new and new.state,
            }
        )
    return changes
