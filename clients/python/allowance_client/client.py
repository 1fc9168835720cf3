"""The client for threads."""

import os
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self, TypeVar, Unpack

from allowance_client import routes
from allowance_client.attempts import Attempts
from allowance_client.batches import batches
from allowance_client.calls import ReservedCall, logger, not_ended
from allowance_client.errors import AllowanceError, ApiError, Unavailable
from allowance_client.lease import Lease, OnUnavailable
from allowance_client.models import (
    Budget,
    Decision,
    Price,
    RecordResult,
    Reservation,
    Resolution,
    Settled,
    UserSpend,
)
from allowance_client.sending import LazySender, SenderTerms
from allowance_client.settings import (
    DEFAULT_LEASE_SECONDS,
    DEFAULT_REPORT_SECONDS,
    DEFAULT_SOURCE,
    checked_choice,
    from_environment,
    without_decision,
)
from allowance_client.spill import SpillQueue
from allowance_client.terms import CallTerms, LeaseTerms, Record, Used, reservation_body, with_times
from allowance_client.transport import DEFAULT_TIMEOUT_SECONDS, Connection

T = TypeVar("T")


class Allowance:
    """Asks Allowance before calls to models, and reports what they used. Threads may share it.

    `on_unavailable` says what a call does without a decision: "deny" raises Unavailable, and
    "allow" makes it. `timeout_seconds` is the deadline of each request, retries included. `source`
    names this gateway in usage records. With `spill`, usage waits on the disk until Allowance has
    it.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        on_unavailable: OnUnavailable,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        source: str = DEFAULT_SOURCE,
        spill: SpillQueue | None = None,
    ) -> None:
        """Raise ValueError if the address, the token or the choice cannot be one."""
        self._on_unavailable: OnUnavailable = checked_choice(on_unavailable)
        self._connection = Connection(url, token, timeout_seconds=timeout_seconds)
        self._timeout_seconds, self._source, self._spill = timeout_seconds, source, spill
        self._sender = LazySender(
            # A second connection: what is sent in bulk keeps no decision waiting.
            lambda: Connection(url, token, timeout_seconds=timeout_seconds),
            spill,
            SenderTerms(source, self._on_unavailable, timeout_seconds),
        )

    @classmethod
    def from_environment(cls, *, on_unavailable: OnUnavailable, **options: Any) -> Self:
        """Return a client for ALLOWANCE_URL and ALLOWANCE_TOKEN. Raise ValueError without them."""
        url, token = from_environment(os.environ)
        return cls(url, token, on_unavailable=on_unavailable, **options)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._connection.url!r})"

    def reserve(self, **terms: Unpack[CallTerms]) -> Reservation:
        """Return a reservation: the call may be made, and its estimate is held.

        Raise Refused if it must not be made, ApiError for a wrong request, and Unavailable if no
        decision came before the deadline and `on_unavailable` is "deny".
        """
        body = reservation_body(terms, self._source)
        try:
            return self._run(routes.reserve(body, self._connection.clock))
        except Unavailable as error:
            return without_decision(self._on_unavailable, error, body, self._connection.clock)
        except ApiError as error:
            raise routes.refusal(error) from None

    def dry_run(self, **terms: Unpack[CallTerms]) -> Decision:
        """Return the decision on a call, and hold nothing. Raise like `reserve`, and Unavailable
        always.
        """
        try:
            return self._run(routes.dry_run(reservation_body(terms, self._source)))
        except ApiError as error:
            raise routes.refusal(error) from None

    def settle(
        self,
        reservation: Reservation,
        *,
        final: bool = True,
        extend_seconds: int | None = None,
        **used: Unpack[Used],
    ) -> Settled:
        """Book what a call used, and end its hold. With `final=False` the rest stays held, and each
        part has an `id` of its own. The same again gets the same response.

        Raise ApiError, Unavailable, and ValueError if nothing is counted.
        """
        return self._run(
            routes.settle(reservation, used, final=final, extend_seconds=extend_seconds)
        )

    def release(self, reservation: Reservation) -> None:
        """End the hold of a call that was not made. Raise ApiError and Unavailable. Of a call
        without a decision nothing is known to end: what may be held expires.
        """
        if reservation.reservation_id is not None:
            self._run(routes.release(reservation.reservation_id))

    @contextmanager
    def call(self, **terms: Unpack[CallTerms]) -> Generator[ReservedCall, None, None]:
        """Reserve for a block, which states by `used` what the call used. Raise like `reserve`, and
        UsageNotStated. See `Call.ending` for what happens at the end of the block.

        With a queue, usage goes into it, and is sent beside the callers.
        """
        call = ReservedCall(self.reserve(**terms))
        try:
            yield call
        except BaseException as error:
            self._end(call, error)
            raise
        self._end(call, None)

    def _end(self, call: ReservedCall, cause: BaseException | None) -> None:
        ending, used = call.ending(cause)
        try:
            if used is None:
                if ending == "release":
                    self.release(call.reservation)
            elif self._spill is not None:
                self._sender.get().put(routes.settling_record(call.reservation, used))
            else:
                self.settle(call.reservation, **used)
        except AllowanceError as error:
            if ending == "release":
                # It ends by itself when it expires.
                logger.warning("A hold was not released: %s", error)
            else:
                not_ended(error, cause)

    def record(self, records: Sequence[Record]) -> list[RecordResult]:
        """Record usage, and return a result for each record in their order.

        Without a queue, raise Unavailable at the deadline: some records may be recorded, and the
        same again is safe. With a queue, records that were not sent are `queued`; raise QueueFull.
        In both cases raise ApiError.
        """
        if self._spill is not None:
            return self._sender.get().record(records)
        attempts = Attempts(self._timeout_seconds)
        results: list[RecordResult] = []
        for batch in batches(with_times(records)):
            results += self._run(routes.record(batch), attempts.remaining_seconds())
        return results

    def lease(
        self,
        *,
        micros: int,
        ttl_seconds: int = DEFAULT_LEASE_SECONDS,
        report_seconds: float = DEFAULT_REPORT_SECONDS,
        **terms: Unpack[LeaseTerms],
    ) -> Lease:
        """Return a lease: this sum is held for a user, and calls are decided here until it is used
        up. Then the lease takes the next one. `ttl_seconds` ends a hold that nobody gives back.

        Raise ValueError if a number is out of range.
        """
        return self._sender.get().lease(
            terms, micros=micros, ttl_seconds=ttl_seconds, report_seconds=report_seconds
        )

    def budgets(self, organization: str = "default") -> Iterator[Budget]:
        """Return the budgets of an organization that the caller may read."""
        after: str | None = None
        while True:
            page = self._run(routes.budgets(organization, after))
            yield from page.budgets
            if (after := page.next) is None:
                return

    def spend(self, user: str = "me", month: str | None = None) -> UserSpend:
        """Return what a user spent in the current month, or in another one (`2026-11`)."""
        return self._run(routes.spend(user, month))

    def prices(self, provider: str | None = None, model: str | None = None) -> Iterator[Price]:
        """Return the prices in effect, of a provider or a model if it is stated."""
        after: str | None = None
        while True:
            page = self._run(routes.prices(provider, model, after))
            yield from page.prices
            if (after := page.next) is None:
                return

    def resolve_price(self, provider: str, model: str) -> Resolution:
        """Return the price that applies to a model as a gateway sends it."""
        return self._run(routes.resolve_price(provider, model))

    def set_prices(self, prices: Sequence[Mapping[str, Any]]) -> None:
        """Set custom prices, all or none. It needs an owner."""
        self._run(routes.set_prices(prices))

    def close(self) -> None:
        """Close the leases and send what waits. Raise UsageLost if usage was not sent or not taken,
        and there is no queue on the disk. A call that ends after that raises LeaseClosed.
        """
        try:
            self._sender.close()
        finally:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, route: routes.Route[T], timeout_seconds: float | None = None) -> T:
        return route.read(
            self._connection.request(
                route.method,
                route.path,
                params=route.params,
                body=route.body,
                timeout_seconds=timeout_seconds,
            )
        )
