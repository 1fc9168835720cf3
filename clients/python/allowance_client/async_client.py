"""The client for asyncio. It differs from the client for threads in how it waits."""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self, TypeVar, Unpack

from allowance_client import routes
from allowance_client.async_lease import AsyncLease
from allowance_client.attempts import Attempts
from allowance_client.batches import batches
from allowance_client.calls import ReservedCall, logger, not_ended
from allowance_client.errors import AllowanceError, ApiError, Unavailable
from allowance_client.lease import OnUnavailable
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
from allowance_client.transport import DEFAULT_TIMEOUT_SECONDS, AsyncConnection, Connection

T = TypeVar("T")


class AsyncAllowance:
    """Like Allowance, for one event loop."""

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
        self._connection = AsyncConnection(url, token, timeout_seconds=timeout_seconds)
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

    async def reserve(self, **terms: Unpack[CallTerms]) -> Reservation:
        """Like `Allowance.reserve`."""
        body = reservation_body(terms, self._source)
        try:
            return await self._run(routes.reserve(body, self._connection.clock))
        except Unavailable as error:
            return without_decision(self._on_unavailable, error, body, self._connection.clock)
        except ApiError as error:
            raise routes.refusal(error) from None

    async def dry_run(self, **terms: Unpack[CallTerms]) -> Decision:
        """Like `Allowance.dry_run`."""
        try:
            return await self._run(routes.dry_run(reservation_body(terms, self._source)))
        except ApiError as error:
            raise routes.refusal(error) from None

    async def settle(
        self,
        reservation: Reservation,
        *,
        final: bool = True,
        extend_seconds: int | None = None,
        **used: Unpack[Used],
    ) -> Settled:
        """Like `Allowance.settle`."""
        return await self._run(
            routes.settle(reservation, used, final=final, extend_seconds=extend_seconds)
        )

    async def release(self, reservation: Reservation) -> None:
        """Like `Allowance.release`."""
        if reservation.reservation_id is not None:
            await self._run(routes.release(reservation.reservation_id))

    @asynccontextmanager
    async def call(self, **terms: Unpack[CallTerms]) -> AsyncGenerator[ReservedCall, None]:
        """Like `Allowance.call`."""
        call = ReservedCall(await self.reserve(**terms))
        try:
            yield call
        except BaseException as error:
            await self._end(call, error)
            raise
        await self._end(call, None)

    async def _end(self, call: ReservedCall, cause: BaseException | None) -> None:
        ending, used = call.ending(cause)
        try:
            if used is None:
                if ending == "release":
                    await self.release(call.reservation)
            elif self._spill is not None:
                self._sender.get().put(routes.settling_record(call.reservation, used))
            else:
                await self.settle(call.reservation, **used)
        except AllowanceError as error:
            if ending == "release":
                # It ends by itself when it expires.
                logger.warning("A hold was not released: %s", error)
            else:
                not_ended(error, cause)

    async def record(self, records: Sequence[Record]) -> list[RecordResult]:
        """Like `Allowance.record`."""
        if self._spill is not None:
            return await asyncio.to_thread(self._sender.get().record, records)
        attempts = Attempts(self._timeout_seconds)
        results: list[RecordResult] = []
        for batch in batches(with_times(records)):
            results += await self._run(routes.record(batch), attempts.remaining_seconds())
        return results

    def lease(
        self,
        *,
        micros: int,
        ttl_seconds: int = DEFAULT_LEASE_SECONDS,
        report_seconds: float = DEFAULT_REPORT_SECONDS,
        **terms: Unpack[LeaseTerms],
    ) -> AsyncLease:
        """Like `Allowance.lease`."""
        return AsyncLease(
            self._sender.get().lease(
                terms, micros=micros, ttl_seconds=ttl_seconds, report_seconds=report_seconds
            )
        )

    async def budgets(self, organization: str = "default") -> AsyncIterator[Budget]:
        """Like `Allowance.budgets`."""
        after: str | None = None
        while True:
            page = await self._run(routes.budgets(organization, after))
            for each in page.budgets:
                yield each
            if (after := page.next) is None:
                return

    async def spend(self, user: str = "me", month: str | None = None) -> UserSpend:
        """Like `Allowance.spend`."""
        return await self._run(routes.spend(user, month))

    async def prices(
        self, provider: str | None = None, model: str | None = None
    ) -> AsyncIterator[Price]:
        """Like `Allowance.prices`."""
        after: str | None = None
        while True:
            page = await self._run(routes.prices(provider, model, after))
            for each in page.prices:
                yield each
            if (after := page.next) is None:
                return

    async def resolve_price(self, provider: str, model: str) -> Resolution:
        """Like `Allowance.resolve_price`."""
        return await self._run(routes.resolve_price(provider, model))

    async def set_prices(self, prices: Sequence[Mapping[str, Any]]) -> None:
        """Like `Allowance.set_prices`."""
        await self._run(routes.set_prices(prices))

    async def close(self) -> None:
        """Like `Allowance.close`."""
        try:
            await asyncio.to_thread(self._sender.close)
        finally:
            await self._connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _run(self, route: routes.Route[T], timeout_seconds: float | None = None) -> T:
        return route.read(
            await self._connection.request(
                route.method,
                route.path,
                params=route.params,
                body=route.body,
                timeout_seconds=timeout_seconds,
            )
        )
