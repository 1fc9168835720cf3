"""The ids and keys of reservations. Pure."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
VERSION = 7


def granted_at(reservation_id: UUID) -> datetime | None:
    """Return the time in the id of a reservation, which finds its partition (RFC 9562, 5.7).

    None: no reservation has such an id.
    """
    if reservation_id.version != VERSION:
        return None
    try:
        return EPOCH + timedelta(milliseconds=reservation_id.int >> 80)
    except OverflowError:
        return None


def key_digest_of(maker_id: UUID, key: str) -> bytes:
    """Return the first half of the SHA-256 of the maker's id, line feed and key, in UTF-8."""
    return sha256(f"{maker_id}\n{key}".encode()).digest()[:16]
