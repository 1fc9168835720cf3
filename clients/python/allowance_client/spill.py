"""Usage records on the disk until Allowance has them: a queue in one SQLite file.

A record is in the file before `put` returns, and stays until the service has it. So it survives the
end of the process, whatever ended it. Processes of one machine may share the file. A network file
system will not do: SQLite needs its locks.
"""

import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, cast
from uuid import uuid4

from allowance_client.batches import encoded_size, leading_batch
from allowance_client.errors import AllowanceError, Validation
from allowance_client.spill_sql import (
    ALL,
    CLOSE_HOLD,
    DEAD,
    LAST_OF_HOLD,
    SCHEMA,
    TAKE_TURN,
    TO_SEND,
    UNPARK,
)

DEFAULT_MAX_BYTES = 256 * 1024 * 1024
BUSY_SECONDS = 10.0
IN_MEMORY = ":memory:"
LONGEST_TURN_SECONDS = 3600.0


class QueueFull(AllowanceError):
    """The queue has no room for a record, so the record is kept nowhere."""


class QueueClosed(AllowanceError):
    """The queue takes no more records, so the record is kept nowhere."""


@dataclass(frozen=True, slots=True)
class DeadRecord:
    """A record that the service does not take, and why. It stays in the queue until `forget`."""

    id: int
    record: Mapping[str, Any]
    reasons: tuple[Validation, ...]


class SpillQueue:
    """Usage records that wait for the service. Threads may share it."""

    def __init__(self, path: Path | str, *, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        """Open the file, which is created if it is missing. `max_bytes` bounds what all records
        have together as JSON.
        """
        self.path, self.max_bytes = str(path), max_bytes
        self._me = uuid4().hex
        self._lock = Lock()
        self._is_sealed = False
        self._database = sqlite3.connect(
            self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        self._database.executescript(SCHEMA)

    def put(
        self, records: Sequence[Mapping[str, Any]], *, hold: str | None = None, ready_at: float = 0
    ) -> list[int]:
        """Keep records, all or none, and return their ids. `hold` is the reservation that covers
        them: they wait until `close_hold`, but not longer than `ready_at`.

        Raise QueueFull, QueueClosed, and ValueError for what JSON does not have.
        """
        texts = [_text(each) for each in records]
        with self._lock:
            if self._is_sealed:
                raise QueueClosed(f"The queue {self.path} is closed.")
            return self._put(texts, hold, ready_at)

    def _put(self, texts: Sequence[str], hold: str | None, ready_at: float) -> list[int]:
        with _Transaction(self._database):
            ids = [
                cast(
                    "int",
                    self._database.execute(
                        "INSERT INTO records (record, hold, ready_at) VALUES (?, ?, ?)",
                        (text, hold, ready_at),
                    ).lastrowid,
                )
                for text in texts
            ]
            ((size,),) = self._database.execute("SELECT bytes FROM state").fetchall()
            if size > self.max_bytes:
                raise QueueFull(
                    f"The queue {self.path} has no room: it may have {self.max_bytes} bytes."
                )
            return ids

    def take_turn(self, seconds: float) -> bool:
        """Return whether this queue may send now. One process does at a time, so that records go
        out in their order; its turn ends by `end_turn`, or by itself if the process is killed.
        """
        now = time.time()
        # A turn that ends later than any was taken by a clock that was ahead.
        latest = now + LONGEST_TURN_SECONDS
        bounds = {"me": self._me, "now": now, "until": now + seconds, "latest": latest}
        with self._lock:
            return self._database.execute(TAKE_TURN, bounds).rowcount == 1

    def end_turn(self) -> None:
        """Let others send."""
        with self._lock:
            self._database.execute("UPDATE state SET sender = NULL WHERE sender = ?", (self._me,))

    def next_batch(self, most: int) -> list[tuple[int, dict[str, Any]]]:
        """Return the ids and the records of the next request, at most this number."""
        with self._lock:
            rows = self._database.execute(TO_SEND, {"now": time.time(), "most": most}).fetchall()
        found = [(id_, json.loads(text)) for id_, text in rows]
        return found[: leading_batch([record for _, record in found])]

    def remove(self, ids: Sequence[int]) -> None:
        """Remove records that the service has."""
        with self._lock, _Transaction(self._database):
            self._database.executemany("DELETE FROM records WHERE id = ?", [(id_,) for id_ in ids])

    def bury(self, id_: int, reasons: Sequence[Validation]) -> None:
        """Keep a record that the service does not take, with the reasons, and send it no more."""
        text = json.dumps([[each.field, each.detail] for each in reasons])
        with self._lock:
            self._database.execute("UPDATE records SET dead = ? WHERE id = ?", (text, id_))

    def close_hold(self, hold: str) -> bool:
        """Let the records under a reservation be sent, the last one as its settlement. Return
        whether there was one.
        """
        with self._lock, _Transaction(self._database):
            last = self._database.execute(LAST_OF_HOLD, (hold,)).fetchone()
            if last is None:
                return False
            settling = _text(json.loads(last[1]) | {"reservation_id": hold})
            self._database.execute(
                "UPDATE records SET record = ? WHERE id = ?", (settling, last[0])
            )
            self._database.execute(CLOSE_HOLD, (hold,))
            return True

    def unpark(self, hold: str) -> None:
        """Let the usage under a hold be sent now, beside the hold."""
        with self._lock:
            self._database.execute(UNPARK, (hold,))

    def seal(self) -> None:
        """Take no more records, and let all be sent now. `put` raises from then on."""
        with self._lock:
            self._is_sealed = True
            self._database.execute("UPDATE records SET ready_at = 0")

    def replace(self, id_: int, record: Mapping[str, Any]) -> None:
        """Send another record in place of one, in its turn."""
        with self._lock:
            self._database.execute(
                "UPDATE records SET record = ? WHERE id = ?", (_text(record), id_)
            )

    def pending(self) -> int:
        """Return how many records wait to be sent."""
        return self._count("SELECT count(*) FROM records WHERE dead IS NULL")

    def dead(self) -> list[DeadRecord]:
        """Return the records that the service does not take, in the order of their arrival."""
        return self._read(DEAD)

    def all(self) -> list[DeadRecord]:
        """Return every record in the order of their arrival. Those that wait have no reasons."""
        return self._read(ALL)

    def _read(self, query: str) -> list[DeadRecord]:
        with self._lock:
            rows = self._database.execute(query).fetchall()
        return [
            DeadRecord(
                id_,
                json.loads(record),
                tuple(Validation(field, detail) for field, detail in json.loads(reasons or "[]")),
            )
            for id_, record, reasons in rows
        ]

    def forget(self, dead: DeadRecord) -> None:
        """Remove a record that the service does not take: its usage will not be recorded."""
        with self._lock:
            self._database.execute(
                "DELETE FROM records WHERE id = ? AND dead IS NOT NULL", (dead.id,)
            )

    def revive(self, dead: DeadRecord) -> None:
        """Send a record again: what the service did not take of it was put right there."""
        with self._lock:
            self._database.execute("UPDATE records SET dead = NULL WHERE id = ?", (dead.id,))

    def close(self) -> None:
        """Close the file. The records stay in it."""
        self.end_turn()
        with self._lock:
            self._is_sealed = True
            self._database.close()

    def _count(self, query: str) -> int:
        with self._lock, closing(self._database.execute(query)) as found:
            return cast("int", found.fetchone()[0])


class _Transaction:
    """One transaction. IMMEDIATE: two that read first and write then would refuse each other."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def __enter__(self) -> None:
        self._database.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._database.execute("COMMIT" if kind is None else "ROLLBACK")


def _text(record: Mapping[str, Any]) -> str:
    # Half of a surrogate pair has no UTF-8. In the queue it would stop all that comes after it.
    encoded_size(record)
    return json.dumps(record, allow_nan=False, separators=(",", ":"))
