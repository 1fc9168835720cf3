"""A lease: a sum is held for a user, and calls are decided here until it is used up.

A decision takes its estimate from what is held, so all calls together never pass what the service
granted. Usage waits in a queue, and a hold ends in the request that records it: the service books
the usage and ends the hold in one statement, so that nothing counts twice and nothing is free.
"""

import itertools
import logging
import time
from collections.abc import Callable, Mapping
from threading import Lock
from types import TracebackType
from typing import Any, Literal, Self
from uuid import uuid4

from allowance_client.calls import Call
from allowance_client.errors import LeaseClosed, Unavailable
from allowance_client.hold_keeper import HoldKeeper
from allowance_client.hold_service import HoldTerms, Service
from allowance_client.holds import Age, Hold, two_clocks
from allowance_client.local_price import PICOS_PER_MICRO, PriceUnknown, cost_picos
from allowance_client.models import Resolution
from allowance_client.spill import QueueClosed, SpillQueue
from allowance_client.terms import Used, usage_record

logger = logging.getLogger("allowance_client")

PARKED_SECONDS = 30.0
"""Usage under a hold that other calls keep open waits no longer: it counts beside the hold."""
PRICE_SECONDS = 60.0
"""A price is asked for again after this time."""

OnUnavailable = Literal["deny", "allow"]


class Lease:
    """A sum of money for calls of one user to one model. Threads share it.

    Budgets may be for models, groups and labels, and a hold counts in those that match. So a lease
    is for one provider, model, group and set of labels.
    """

    def __init__(
        self,
        service: Service,
        resolve_price: Callable[[str, str], Resolution],
        queue: SpillQueue,
        request: Mapping[str, Any],
        terms: HoldTerms,
        on_unavailable: OnUnavailable,
    ) -> None:
        self._keeper = HoldKeeper(service, terms)
        self._service, self._resolve_price, self._queue = service, resolve_price, queue
        self._request, self._on_unavailable = request, on_unavailable
        self._price: tuple[Resolution, Age] | None = None
        self._pricing = Lock()
        self._prefix, self._numbers = uuid4().hex, itertools.count(1)

    def call(
        self, *, estimate_micros: int | None = None, tokens: Mapping[str, int] | None = None
    ) -> "LeasedCall":
        """Return a block for one call. It states what the call may cost at most: in micro-units, or
        in tokens, which cost what the price of the model says.

        Entering it raises Refused if the limit has no room, Unavailable if no decision came and the
        caller denies such calls, and PriceUnknown. It asks the service only for the next hold.
        """
        if (estimate_micros is None) == (tokens is None):
            raise ValueError("State either estimate_micros or tokens.")
        if estimate_micros is not None and (
            type(estimate_micros) is not int or estimate_micros < 0
        ):
            raise ValueError("estimate_micros must be a whole number, and not negative.")
        return LeasedCall(self, estimate_micros, tokens)

    def take(self, estimate_micros: int | None, tokens: Mapping[str, int] | None) -> "Taken":
        """Return a hold that admits a call, and the estimate that it has taken in picos. None: the
        call is made without a decision.
        """
        try:
            picos = self._picos(estimate_micros, tokens)
            return self._keeper.take(picos), picos
        except Unavailable:
            if self._on_unavailable == "deny":
                raise
            return None, 0

    def take_at_once(
        self, estimate_micros: int | None, tokens: Mapping[str, int] | None
    ) -> "Taken | None":
        """Like `take`, if the hold has room, and the price is known. None: it takes a request."""
        if tokens is not None and not self._knows_price():
            return None
        picos = self._picos(estimate_micros, tokens)
        hold = self._keeper.take_at_once(picos)
        return None if hold is None else (hold, picos)

    def request(self) -> dict[str, Any]:
        """Return what the next call's record has of the lease, with an id of its own."""
        return {**self._request, "id": f"{self._prefix}-{next(self._numbers)}"}

    def now_text(self) -> str:
        """Return what time it is at Allowance, as a record has it."""
        return self._service.now_text()

    def settle(self, taken: "Taken", record: Mapping[str, Any], used: Used) -> None:
        """Put the usage of a call into the queue, and free what it did not use of its estimate.

        Raise QueueFull, and LeaseClosed after the end of a client that has no queue on the disk:
        then the estimate counts until the hold ends, and the usage is not kept.
        """
        hold, picos = taken
        if hold is None:
            self._put(record)
            return
        cost: int | None = None
        # Nobody ends a hold that is over, so nothing would wait for that.
        ready_at = 0.0 if hold.is_over() else time.time() + PARKED_SECONDS
        try:
            self._put(record, hold=hold.reservation_id, ready_at=ready_at)
            cost = self._cost(used)
        finally:
            self._keeper.end(hold, picos, cost)

    def _put(self, record: Mapping[str, Any], **parked: Any) -> None:
        try:
            self._queue.put([record], **parked)
        except QueueClosed:
            raise LeaseClosed("The call ended after its client was closed.", record) from None

    def give_up(self, taken: "Taken") -> None:
        """Free the estimate of a call that was not made."""
        hold, picos = taken
        if hold is not None:
            self._keeper.end(hold, picos, 0)

    def tend(self) -> None:
        """Report usage in time, and take the next hold ahead. A thread of the client calls it."""
        self._keeper.tend()

    @property
    def is_done(self) -> bool:
        """Whether it admits no more calls, and no call of it is in flight."""
        return self._keeper.is_closed and not self._keeper.retired

    def close(self) -> None:
        """Give back what is not used, and send the usage. Calls in flight keep their holds until
        these expire. Raise Unavailable and ApiError; the records stay in the queue.
        """
        in_flight = self._keeper.close()
        if in_flight:
            logger.warning("A lease is closed with %d calls in flight.", in_flight)
        self._service.send()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _picos(self, estimate_micros: int | None, tokens: Mapping[str, int] | None) -> int:
        if estimate_micros is not None:
            return estimate_micros * PICOS_PER_MICRO
        picos = cost_picos(self._current_price(), tokens or {}, self._request.get("variant"))
        if picos is None:
            raise PriceUnknown(
                f"The price of {self._request['provider']}/{self._request['model']} does not say"
                " what these tokens cost: state estimate_micros."
            )
        return picos

    def _knows_price(self) -> bool:
        return self._price is not None and self._price[1].seconds() <= PRICE_SECONDS

    def _current_price(self) -> Resolution:
        with self._pricing:
            if self._price is None or not self._knows_price():
                age = Age(two_clocks)
                provider, model = self._request["provider"], self._request["model"]
                self._price = self._resolve_price(provider, model), age
            return self._price[0]

    def _cost(self, used: Used) -> int | None:
        """Return what a call cost, as far as that is known here. None: its estimate is taken.

        Only text tokens of the lease's own model are known, and only if its price was asked for.
        """
        if self._price is None or used.keys() - {"tokens", "id", "occurred_at"}:
            return None
        return cost_picos(self._price[0], used.get("tokens", {}), self._request.get("variant"))


Taken = tuple[Hold | None, int]
"""The hold of a call, and its estimate in picos."""


class LeasedCall(Call):
    """One call of a lease, as a block."""

    def __init__(
        self, lease: Lease, estimate_micros: int | None, tokens: Mapping[str, int] | None
    ) -> None:
        super().__init__(lease.request(), lease.now_text(), unchecked=False)
        self._lease, self._estimate = lease, (estimate_micros, tokens)
        self._taken: Taken = None, 0

    def __enter__(self) -> Self:
        self._entered(self._lease.take(*self._estimate))
        return self

    def enter_at_once(self) -> bool:
        """Enter the block if that needs no request. Return whether it did."""
        taken = self._lease.take_at_once(*self._estimate)
        if taken is None:
            return False
        self._entered(taken)
        return True

    def _entered(self, taken: "Taken") -> None:
        self._taken, self.unchecked = taken, taken[0] is None
        # The first hold tells what time it is there.
        self.asked_at = self._lease.now_text()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        ending, used = self.ending(error)
        if used is not None:
            record = usage_record(self.request, self.asked_at, used)
            self._lease.settle(self._taken, record, used)
        elif ending == "release":
            self._lease.give_up(self._taken)
