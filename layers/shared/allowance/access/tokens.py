"""Tokens: `alw_<id>_<secret>`. The table stores only a SHA-256 of the secret, so a copy of the
table gives no access.
"""

import re
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from allowance.errors import Unauthenticated

ALPHABET = string.ascii_letters + string.digits
ID_LENGTH = 12
SECRET_LENGTH = 32
"""32 characters of 62 are 190 bits."""

_TOKEN = re.compile(r"alw_([A-Za-z0-9]+)_([A-Za-z0-9]+)")


@dataclass(frozen=True)
class Credential:
    """A token from a request. It keeps the hash of the secret, not the secret."""

    token_id: str
    secret_sha256: bytes = field(repr=False)


@dataclass(frozen=True)
class MintedToken:
    """A new token. `plaintext` is in one response and never stored."""

    plaintext: str = field(repr=False)
    credential: Credential


def mint() -> MintedToken:
    """Return a new token, from the system's source of randomness."""
    token_id, secret = _random(ID_LENGTH), _random(SECRET_LENGTH)
    return MintedToken(
        f"alw_{token_id}_{secret}", Credential(token_id, sha256(secret.encode()).digest())
    )


def credential_of(headers: Mapping[str, str]) -> Credential:
    """Return the credential of a request, by lower-case header names. Raise Unauthenticated."""
    token = headers.get("coder-session-token")
    if token is None:
        scheme, _, token = headers.get("authorization", "").strip().partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated
    found = _TOKEN.fullmatch(token.strip())
    if found is None:
        raise Unauthenticated
    return Credential(found[1], sha256(found[2].encode()).digest())


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))
