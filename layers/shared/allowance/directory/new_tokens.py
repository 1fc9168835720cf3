"""The tokens of a directory document, as an import applies them, slice by slice."""

import json
from typing import Any

from allowance.access.handle import Handle
from allowance.access.store import Origin
from allowance.access.tokens import MintedToken, mint
from allowance.directory.document import TokenEntry
from allowance.directory.known import Account, KnownOrganizations, known_accounts, known_tokens
from allowance.directory.reading import DirectoryDocument
from allowance.directory.resolve import stored_scope
from allowance.directory.snapshot import Part, state_of, write_audit


def apply_tokens(
    db: Handle, origin: Origin, document: DirectoryDocument, known: KnownOrganizations
) -> dict[str, str]:
    """Revoke tokens, and mint one for each new name of a user who is not deleted. Return the new
    tokens in plain text, by keys like `adam/laptop`.
    """
    minted: dict[str, str] = {}
    for part in document.tokens():
        tokens = [token for _, token in part]
        users = known_accounts(db, {name for token in tokens for name in token.usernames()})
        existing = known_tokens(db, part)
        new = {
            token.key: (token, mint())
            for token in tokens
            if token.key not in existing and users[token.username].status != "deleted"
        }
        revoked = [token for token in tokens if token.revoked]
        changed = Part(
            # What a revoked token made ends too.
            token_owners=[token.username for token in revoked],
            token_users=[token.username for token in tokens],
            token_names=[token.name for token in tokens],
        )
        before = state_of(db, changed)
        db.run(
            "revoke_tokens",
            token_users=[token.username for token in revoked],
            token_names=[token.name for token in revoked],
        )
        rows = [_row(token, secret, known, users) for token, secret in new.values()]
        db.run("insert_tokens", tokens=json.dumps(rows))
        write_audit(db, origin, before, changed)
        minted |= {key: secret.plaintext for key, (_, secret) in new.items()}
    return minted


def _row(
    token: TokenEntry, minted: MintedToken, known: KnownOrganizations, users: dict[str, Account]
) -> dict[str, Any]:
    return {
        "id": minted.credential.token_id,
        "username": token.username,
        "name": token.name,
        "secret_sha256": minted.credential.secret_sha256.hex(),
        "scope": None if token.scope is None else stored_scope(token.scope, known, users),
        "expires_at": None if token.expires_at is None else token.expires_at.isoformat(),
    }
