"""How a limit is written: lock what it hangs on, write, and name what prevented it.

The lock is a statement of its own: under READ COMMITTED the write then sees what the lock waited
for, so that the audit entries form a chain.
"""

from allowance.access.caller import GroupReference
from allowance.access.handle import Handle
from allowance.budgets.models import RemovedBudget
from allowance.database.queries import Call
from allowance.errors import BudgetChanged, GroupNotFound, NotFound


def write_limit[T](db: Handle, lock: Call[GroupReference], upsert: Call[T]) -> T:
    """Return the limit as it is now. One round trip. Raises GroupNotFound, BudgetChanged."""
    locked, written = db.in_one_trip(lock, upsert)
    if not locked:
        raise GroupNotFound
    if not written:
        raise BudgetChanged
    return written[0]


def remove_limit(
    db: Handle, lock: Call[GroupReference], delete: Call[RemovedBudget], absent: type[NotFound]
) -> None:
    """Remove a limit. One round trip. Raises GroupNotFound, `absent`, BudgetChanged."""
    locked, outcome = db.in_one_trip(lock, delete)
    if not locked:
        raise GroupNotFound
    if not outcome:
        # No 412: without the precondition the response would be the same (RFC 9110, 13.2.1).
        raise absent
    if not outcome[0].removed:
        raise BudgetChanged
