"""The import of a directory document: one transaction, all or nothing, in slices.

No statement takes long, however large the document is: the role has a statement timeout. The order
is renames, groups, users, tokens: a name exists before a reference to it.
"""

import json
from itertools import batched
from uuid import UUID

from allowance.access.handle import Handle
from allowance.access.store import Store
from allowance.contract.fields import Row
from allowance.directory.group_deletions import lock_deleted_groups
from allowance.directory.identities import apply_identities
from allowance.directory.known import known_accounts, known_organizations
from allowance.directory.members import apply_users, free_names
from allowance.directory.new_tokens import apply_tokens
from allowance.directory.organizations import apply_organizations, delete_organizations
from allowance.directory.reading import ROWS_PER_SLICE, DirectoryDocument, refuse
from allowance.directory.renames import rename_groups, rename_organizations, rename_users
from allowance.directory.resolve import resolve
from allowance.errors import ImportRunning, Problem, ValidationFailed
from allowance.rbac.policy import DIRECTORY, Action

MAX_RESPONSE_BYTES = 6 * 1024 * 1024
"""Lambda's limit of a synchronous response. A larger one would be lost, and with it the new tokens,
after the commit.
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
        origin = self._origin
        with db.transaction():
            if not db.one(DirectoryLock, "lock_directory").locked:
                raise ImportRunning
            db.run("name_importer", actor_name=origin.actor_name, request_id=origin.request_id)
            refuse(rename_organizations(db, origin, document))
            problems = rename_groups(db, origin, document)
            known = known_organizations(db, document)
            problems += lock_deleted_groups(db, document, known)
            problems += rename_users(db, origin, document)
            if problems:
                # Names that nobody renamed would only be problems again.
                refuse(problems)
            resolved = resolve(db, document, known)
            refuse(resolved.problems)
            apply_organizations(db, origin, document, known)
            free_names(db, resolved.handed_over)
            known = known_organizations(db, document)
            refuse(apply_users(db, origin, document, known, resolved.handed_over))
            refuse(apply_identities(db, origin, document))
            tokens = apply_tokens(db, origin, document, known)
            delete_organizations(db, origin, document, known)
            # A new token is in this result only. So no statement may follow the commit and fail.
            after_writes = known_organizations(db, document)
            result = ImportedDirectory(
                organizations=after_writes.organizations,
                groups=after_writes.groups,
                users=_user_ids(db, document),
                tokens=tokens,
            )
            _require_fits(result)
            return result


def _user_ids(db: Handle, document: DirectoryDocument) -> dict[str, UUID]:
    ids: dict[str, UUID] = {}
    usernames = sorted(document.places.keys() | document.referred)
    for names in batched(usernames, ROWS_PER_SLICE, strict=False):
        accounts = known_accounts(db, names)
        ids |= {name: id_ for name in names if name in accounts and (id_ := accounts[name].id)}
    return ids


def _require_fits(result: ImportedDirectory) -> None:
    """Raise ValidationFailed if Lambda would not deliver the response. The longest JSON counts, in
    ASCII: older runtimes of Lambda write it so.
    """
    size = len(json.dumps(result.model_dump(mode="json")))
    if size > MAX_RESPONSE_BYTES:
        key, what = ("tokens", "new tokens") if result.tokens else ("users", "users")
        raise ValidationFailed(
            [
                Problem(
                    key,
                    f"the response has {size} bytes, of at most {MAX_RESPONSE_BYTES}:"
                    f" split the {what} into several documents",
                )
            ]
        )
