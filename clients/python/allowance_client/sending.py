"""What a client does beside its callers: it sends its queue, and tends its leases."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeVar
from uuid import uuid4

from allowance_client import routes
from allowance_client.background import Background
from allowance_client.draining import Drained, Drainer, OthersSend
from allowance_client.errors import ApiError, Unavailable, UsageLost
from allowance_client.hold_service import HoldTerms, Service
from allowance_client.lease import Lease, OnUnavailable
from allowance_client.models import RecordResult, Reservation, Resolution
from allowance_client.spill import IN_MEMORY, SpillQueue
from allowance_client.terms import Record, with_times
from allowance_client.transport import Connection

T = TypeVar("T")
MAX_TTL_SECONDS = 3600


@dataclass(frozen=True)
class SenderTerms:
    """What a sender has of its client."""

    source: str
    on_unavailable: OnUnavailable
    timeout_seconds: float


class Sender:
    """The queue of a client, its leases, and the thread that tends both.

    It has a connection of its own, so that what is sent in bulk keeps no decision waiting.
    """

    def __init__(
        self, connection: Connection, queue: SpillQueue | None, terms: SenderTerms
    ) -> None:
        self._connection, self._terms = connection, terms
        self.is_on_disk = queue is not None
        self.queue = queue or SpillQueue(IN_MEMORY)
        self._drainer = Drainer(self.queue, connection)
        self._leases: list[Lease] = []
        self._lock = Lock()
        self._background = Background(self._tend)

    def put(self, record: Record) -> None:
        """Keep a record, and send it soon. Raise QueueFull."""
        self.queue.put(with_times([record]))
        self._background.wake()

    def record(self, records: Sequence[Record]) -> list[RecordResult]:
        """Like `Drainer.record`."""
        return self._drainer.record(with_times(records), self._terms.timeout_seconds)

    def lease(
        self,
        request: Mapping[str, Any],
        *,
        micros: int,
        ttl_seconds: int,
        report_seconds: float,
    ) -> Lease:
        """Return a lease. It holds nothing before its first call. Raise ValueError if a number is
        out of range.
        """
        if type(micros) is not int or micros <= 0:
            raise ValueError("micros must be a whole number above 0.")
        if type(ttl_seconds) is not int or not 1 <= ttl_seconds <= MAX_TTL_SECONDS:
            raise ValueError(f"ttl_seconds must be a whole number from 1 to {MAX_TTL_SECONDS}.")
        service = Service(
            lambda asked, ttl: self._reserve(request, asked, ttl),
            self._release,
            self.queue.close_hold,
            self.queue.unpark,
            self.send,
            self._background.wake,
            self._connection.clock.text,
        )
        terms = HoldTerms(micros, ttl_seconds, report_seconds, self._terms.timeout_seconds)
        lease = Lease(
            service,
            self._resolve_price,
            self.queue,
            {"source": self._terms.source, **request},
            terms,
            self._terms.on_unavailable,
        )
        with self._lock:
            self._leases = [each for each in self._leases if not each.is_done]
            self._leases.append(lease)
        return lease

    def send(self) -> None:
        """Send the queue. Raise Unavailable and ApiError: the records stay in the queue."""
        _raise(self._drainer.drain(self._terms.timeout_seconds))

    def close(self) -> None:
        """Close the leases, and send the queue. Raise UsageLost if it is not on the disk, and has
        records that were not sent or not taken.
        """
        self._background.stop()
        try:
            with self._lock:
                leases, self._leases = self._leases, []
            for each in leases:
                # What it does not send is sent below, or lost: then the reason is the same.
                with suppress(Unavailable, ApiError):
                    each.close()
            if not self.is_on_disk:
                self.queue.seal()
            drained = self._drainer.drain(self._terms.timeout_seconds)
            if not self.is_on_disk:
                _raise_if_lost(self.queue, drained)
        finally:
            if not self.is_on_disk:
                self.queue.close()
            self._connection.close()

    def _tend(self) -> None:
        with self._lock:
            leases = list(self._leases)
        for each in leases:
            each.tend()
        drained = self._drainer.drain(self._terms.timeout_seconds)
        if not isinstance(drained.error, OthersSend):
            _raise(drained)

    def _reserve(self, request: Mapping[str, Any], micros: int, ttl_seconds: int) -> Reservation:
        body = {
            "id": uuid4().hex,
            "source": self._terms.source,
            **request,
            "estimate": {"cost_micros": micros},
            "ttl_seconds": ttl_seconds,
        }
        try:
            return self._run(routes.reserve(body, self._connection.clock))
        except ApiError as error:
            raise routes.refusal(error) from None

    def _release(self, reservation_id: str) -> None:
        self._run(routes.release(reservation_id))

    def _resolve_price(self, provider: str, model: str) -> Resolution:
        return self._run(routes.resolve_price(provider, model))

    def _run(self, route: routes.Route[T]) -> T:
        return route.read(
            self._connection.request(route.method, route.path, params=route.params, body=route.body)
        )


class LazySender:
    """The sender of a client, which is made when it is needed: it has a thread."""

    def __init__(
        self, connect: Callable[[], Connection], queue: SpillQueue | None, terms: SenderTerms
    ) -> None:
        self._connect, self._queue, self._terms = connect, queue, terms
        self._lock = Lock()
        self._made: Sender | None = None
        if queue is not None:
            # An earlier process may have left records in it.
            self.get()

    def get(self) -> Sender:
        """Return the sender."""
        with self._lock:
            if self._made is None:
                self._made = Sender(self._connect(), self._queue, self._terms)
            return self._made

    def close(self) -> None:
        """Like `Sender.close`, if there is one."""
        with self._lock:
            made, self._made = self._made, None
        if made is not None:
            made.close()


def _raise_if_lost(queue: SpillQueue, drained: Drained) -> None:
    if lost := queue.all():
        unsent = str(drained.error or "It was not sent.")
        reasons = ["; ".join(map(str, each.reasons)) or unsent for each in lost]
        raise UsageLost([each.record for each in lost], reasons) from drained.error


def _raise(drained: Drained) -> None:
    if drained.error is not None:
        raise drained.error
