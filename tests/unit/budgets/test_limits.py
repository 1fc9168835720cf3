"""Which error names what prevented the write of a limit."""

import pytest

from allowance.budgets.limits import assert_removed, written
from allowance.budgets.models import RemovedBudget
from allowance.contract.preconditions import Precondition
from allowance.errors import AllowanceError, BudgetChanged, BudgetNotFound, GroupNotFound


@pytest.mark.parametrize(
    ("precondition", "error"),
    [
        (Precondition(), GroupNotFound),
        (Precondition(must_exist=True), BudgetChanged),
        (Precondition(must_be_absent=True), BudgetChanged),
        (Precondition(versions=()), BudgetChanged),
    ],
)
def test_a_write_without_a_precondition_is_never_a_412(
    precondition: Precondition, error: type[AllowanceError]
) -> None:
    with pytest.raises(error):
        written([], precondition)
    assert written([7], precondition) == 7


@pytest.mark.parametrize(
    ("outcome", "error"),
    [([], BudgetNotFound), ([RemovedBudget(removed=False)], BudgetChanged)],
)
def test_a_deletion_names_what_prevented_it(
    outcome: list[RemovedBudget], error: type[AllowanceError]
) -> None:
    with pytest.raises(error):
        assert_removed(outcome, BudgetNotFound)


def test_a_deletion_that_happened_raises_nothing() -> None:
    assert_removed([RemovedBudget(removed=True)], BudgetNotFound)
