"""Release what is held for calls that used nothing, by the keys of their reservations."""

from collections.abc import Collection
from uuid import UUID

from allowance.access.handle import Handle
from allowance.database.queries import call
from allowance.reservations.closing import Released
from allowance.usage.reservation_ids import key_digest_of
from allowance.usage.settling import NamedByUsage


def release(db: Handle, maker_id: UUID, keys: Collection[str]) -> set[str]:
    """Release the reservations that this user made with these keys. Return the keys of those that
    were held. No round trip without keys, else two at most.
    """
    digests = {UUID(bytes=key_digest_of(maker_id, key)): key for key in keys}
    if not digests:
        return set()
    found = db.rows_of(
        call(
            NamedByUsage,
            "find_named_reservations",
            reservation_ids=[],
            granted_ats=[],
            reservation_keys=list(digests),
        )
    )
    held = [each for each in found if each.state == "held"]
    if held:
        db.all_in_one_trip(
            *(
                call(
                    Released,
                    "release_ai_reservation",
                    reservation_id=each.reservation_id,
                    granted_at=each.granted_at,
                )
                for each in held
            )
        )
    return {digests[each.key_digest] for each in held}
