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

DEFAULT_MAX_BYTES = 256 * 1024 * 1024
BUSY_SECONDS = 10.0
IN_MEMORY = ":memory:"
LONGEST_TURN_SECONDS = 3600.0

# The triggers keep the size in the transaction that changes it, so that the bound is exact also for
# processes that write at once.
SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS records (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    record TEXT NOT NULL,
    hold TEXT,
    ready_at REAL NOT NULL DEFAULT 0,
    dead TEXT
);
CREATE INDEX IF NOT EXISTS records_of_hold ON records (hold) WHERE hold IS NOT NULL;
CREATE INDEX IF NOT EXISTS records_to_send ON records (id) WHERE dead IS NULL;
CREATE TABLE IF NOT EXISTS state (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    bytes INTEGER NOT NULL,
    sender TEXT,
    sending_until REAL NOT NULL
);
INSERT OR IGNORE INTO state VALUES (1, 0, NULL, 0);
CREATE TRIGGER IF NOT EXISTS grows AFTER INSERT ON records BEGIN
    UPDATE state SET bytes = bytes + length(NEW.record);
END;
CREATE TRIGGER IF NOT EXISTS shrinks AFTER DELETE ON records BEGIN
    UPDATE state SET bytes = bytes - length(OLD.record);
END;
CREATE TRIGGER IF NOT EXISTS changes AFTER UPDATE OF record ON records BEGIN
    UPDATE state SET bytes = bytes + length(NEW.record) - length(OLD.record);
END;
"""
TAKE_TURN = """
UPDATE state SET sender = :me, sending_until = :until
WHERE sender IS NULL OR sender = :me OR sending_until < :now OR sending_until > :latest
"""
TO_SEND = """
SELECT id, record FROM records WHERE dead IS NULL AND ready_at <= :now ORDER BY id LIMIT :most
"""
CLOSE_HOLD = "UPDATE records SET ready_at = 0, hold = NULL WHERE hold = ?"
LAST_OF_HOLD = """
SELECT id, record FROM records WHERE hold = ? AND dead IS NULL ORDER BY id DESC LIMIT 1
"""


class QueueFull(AllowanceError):
    """The queue has no room for a record, so the record is kept nowhere."""


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
        self._database = sqlite3.connect(
            self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        self._database.executescript(SCHEMA)

    def put(
        self, records: Sequence[Mapping[str, Any]], *, hold: str | None = None, ready_at: float = 0
    ) -> list[int]:
        """Keep records, all or none, and return their ids. `hold` is the reservation that covers
        them: they wait until `close_hold`, but not longer than `ready_at`.

        Raise QueueFull, and ValueError for what JSON does not have.
        """
        texts = [_text(each) for each in records]
        with self._lock, _Transaction(self._database):
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

    def pending(self) -> int:
        """Return how many records wait to be sent."""
        return self._count("SELECT count(*) FROM records WHERE dead IS NULL")

    def dead(self) -> list[DeadRecord]:
        """Return the records that the service does not take, in the order of their arrival."""
        with self._lock:
            rows = self._database.execute(
                "SELECT id, record, dead FROM records WHERE dead IS NOT NULL ORDER BY id"
            ).fetchall()
        return [
            DeadRecord(
                id_,
                json.loads(record),
                tuple(Validation(field, detail) for field, detail in json.loads(reasons)),
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
