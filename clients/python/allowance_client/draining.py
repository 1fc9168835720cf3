"""Send what waits in a queue, in its order, and keep apart what the service does not take."""

import logging
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any

from allowance_client import routes
from allowance_client.attempts import Attempts
from allowance_client.batches import MAX_RECORDS
from allowance_client.errors import ApiError, Unavailable, Validation
from allowance_client.models import RecordResult
from allowance_client.spill import SpillQueue
from allowance_client.terms import Record
from allowance_client.transport import Connection

logger = logging.getLogger("allowance_client")

REFUSED_WHOLE = (400, 413)
"""A request with these was read, and a part of it cannot be taken."""
RESERVATIONS = ("reservation_id", "reservation_key")
CONTRADICTING = {"user", "occurred_at"}
"""The fields of a record that can contradict its reservation."""
POLL_SECONDS = 0.05
TURN_MARGIN_SECONDS = 1.0


class OthersSend(Unavailable):
    """Another thread or process sends the queue, until the deadline."""


@dataclass(frozen=True)
class Drained:
    """The result of each record that was sent, by its id, and the error that ended the sending.

    Unavailable: it goes on later. ApiError: this caller may not record.
    """

    results: dict[int, RecordResult]
    error: Unavailable | ApiError | None


class Drainer:
    """Sends the records of a queue by a connection."""

    def __init__(self, queue: SpillQueue, connection: Connection) -> None:
        self.queue, self._connection = queue, connection
        self._one_at_a_time = Lock()

    def record(self, records: Sequence[Record], timeout_seconds: float) -> list[RecordResult]:
        """Keep records, send the queue, and return their results. `queued`: this call did not send
        the record, which is in the queue. Raise QueueFull, and ApiError if this caller may not
        record: then the records are in the queue, too.
        """
        attempts = Attempts(timeout_seconds)
        with self._sending(attempts) as is_ours:
            # Under the lock: else another thread may send them, and would have their results.
            ids = self.queue.put(records)
            drained = self._drained(attempts) if is_ours else Drained({}, None)
        if isinstance(drained.error, ApiError):
            raise drained.error
        return [drained.results.get(id_, RecordResult("queued")) for id_ in ids]

    def drain(self, timeout_seconds: float) -> Drained:
        """Send until nothing is left that may be sent now, or until the deadline or an error. What
        was not sent stays in the queue.
        """
        attempts = Attempts(timeout_seconds)
        with self._sending(attempts) as is_ours:
            if is_ours:
                return self._drained(attempts)
        return Drained({}, OthersSend("Another thread sends the queue."))

    @contextmanager
    def _sending(self, attempts: Attempts) -> Generator[bool, None, None]:
        """Yield whether this thread alone sends in this process."""
        is_ours = self._one_at_a_time.acquire(timeout=attempts.remaining_seconds())
        try:
            yield is_ours
        finally:
            if is_ours:
                self._one_at_a_time.release()

    def _drained(self, attempts: Attempts) -> Drained:
        results: dict[int, RecordResult] = {}
        try:
            self._drain(attempts, results)
        except (Unavailable, ApiError) as error:
            return Drained(results, error)
        finally:
            self.queue.end_turn()
        return Drained(results, None)

    def _drain(self, attempts: Attempts, results: dict[int, RecordResult]) -> None:
        most = MAX_RECORDS
        while True:
            self._await_turn(attempts)
            batch = self.queue.next_batch(most)
            if not batch:
                return
            try:
                found = self._send([record for _, record in batch], attempts)
            except ApiError as error:
                if error.status not in REFUSED_WHOLE:
                    raise
                # One record spoils the request: a half of it is without that record.
                most = len(batch) // 2
                if most == 0:
                    self._bury(*batch[0], _reasons(error))
                    results[batch[0][0]] = RecordResult("rejected", validations=_reasons(error))
                    most = MAX_RECORDS
                continue
            results.update(zip((id_ for id_, _ in batch), found, strict=True))
            self._take_over(batch, found)
            most = MAX_RECORDS

    def _await_turn(self, attempts: Attempts) -> None:
        turn = min(attempts.timeout_seconds, 600.0) + TURN_MARGIN_SECONDS
        while not self.queue.take_turn(turn):
            if attempts.now() > attempts.deadline:
                raise OthersSend("Another process sends the queue.")
            time.sleep(POLL_SECONDS)

    def _send(self, batch: Sequence[dict[str, Any]], attempts: Attempts) -> list[RecordResult]:
        route = routes.record(batch)
        left = attempts.remaining_seconds()
        return route.read(
            self._connection.request(
                route.method, route.path, body=route.body, timeout_seconds=left
            )
        )

    def _take_over(
        self, batch: Sequence[tuple[int, dict[str, Any]]], found: Sequence[RecordResult]
    ) -> None:
        kept: list[int] = []
        for (id_, record), result in zip(batch, found, strict=True):
            if result.is_kept:
                kept.append(id_)
            elif (other := without_reservation(record, result)) is not None:
                self.queue.replace(id_, other)
            else:
                reasons = result.validations or (Validation("(record)", result.status),)
                self._bury(id_, record, reasons)
        self.queue.remove(kept)

    def _bury(self, id_: int, record: dict[str, Any], reasons: Sequence[Validation]) -> None:
        self.queue.bury(id_, reasons)
        logger.error(
            "Allowance does not take the usage %s of %s, which is kept in the queue: %s",
            record.get("id"),
            record.get("source"),
            "; ".join(map(str, reasons)),
        )


def without_reservation(record: Record, result: RecordResult) -> dict[str, Any] | None:
    """Return what counts in place of a rejected record: the same, if its reservation alone is in
    the way. The hold then ends at its expiry. None: it is rejected for another reason, too.
    """
    other = {name: value for name, value in record.items() if name not in RESERVATIONS}
    fields = {each.field for each in result.validations}
    if result.status != "rejected" or len(other) == len(record) or not fields <= CONTRADICTING:
        return None
    return other


def _reasons(error: ApiError) -> tuple[Validation, ...]:
    return error.validations or (Validation("(record)", str(error)),)
