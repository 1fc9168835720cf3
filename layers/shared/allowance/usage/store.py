"""Usage, as the routes record and see it, and as gateways that must not wait put it
into the queue.
"""

from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from allowance.access.store import CallerStore, Store
from allowance.contract.validation import problems_of
from allowance.errors import Problem, UsageNotRecorded
from allowance.rbac.policy import USAGE, Action
from allowance.usage.models import NOT_RECORDED, UsageAnswers, UsageBatch
from allowance.usage.recording import record
from allowance.usage.unpriced import UnpricedCursor, UnpricedModel, UnpricedModels, UnpricedQuery


class UsageStore(CallerStore):
    """Usage, as one caller may record and see it."""

    def record(self, batch: UsageBatch) -> UsageAnswers:
        """Record what is new of the batch, once, and answer each record. Raises NotAuthorized, and
        UsageKeyTaken.

        Two trips at most, but where another call records the same at the same time.
        """
        db = self._gate.open(Action.CREATE, USAGE)
        return UsageAnswers(results=record(db, batch.records, datetime.now(UTC)))

    def list_unpriced(self, query: UnpricedQuery) -> UnpricedModels:
        """A page of the models of usage that has no cost. Raises NotAuthorized."""
        db = self._gate.open(Action.READ, USAGE)
        after = query.after
        found = db.many(
            UnpricedModel,
            "list_unpriced_usage",
            after_count=after and after.unpriced_usage_count,
            after_provider=after and after.provider,
            after_model=after and after.model,
            limit=query.limit,
        )
        page = found[: query.limit]
        if len(found) == len(page):
            return UnpricedModels(models=page, next=None)
        last = page[-1].model_dump(include={"unpriced_usage_count", "provider", "model"})
        return UnpricedModels(models=page, next=str(UnpricedCursor(**last)))


class UsageQueueStore(Store):
    """Usage, as a system actor may record it."""

    def take(self, message: dict[str, Any]) -> None:
        """Record a batch, of which nobody waits for an answer. Raises NotAuthorized, and
        UsageNotRecorded.

        The latter names each record that was not recorded, now or before; the others of the batch
        are, and stay so.
        """
        db = self._gate.open(Action.CREATE, USAGE)
        try:
            batch = UsageBatch.model_validate(message)
        except ValidationError as error:
            raise UsageNotRecorded(problems_of(error)) from error
        problems = [
            Problem(f"records[{place}].{each.field}", each.detail)
            for place, answer in enumerate(record(db, batch.records, datetime.now(UTC)))
            if answer.status in NOT_RECORDED
            for each in answer.validations
        ]
        if problems:
            raise UsageNotRecorded(problems)
