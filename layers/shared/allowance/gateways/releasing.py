"""What is held for calls, by the keys of their reservations, and which call may end it.

A caller may choose the key. So a call ends only what is held for its own user and model.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Literal, Self
from uuid import UUID

from allowance.access.handle import Handle
from allowance.contract.fields import NIL_UUID, Row, Timestamp
from allowance.database.queries import Call, call
from allowance.gateways.parsed import Failed
from allowance.reservations.closing import Released
from allowance.usage.entries import UsageUser
from allowance.usage.look_ups import attributions_of, call_of_users
from allowance.usage.reservation_ids import key_digest_of


class Hold(Row):
    """A reservation, and whom and which model it is for."""

    reservation_id: UUID
    granted_at: Timestamp
    key_digest: UUID
    user_id: UUID
    state: Literal["held", "settled", "released"]
    model: str


class Holds:
    """What a gateway holds, or held, for some calls."""

    def __init__(self, by_key: Mapping[str, Hold], users: Mapping[str, UUID]) -> None:
        self._by_key = by_key
        self._users = users

    @classmethod
    def found(
        cls, db: Handle, maker_id: UUID, keys: Collection[str], failed: Iterable[Failed]
    ) -> Self:
        """Return what this user holds by these keys. No round trip without keys, else one."""
        if not keys:
            return cls({}, {})
        digests = {key: UUID(bytes=key_digest_of(maker_id, key)) for key in keys}
        calls: list[Call[Any]] = [
            call(Hold, "find_holds_of_calls", key_digests=list(set(digests.values())))
        ]
        if names := {each.user for each in failed}:
            calls.append(call_of_users(names))
        holds, *rest = db.all_in_one_trip(*calls)
        by_digest: dict[UUID, Hold] = {each.key_digest: each for each in holds}
        users: list[UsageUser] = [each for rows in rest for each in rows]
        return cls(
            {key: by_digest[digest] for key, digest in digests.items() if digest in by_digest},
            {
                name: UUID(each.user_id)
                for (name, group), each in attributions_of(users).items()
                if group is None
            },
        )

    def is_of_another_model(self, key: str, models: Collection[str]) -> bool:
        """Return whether the money of this key is held for another model."""
        hold = self._by_key.get(key)
        return hold is not None and hold.model not in models

    def release(self, db: Handle, failed: Iterable[Failed]) -> set[str]:
        """Release what is held for calls that used nothing. Return their keys.

        Only what is held for the same user and model. No round trip if nothing is, else one.
        """
        ended: dict[str, tuple[UUID, datetime]] = {}
        for each in failed:
            hold = self._by_key.get(each.key)
            if hold is None or hold.state != "held" or hold.model not in each.models:
                continue
            if self._users.get(each.user, NIL_UUID) == hold.user_id:
                ended[each.key] = hold.reservation_id, hold.granted_at
        if not ended:
            return set()
        states = db.all_in_one_trip(
            *(
                call(
                    Released,
                    "release_ai_reservation",
                    reservation_id=reservation_id,
                    granted_at=granted_at,
                )
                for reservation_id, granted_at in ended.values()
            )
        )
        return {key for key, (row,) in zip(ended, states, strict=True) if row.state == "released"}
