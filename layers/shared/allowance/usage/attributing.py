"""Attribute usage to a user whose name was not known when it was recorded.

Each usage is taken back from nobody and booked for the user, with the same content and cost, in one
transaction, once. A page is one transaction: what ends early goes on where it stopped.
"""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from allowance.access.handle import Handle
from allowance.contract.fields import Row
from allowance.errors import UsageKeyTaken, UsageMonthDropped
from allowance.usage.ledger import write
from allowance.usage.look_ups import call_of_users
from allowance.usage.records import FIRST_MOMENT
from allowance.usage.revisions import Change

PAGE = 500
"""Usages that one transaction attributes."""

ATTEMPTS = 5
"""An attempt fails only if meanwhile another request changes one of the usages, or their month is
dropped.
"""


class UnattributedUsage(Row):
    """A usage without a user, the group that its record names, and the number of its changes."""

    key_digest: bytes
    named_group: str | None
    changes: int


def attribute(
    db: Handle,
    source: str,
    name: str,
    user_id: UUID,
    *,
    since: datetime = FIRST_MOMENT,
    recorded_by: UUID | None = None,
) -> Iterator[int]:
    """Attribute the usage of a name in a source to a user: what occurred at `since` or later.

    Yield the number of usages of each page after it is booked. The caller may stop between two
    pages, and begin again later. It counts for the group that the record names, if the user is in
    it, else as new usage of the user does. Needs a handle for update on ai_usage. Raise
    UsageKeyTaken or UsageMonthDropped after ATTEMPTS.
    """
    attempts = 0
    while page := db.many(
        UnattributedUsage,
        "list_unattributed_of_name",
        source=source,
        name=name,
        since=since,
        limit=PAGE,
    ):
        try:
            _attribute(db, page, user_id, recorded_by)
        except (UsageKeyTaken, UsageMonthDropped):
            attempts += 1
            if attempts == ATTEMPTS:
                raise
        else:
            attempts = 0
            yield len(page)


def _attribute(
    db: Handle, page: list[UnattributedUsage], user_id: UUID, recorded_by: UUID | None
) -> None:
    name = str(user_id)
    groups = {(name, each.named_group) for each in page if each.named_group is not None}
    users = db.rows_of(call_of_users({name}, groups))
    attributions = {each.named_group: each.attribution for each in users}
    changes = [
        Change(
            each.key_digest,
            each.changes + 1,
            "attribute",
            attribution=attributions.get(each.named_group, attributions[None]),
        )
        for each in page
    ]
    write(db, (), users, changes=changes, recorded_by=recorded_by)
