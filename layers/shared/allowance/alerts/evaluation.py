"""Look for alerts that are due, whatever changed: limits, memberships, budgets, prices, time.

Recording usage raises the alerts of the users in it. All others are raised here, every minute.
"""

import time

from allowance.access.handle import Handle
from allowance.contract.fields import Row
from allowance.metrics import count_overspending
from allowance.usage.settings import alert_thresholds

EVALUATING_SECONDS = 6
"""A run begins no page of the queue after this time, and none of the budgets after the same."""
PAGE = 500
"""Entries, or members of a group, at which one statement looks."""
BUDGET_PAGE = 5000
"""Subjects of budgets about which one statement raises alerts. It looks at all of them."""
LEASE_SECONDS = 120
"""For so long after a failure an entry lets others pass."""


class QueueEntry(Row):
    """An entry of the queue that this run has taken."""

    id: int


class Queued(Row):
    """The number of users whose override has ended by its time."""

    queued: int


class Raised(Row):
    """The number of alerts that a statement raised."""

    raised: int


class RaisedByBudgets(Raised):
    """Also the number of subjects whose state changed."""

    changed: int


class UnpricedTokens(Row):
    """The tokens of the last day without a price; None: the last look was within the hour."""

    tokens: int | None


class UsersOverLimit(Row):
    """The number of users who have used up their allowance in the current month."""

    users: int


def raise_due_alerts(db: Handle) -> int:
    """Raise the alerts that are due. Return how many, notices of models not counted."""
    db.one(Queued, "queue_ended_overrides")
    raised = _work_off_queue(db)
    raised += _look_at_budgets(db)
    unpriced = db.one(UnpricedTokens, "raise_unpriced_notices")
    over = db.one(UsersOverLimit, "count_users_over_limit")
    count_overspending(users_over_limit=over.users, unpriced_tokens=unpriced.tokens)
    return raised


def _look_at_budgets(db: Handle) -> int:
    """Look at the budgets of all organizations. Return how many alerts it raised."""
    until = time.monotonic() + EVALUATING_SECONDS
    raised = 0
    while True:
        page = db.one(RaisedByBudgets, "raise_budget_alerts", page=BUDGET_PAGE)
        raised += page.raised
        if page.changed < BUDGET_PAGE or time.monotonic() >= until:
            return raised


def _work_off_queue(db: Handle) -> int:
    """Look at the users and groups in the queue, a page at a time. Return how many alerts it
    raised. What is left waits for the next run.
    """
    thresholds = list(alert_thresholds())
    until = time.monotonic() + EVALUATING_SECONDS
    raised = 0
    while time.monotonic() < until:
        entries = db.many(QueueEntry, "take_from_alert_queue", page=PAGE, seconds=LEASE_SECONDS)
        if not entries:
            break
        raised += db.one(
            Raised,
            "look_again_at_allowances",
            entry_ids=[each.id for each in entries],
            page=PAGE,
            thresholds=thresholds,
        ).raised
    return raised
