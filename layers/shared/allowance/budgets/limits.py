"""The outcome of writing a limit: the limit as it is now, or an error that names what prevented it.

A write follows its lock as a statement of its own: under READ COMMITTED it then sees what the lock
waited for, so that the audit entries form a chain.
"""

from collections.abc import Sequence

from allowance.budgets.models import RemovedBudget
from allowance.contract.preconditions import Precondition
from allowance.errors import BudgetChanged, GroupNotFound, NotFound

ALWAYS = Precondition()


def written[T](rows: Sequence[T], precondition: Precondition) -> T:
    """Return the limit as it is now. Raises BudgetChanged, GroupNotFound."""
    if rows:
        return rows[0]
    if precondition == ALWAYS:
        # The organization was deleted after the lock.
        raise GroupNotFound
    raise BudgetChanged


def assert_removed(outcome: Sequence[RemovedBudget], absent: type[NotFound]) -> None:
    """Raise `absent` where there was no limit, BudgetChanged where the precondition forbids it."""
    if not outcome:
        # No 412: without the precondition the response would be the same (RFC 9110, 13.2.1).
        raise absent
    if not outcome[0].removed:
        raise BudgetChanged
