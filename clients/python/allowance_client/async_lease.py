"""A lease for asyncio: it decides at once while its hold has room, and else beside the loop."""

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from allowance_client.lease import Lease, LeasedCall


class AsyncLease:
    """Like Lease, for one event loop."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease

    def call(
        self, *, estimate_micros: int | None = None, tokens: Mapping[str, int] | None = None
    ) -> "AsyncLeasedCall":
        """Like `Lease.call`."""
        return AsyncLeasedCall(self._lease.call(estimate_micros=estimate_micros, tokens=tokens))

    async def close(self) -> None:
        """Like `Lease.close`."""
        await asyncio.to_thread(self._lease.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class AsyncLeasedCall:
    """Like LeasedCall. Only the next hold is a request, so only that waits in a thread."""

    def __init__(self, call: LeasedCall) -> None:
        self._call = call

    async def __aenter__(self) -> LeasedCall:
        if not self._call.enter_at_once():
            # Cancelled in between, the call may have been admitted: its estimate then stays held
            # until the hold expires.
            await asyncio.to_thread(self._call.__enter__)
        return self._call

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._call.__exit__(kind, error, at)
