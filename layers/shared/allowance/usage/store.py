"""Usage as the routes record and list it, and as the queue delivers it.

The queue is for gateways that must not wait for a response.
"""

from collections.abc import Container, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from allowance.access.store import CallerStore, Origin, Store
from allowance.contract.validation import problems_of
from allowance.errors import Problem, UsageNotRecorded
from allowance.log import logger
from allowance.metrics import count_unattributed_usage
from allowance.rbac.policy import USAGE, Action
from allowance.usage.differences import (
    CostDifference,
    CostDifferences,
    DifferenceCursor,
    DifferenceQuery,
)
from allowance.usage.models import (
    NOT_RECORDED,
    Status,
    UsageAnswer,
    UsageAnswers,
    UsageBatch,
)
from allowance.usage.recording import record
from allowance.usage.settling import Closer
from allowance.usage.unpriced import UnpricedCursor, UnpricedModel, UnpricedModels, UnpricedQuery

ANYBODY = Closer(None, closes_all=True)
"""Who may write to the queue may settle every reservation, by its id."""

MAX_PROBLEMS_LOGGED = 10


class UsageStore(CallerStore):
    """Usage, as one caller may record and list it. A refusal comes before the body is read."""

    route_object = USAGE

    def record(self, batch: UsageBatch) -> UsageAnswers:
        """Record what is new in the batch, and return the result of each record, in order.

        At most two round trips, unless another request records the same at the same time.
        Raise NotAuthorized, UsageKeyTaken, UsageMonthDropped.
        """
        db = self._gate.open(Action.CREATE, USAGE)
        closer = Closer(self._caller.user_id, closes_all=self._gate.may_any(Action.UPDATE, [USAGE]))
        results = record(db, batch.records, datetime.now(UTC), closer)
        count_unattributed(results, self._origin)
        return UsageAnswers(results=results)

    def list_unpriced(self, query: UnpricedQuery) -> UnpricedModels:
        """Return a page of the models whose usage has no cost. Raise NotAuthorized."""
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

    def list_cost_differences(self, query: DifferenceQuery) -> CostDifferences:
        """Return a page of the models whose usage states a cost. Raise NotAuthorized."""
        db = self._gate.open(Action.READ, USAGE)
        after = query.after
        found = db.many(
            CostDifference,
            "list_cost_differences",
            after_difference=after and after.difference_picos,
            after_provider=after and after.provider,
            after_model=after and after.model,
            limit=query.limit,
        )
        page = found[: query.limit]
        if len(found) == len(page):
            return CostDifferences(models=page, next=None)
        last = page[-1]
        cursor = DifferenceCursor(
            difference_picos=last.difference_picos, provider=last.provider, model=last.model
        )
        return CostDifferences(models=page, next=str(cursor))


class UsageQueueStore(Store):
    """Usage from the queue, recorded by a system actor."""

    def take(self, message: dict[str, Any]) -> None:
        """Record the batch in a message of the queue. Raise NotAuthorized, UsageNotRecorded.

        UsageNotRecorded names each record that is not in the ledger, now or from before. The other
        records of the batch are recorded, and stay so.
        """
        db = self._gate.open(Action.CREATE, USAGE)
        try:
            batch = UsageBatch.model_validate(message)
        except ValidationError as error:
            raise UsageNotRecorded(problems_of(error)) from error
        results = record(db, batch.records, datetime.now(UTC), ANYBODY)
        count_unattributed(results, self._origin)
        if unsettled := [
            str(each)
            for each in _problems_of(results, frozenset({"recorded"}))
            if each.field.endswith((".reservation_id", ".reservation_key"))
        ]:
            # Nobody reads the results, and what such a record names stays held until it expires.
            logger().warning("usage settles nothing", problems=unsettled[:MAX_PROBLEMS_LOGGED])
        if problems := _problems_of(results, NOT_RECORDED):
            raise UsageNotRecorded(problems)


def count_unattributed(results: Sequence[UsageAnswer], origin: Origin) -> None:
    """Count and log the usages that were recorded without a user, if there are any."""
    usages = sum(each.status == "recorded" and not each.attributed for each in results)
    if usages:
        count_unattributed_usage(usages)
        logger().warning("UnattributedUsage", request_id=origin.request_id, usages=usages)


def _problems_of(results: Sequence[UsageAnswer], statuses: Container[Status]) -> list[Problem]:
    return [
        Problem(f"records[{place}].{each.field}", each.detail)
        for place, result in enumerate(results)
        if result.status in statuses
        for each in result.validations
    ]
