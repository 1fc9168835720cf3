"""AttributeUsage: book usage without a user, once its name has one.

An owner assigns a name, and all of its usage is booked for the user. A name that appears in the
directory gets what occurred after its user was created: before, it may have been another person's.
A run that ends early goes on in the next one.
"""

from collections.abc import Sequence
from datetime import datetime
from time import monotonic
from uuid import UUID

from allowance.access.handle import Handle
from allowance.access.store import Store
from allowance.contract.fields import Row
from allowance.errors import AttributionFailed, UsageKeyTaken, UsageMonthDropped
from allowance.log import logger
from allowance.rbac.policy import USAGE, Action
from allowance.usage.attributing import attribute
from allowance.usage.look_ups import call_of_users

RUN_SECONDS = 40
"""A run begins no page of usage after this time."""

NAMES = 500
"""Names that one query looks at."""


class UnattributedOfSource(Row):
    """A name in a source that has usage without a user."""

    source: str
    name: str


class Booking(UnattributedOfSource):
    """A name that has a user now, whose usage since this time is to be booked."""

    user_id: UUID
    since: datetime


class AttributedUsage(Row):
    """The number of usages that a run booked for users, and whether it left any for the next."""

    attributed: int
    is_finished: bool


class UsageAttributor(Store):
    """Books usage without a user, by a system actor."""

    def attribute_usage(self) -> AttributedUsage:
        """Book the usage of every name that has a user now. Idempotent.

        A name that fails holds back no other: the next run tries it again. Raise AttributionFailed
        at the end if one did, unless others only changed its usage meanwhile, and NotAuthorized.
        """
        db = self._gate.open(Action.UPDATE, USAGE)
        until = monotonic() + RUN_SECONDS
        attributed = 0
        failures = 0
        is_finished = True
        for bookings in (_assigned, _in_directory):
            after = UnattributedOfSource(source="", name="")
            while True:
                found, last = bookings(db, after)
                for each in found:
                    try:
                        booked, is_done = self._book(db, each, until)
                    except Exception:  # noqa: BLE001 - book the other names, and fail at the end
                        failures += 1
                        booked, is_done = 0, False
                        logger().exception(
                            "usage not attributed",
                            request_id=self._origin.request_id,
                            source=each.source,
                        )
                    attributed += booked
                    is_finished = is_finished and is_done
                if last is None or monotonic() >= until:
                    is_finished = is_finished and last is None
                    break
                after = last
        if attributed:
            logger().info("usage attributed", request_id=self._origin.request_id, usages=attributed)
        if failures:
            raise AttributionFailed(
                f"the usage of {failures} names could not be booked; the log has the reasons."
            )
        return AttributedUsage(attributed=attributed, is_finished=is_finished)

    def _book(self, db: Handle, booking: Booking, until: float) -> tuple[int, bool]:
        """Book a name's usage page by page, and return the number and whether none is left."""
        booked = 0
        if monotonic() >= until:
            return booked, False
        try:
            for count in attribute(
                db, booking.source, booking.name, booking.user_id, since=booking.since
            ):
                booked += count
                if monotonic() >= until:
                    return booked, False
        except (UsageKeyTaken, UsageMonthDropped) as error:
            logger().warning(
                "usage not attributed",
                request_id=self._origin.request_id,
                source=booking.source,
                error=type(error).__name__,
            )
            return booked, False
        return booked, True


type Bookings = tuple[Sequence[Booking], UnattributedOfSource | None]
"""The bookings among some names, and the last of these names if there may be more."""


def _assigned(db: Handle, after: UnattributedOfSource) -> Bookings:
    found = db.many(
        Booking,
        "list_due_assignments",
        after_source=after.source,
        after_name=after.name,
        limit=NAMES,
    )
    return found, found[-1] if len(found) == NAMES else None


def _in_directory(db: Handle, after: UnattributedOfSource) -> Bookings:
    """Return the bookings of names that are those of exactly one user each."""
    names = db.many(
        UnattributedOfSource,
        "list_unattributed_names",
        after_source=after.source,
        after_name=after.name,
        limit=NAMES,
    )
    if not names:
        return (), None
    users: dict[str, set[str]] = {}
    for each in db.rows_of(call_of_users({each.name for each in names})):
        users.setdefault(each.name, set()).add(each.user_id)
    only = {name: UUID(next(iter(found))) for name, found in users.items() if len(found) == 1}
    known = [(each, only[each.name]) for each in names if each.name in only]
    last = names[-1] if len(names) == NAMES else None
    if not known:
        return (), last
    found = db.many(
        Booking,
        "list_bookings_of_users",
        sources=[each.source for each, _ in known],
        names=[each.name for each, _ in known],
        user_ids=[user_id for _, user_id in known],
    )
    return found, last
