"""Usage, as the routes record and see it, and as gateways that must not wait put it into the queue."""

from datetime import UTC, datetime

from allowance.rbac.policy import USAGE, Action
from allowance.store import CallerStore
from allowance.usage import UsageAnswers, UsageBatch
from allowance.usage_ledger import record


class UsageStore(CallerStore):
    """Usage, as one caller may record and see it."""

    def record(self, batch: UsageBatch) -> UsageAnswers:
        """Record what is new of the batch, once, and answer each record. Raises NotAuthorized. Two trips."""
        db = self._gate.open(Action.CREATE, USAGE)
        return UsageAnswers(results=record(db, batch.records, datetime.now(UTC)))
