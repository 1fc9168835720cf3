"""What the database holds of a directory document, before and after an import."""

from typing import Any, cast
from uuid import UUID

from allowance.access.handle import Handle
from allowance.contract.fields import Row
from allowance.directory.document import DirectoryDocument
from allowance.directory.resolve import KnownDirectory


class Resource(Row):
    """One thing of the directory, as the audit log tells it."""

    resource_type: str
    resource_id: str
    organization_id: UUID | None
    group_id: UUID | None
    user_id: UUID | None
    state: dict[str, Any]


type Snapshot = dict[tuple[str, str, UUID | None], Resource]
"""Resources by type, id and organization."""


def known_directory(db: Handle, document: DirectoryDocument) -> KnownDirectory:
    return db.one(
        KnownDirectory,
        "known_directory",
        organizations=sorted(document.organization_names()),
        organization_ids=sorted(document.organization_ids()),
        usernames=sorted(document.usernames()),
        emails=sorted(document.emails()),
    )


def snapshot(db: Handle, document: DirectoryDocument, dropped: list[UUID]) -> Snapshot:
    rows = db.many(
        Resource,
        "directory_snapshot",
        organizations=sorted(document.organization_names()),
        usernames=sorted(document.usernames()),
        dropped=dropped,
    )
    return {(row.resource_type, row.resource_id, row.organization_id): row for row in rows}


def changes(
    before: Snapshot,
    after: Snapshot,
) -> list[dict[str, Any]]:
    """An audit entry for each thing that is not as it was."""
    changes: list[dict[str, Any]] = []
    for key in sorted(before.keys() | after.keys(), key=str):
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        named = cast("Resource", new or old)
        changes.append(
            named.model_dump(mode="json", exclude={"state"})
            | {
                "action": "create" if old is None else "delete" if new is None else "update",
                "before": old and old.state,
                "after": new and new.state,
            }
        )
    return changes
