"""The settings of a source that a door needs: whom its messages may name, and its estimate."""

from collections.abc import Sequence

from allowance.contract.fields import Row
from allowance.database.queries import Call, call


class DoorTerms(Row):
    """What the owner set for a source. Without settings: no field, no estimate."""

    identity: Sequence[str] = ()
    estimate_micros: int | None = None


def call_of_terms(source: str) -> Call[DoorTerms]:
    """Return the query for the settings of a source. No row: nobody has set them."""
    return call(DoorTerms, "get_door_terms", source=source)
