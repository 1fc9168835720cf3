"""A call to a model as a block: what happens to its reservation when the block ends. Pure."""

import logging
from collections.abc import Mapping
from typing import Any, Literal, Unpack

from allowance_client.errors import AllowanceError
from allowance_client.failures import is_not_billed
from allowance_client.models import Reservation
from allowance_client.terms import Used, usage_record

logger = logging.getLogger("allowance_client")

Ending = Literal["settle", "release", "keep"]


class UsageNotStated(AllowanceError):
    """The block of a call ended, and did not state what the call used. The estimate stays held
    until the reservation expires. A call that was not made ends by `cancel`.
    """


class Call:
    """A call that may be made now. `used` states what it used so far: the last one counts."""

    def __init__(self, request: Mapping[str, Any], asked_at: str, *, unchecked: bool) -> None:
        self.request, self.asked_at = request, asked_at
        self.unchecked = unchecked
        """Whether the call is made without a decision."""
        self._used: Used | None = None
        self._is_cancelled = False

    def used(self, **used: Unpack[Used]) -> None:
        """State what the call used. In a stream, state it again with each chunk that says more.

        Raise ValueError if nothing is counted.
        """
        usage_record(self.request, self.asked_at, used)
        self._used = used

    def cancel(self) -> None:
        """State that the call was not made: its hold ends with the block."""
        self._is_cancelled = True

    def ending(self, error: BaseException | None) -> tuple[Ending, Used | None]:
        """Return what to do when the block ends, with an exception or without one, and what was
        used. Raise UsageNotStated.

        - What was stated is settled, also if the block fails later: the model was called.
        - An error with which the vendor bills nothing releases the hold: see `failures`.
        - Any other error, a time-out or a cancellation leaves the hold until it expires: the vendor
          may have begun, and nobody knows what it counts.
        """
        if self._used is not None:
            return "settle", self._used
        if self._is_cancelled or (error is not None and is_not_billed(error)):
            return "release", None
        if error is not None:
            return "keep", None
        raise UsageNotStated(
            "The call ended without `used`: its estimate stays held until the reservation expires."
        )


class ReservedCall(Call):
    """A call with a reservation of its own."""

    def __init__(self, reservation: Reservation) -> None:
        super().__init__(reservation.request, reservation.asked_at, unchecked=reservation.unchecked)
        self.reservation = reservation


def not_ended(error: AllowanceError, cause: BaseException | None) -> None:
    """Report that a reservation did not end. Raise the error, unless the block failed before: that
    exception matters more, so it gets a note.
    """
    if cause is None:
        raise error
    logger.error("A reservation of a failed call did not end: %s", error)
    cause.add_note(f"Its reservation did not end: {error}")
