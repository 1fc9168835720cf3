"""The directory's writes: one document, one transaction, all or nothing."""

import json
from typing import Any, cast
from uuid import UUID

from allowance.access.gate import Gate
from allowance.access.store import Origin
from allowance.access.tokens import MintedToken, mint
from allowance.contract.fields import GroupReference, Row
from allowance.database.database import Database
from allowance.directory.document import DirectoryDocument, TokenEntry
from allowance.directory.resolve import KnownDirectory, final_accounts, stored_scope, unresolved
from allowance.errors import ImportRunning, ValidationFailed
from allowance.rbac.policy import DIRECTORY, Action

WRITES = (
    "insert_organizations",
    "clear_default_organization",
    "set_default_organization",
    "delete_groups",
    "insert_groups",
    "insert_users",
    "free_emails",
    "update_users",
    "delete_organization_members",
    "delete_group_members",
    "insert_organization_members",
    "update_organization_members",
    "insert_group_members",
    "revoke_tokens",
    "delete_organizations",
)
"""In this order: a name is there before it is referred to, and what is taken is let go first."""


class ImportedDirectory(Row):
    """Ids of what the document speaks of, and each new token, told this once."""

    organizations: dict[str, UUID]
    groups: dict[str, UUID]
    users: dict[str, UUID]
    tokens: dict[str, str]


class DirectoryLock(Row):
    """Whether no other import is running."""

    locked: bool


class Resource(Row):
    """One thing of the directory, as the audit log tells it."""

    resource_type: str
    resource_id: str
    organization_id: UUID | None
    group_id: UUID | None
    user_id: UUID | None
    state: dict[str, Any]


class DirectoryStore:
    """The directory, as a system actor may change it."""

    def __init__(self, gate: Gate, origin: Origin) -> None:
        self._gate = gate
        self._origin = origin

    def import_directory(self, document: DirectoryDocument) -> ImportedDirectory:
        """Bring the directory to the document. Idempotent. Raises ValidationFailed, NotAuthorized,
        ImportRunning.
        """
        db = self._gate.open(Action.UPDATE, DIRECTORY)
        as_given = document.model_dump_json(exclude_unset=True)
        with db.transaction():
            if not db.one(DirectoryLock, "lock_directory").locked:
                raise ImportRunning
            db.run(
                "name_importer",
                actor_name=self._origin.actor_name,
                request_id=self._origin.request_id,
            )
            known = _known(db, document)
            if problems := unresolved(document, known):
                raise ValidationFailed(problems)
            dropped = [
                group.id
                for group in db.many(GroupReference, "lock_dropped_groups", document=as_given)
            ]
            before = _snapshot(db, document, dropped)
            accounts = json.dumps(_accounts(document, known))
            for write in WRITES:
                db.run(write, document=as_given, accounts=accounts)
            after_writes = _known(db, document)
            minted = _mint(db, document, after_writes)
            db.run(
                "insert_audit_entries",
                entries=json.dumps(_changes(before, _snapshot(db, document, dropped))),
                actor_name=self._origin.actor_name,
                request_id=self._origin.request_id,
            )
            # Nothing is left to do once it is committed: a new token is told now or never.
            named = document.usernames()
            return ImportedDirectory(
                organizations=after_writes.organizations,
                groups=after_writes.groups,
                users={name: id_ for name, id_ in after_writes.users().items() if name in named},
                tokens={name: token.plaintext for name, token in minted.items()},
            )


def _known(db: Database, document: DirectoryDocument) -> KnownDirectory:
    return db.one(
        KnownDirectory,
        "known_directory",
        organizations=sorted(document.organization_names()),
        organization_ids=sorted(document.organization_ids()),
        usernames=sorted(document.usernames()),
        emails=sorted(document.emails()),
    )


def _snapshot(
    db: Database, document: DirectoryDocument, dropped: list[UUID]
) -> dict[tuple[str, str, UUID | None], Resource]:
    rows = db.many(
        Resource,
        "directory_snapshot",
        organizations=sorted(document.organization_names()),
        usernames=sorted(document.usernames()),
        dropped=dropped,
    )
    return {(row.resource_type, row.resource_id, row.organization_id): row for row in rows}


def _accounts(document: DirectoryDocument, known: KnownDirectory) -> list[dict[str, Any]]:
    """Address and status of each user of the document as they shall be; roles where
    they are given.
    """
    final = final_accounts(document, known)
    return [
        final[user.username].model_dump(include={"username", "email", "status"})
        | ({"roles": user.roles} if "roles" in user.model_fields_set else {})
        for user in document.users
    ]


def _mint(
    db: Database, document: DirectoryDocument, known: KnownDirectory
) -> dict[str, MintedToken]:
    """A token for each entry whose name is new."""
    new = {
        key: token
        for token in document.tokens
        if (key := f"{token.username}/{token.name}") not in known.tokens
    }
    minted = {key: mint() for key in new}
    rows = [_row(token, minted[key], known) for key, token in new.items()]
    db.run("insert_tokens", tokens=json.dumps(rows))
    return minted


def _row(token: TokenEntry, minted: MintedToken, known: KnownDirectory) -> dict[str, Any]:
    return {
        "id": minted.credential.token_id,
        "username": token.username,
        "name": token.name,
        "secret_sha256": minted.credential.secret_sha256.hex(),
        "scope": None if token.scope is None else stored_scope(token.scope, known),
        "expires_at": None if token.expires_at is None else token.expires_at.isoformat(),
    }


def _changes(
    before: dict[tuple[str, str, UUID | None], Resource],
    after: dict[tuple[str, str, UUID | None], Resource],
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
