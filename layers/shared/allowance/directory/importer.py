"""The import of a directory document: one transaction, all or nothing."""

import json
from typing import Any
from uuid import UUID

from allowance.access.caller import GroupReference
from allowance.access.handle import Handle
from allowance.access.store import Store
from allowance.access.tokens import MintedToken, mint
from allowance.contract.fields import Row
from allowance.directory.document import DirectoryDocument, TokenEntry
from allowance.directory.leaving import lock_leaving_users
from allowance.directory.resolve import KnownDirectory, final_accounts, stored_scope, unresolved
from allowance.directory.snapshot import changes, known_directory, snapshot
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
"""In this order: a name exists before a reference to it, and a unique value is freed before its
next use.
"""


class ImportedDirectory(Row):
    """The ids of everything that the document refers to, and each new token in plain text. No later
    response contains it.
    """

    organizations: dict[str, UUID]
    groups: dict[str, UUID]
    users: dict[str, UUID]
    tokens: dict[str, str]


class DirectoryLock(Row):
    """Whether no other import is running."""

    locked: bool


class DirectoryStore(Store):
    """The directory, for a system actor that may change it."""

    def import_directory(self, document: DirectoryDocument) -> ImportedDirectory:
        """Apply the document, and return its ids and new tokens. Idempotent. Raise
        ValidationFailed, NotAuthorized, ImportRunning.
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
            known = known_directory(db, document)
            if problems := unresolved(document, known):
                raise ValidationFailed(problems)
            dropped = [
                group.id
                for group in db.many(GroupReference, "lock_dropped_groups", document=as_given)
            ]
            lock_leaving_users(db, as_given, dropped)
            before = snapshot(db, document, dropped)
            accounts = json.dumps(_accounts(document, known))
            for write in WRITES:
                db.run(write, document=as_given, accounts=accounts)
            after_writes = known_directory(db, document)
            minted = _mint(db, document, after_writes)
            db.run(
                "write_directory_audit",
                entries=json.dumps(changes(before, snapshot(db, document, dropped))),
                **self._origin.parameters,
            )
            # A new token is in this result only. So no statement may follow the commit and fail.
            named = document.usernames()
            return ImportedDirectory(
                organizations=after_writes.organizations,
                groups=after_writes.groups,
                users={name: id_ for name, id_ in after_writes.users().items() if name in named},
                tokens={name: token.plaintext for name, token in minted.items()},
            )


def _accounts(document: DirectoryDocument, known: KnownDirectory) -> list[dict[str, Any]]:
    """Return the final address and status of each user of the document, and the roles if the
    document gives them.
    """
    final = final_accounts(document, known)
    return [
        final[user.username].model_dump(include={"username", "email", "status"})
        | ({"roles": user.roles} if "roles" in user.model_fields_set else {})
        for user in document.users
    ]


def _mint(db: Handle, document: DirectoryDocument, known: KnownDirectory) -> dict[str, MintedToken]:
    """Insert and return a token for each entry with a new name."""
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
