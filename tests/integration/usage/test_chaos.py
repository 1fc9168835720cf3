"""Sixteen writers, workers and backends killed at random, and one server crash.

Each acknowledged record is kept exactly once.
"""

import random
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from allowance.database.database import Database as Connection
from allowance.database.settings import DatabaseSource
from allowance.errors import DatabaseUnavailable
from allowance.rbac.system import Login
from local.postgres import EmbeddedPostgres
from migrations.migrate import migrate
from tests.depth import by_depth
from tests.ledger import assert_sums_agree, record_in
from tests.mortals import BATCH, Witness, batch_of, mortals
from tests.postgres import Database, with_parts

WRITERS = 16
WORKERS = ("worker-a", "worker-b")
USERS = [f"u{number}" for number in range(1, 21)]
SECONDS = by_depth(2, 8, 40)
PATIENCE_SECONDS = 60
PASSWORD = "for-a-server-of-this-test-alone"
KILL = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'allowance_routes' "
    "ORDER BY random() LIMIT 2"
)
DIRECTORY = """
INSERT INTO organizations (name, is_default) VALUES ('acme', true);
INSERT INTO users (username) SELECT 'u' || n FROM generate_series(1, 20) n;
INSERT INTO organization_members (organization_id, user_id)
SELECT o.id, u.id FROM organizations o, users u;
INSERT INTO ai_model_price_versions (provider, model, source, effective_from, input_price, origin)
VALUES ('p', 'm', 'default', '-infinity', 2000000, 'test');
"""


class Writer(threading.Thread):
    """Sends batches, retries some like a gateway without a response, and keeps the results."""

    def __init__(self, number: int, url: str, stop: threading.Event) -> None:
        super().__init__(name=f"writer {number}")
        self._chance = random.Random(number)  # noqa: S311
        self._connection = Connection(DatabaseSource(url), f"writer-{number}")
        self._number, self._stopped = number, stop
        self.acknowledged: set[str] = set()
        self.refused: set[str] = set()
        self.recorded = 0
        self.surprises: list[Exception] = []

    def run(self) -> None:
        sent = 0
        batch: list[dict[str, Any]] = []
        with closing(self._connection):
            while not self._stopped.is_set():
                if not batch or self._chance.random() < 0.8:
                    sent += 1
                    batch = self._batch(sent)
                try:
                    self._send(batch)
                except DatabaseUnavailable:
                    time.sleep(self._chance.random() / 20)  # retry the batch, or drop it
                except Exception as error:  # noqa: BLE001
                    self.surprises.append(error)
                    return

    def _batch(self, sent: int) -> list[dict[str, Any]]:
        made = batch_of(f"{self._number}-{sent}", USERS, [0])
        self._chance.shuffle(made)
        return made

    def _send(self, batch: list[dict[str, Any]]) -> None:
        answers = record_in(self._connection, batch, datetime.now(UTC))
        for each, answer in zip(batch, answers, strict=True):
            self.recorded += answer.status == "recorded"
            (self.refused if answer.status == "rejected" else self.acknowledged).add(each["id"])


@contextmanager
def ends(writers: Sequence[Writer], stop: threading.Event) -> Generator[None]:
    """Stop the writers at the end of the block, also if it fails."""
    try:
        yield
    finally:
        stop.set()
        for writer in writers:
            writer.join()


@pytest.mark.thorough
def test_each_acknowledged_record_counts_once_whichever_process_dies(tmp_path: Path) -> None:
    with EmbeddedPostgres() as server, ExitStack() as at_end:
        with psycopg.connect(server.url, autocommit=True) as owner:
            migrate(owner, passwords=dict.fromkeys(Login, PASSWORD))
            owner.execute(DIRECTORY.encode())
        database = Database(
            urlsplit(server.url).path[1:],
            server.url,
            with_parts(server.url, user=Login.ROUTES, password=PASSWORD),
        )
        at_end.callback(database.close)
        stop = threading.Event()
        writers = [Writer(number, database.app_url, stop) for number in range(WRITERS)]
        for writer in writers:
            writer.start()
        workers = mortals(
            *WORKERS,
            output=tmp_path / "workers",
            app_url=database.app_url,
            owner_url=database.owner_url,
            users=USERS,
            months=[0],
        )
        started, crashed = time.monotonic(), False
        with ends(writers, stop), workers as enough:
            while (passed := time.monotonic() - started) < SECONDS or (
                # On a busy machine the first batches of all writers take longer.
                passed < PATIENCE_SECONDS
                and not (
                    sum(len(writer.acknowledged) for writer in writers) > 2 * WRITERS * BATCH
                    and enough()
                )
            ):
                time.sleep(0.1)
                if not crashed and time.monotonic() - started > SECONDS / 2:
                    server.crash()
                    server.start()
                    crashed = True
                with suppress(psycopg.OperationalError):
                    database.run(KILL)
        witness = Witness.of(tmp_path / "workers")
        assert [each for writer in writers for each in writer.surprises] == []
        assert witness.surprises == []
        assert min(witness.kills[each] for each in WORKERS) > 1
        acknowledged = witness.acknowledged.union(*(writer.acknowledged for writer in writers))
        refused = witness.refused.union(*(writer.refused for writer in writers))
        kept = {name for (name,) in database.rows("SELECT source_id FROM ai_usage")}
        assert acknowledged <= kept
        assert not refused & kept
        assert len(acknowledged) > WRITERS * BATCH
        assert len(witness.acknowledged) > 2 * BATCH
        # If a record is kept but not acknowledged, its connection or its worker died before the
        # response. No record is acknowledged as recorded twice.
        assert witness.recorded + sum(writer.recorded for writer in writers) <= len(kept)
        assert_sums_agree(database)
