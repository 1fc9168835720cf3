"""The statement of a decision, for a session of its own. Its imports are few: a process starts
with them.
"""

from decimal import Decimal
from hashlib import sha256
from typing import Any
from uuid import UUID

from allowance.database.queries import Call, call
from allowance.reservations.facts import Decided
from allowance.usage.reservation_ids import key_digest_of


def call_of_decision(user_id: UUID, micros: int, key: str, *, dry_run: bool = False) -> Call[Any]:
    """The statement that decides on a call of a user."""
    return call(
        Decided,
        "reserve_ai_spend",
        key_digest=UUID(bytes=key_digest_of(UUID(int=1), key)),
        content_sha256=sha256(key.encode()).digest(),
        maker_id=UUID(int=1),
        user_id=user_id,
        group_id=None,
        is_in_group=True,
        provider="p",
        model="m",
        variant=None,
        labels=None,
        estimate_micros=Decimal(micros),
        estimated_input=None,
        estimated_output=None,
        unpriced_default=None,
        ttl_seconds=600,
        dry_run=dry_run,
        price=None,
        organization_id=None,
    )
