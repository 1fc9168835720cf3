"""Two of every job at once, beside writers: no deadlock, and nothing twice."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import UTC, datetime
from functools import partial

from allowance.access.gate import Gate
from allowance.access.store import Origin, Store
from allowance.alerts.delivery import AlertStore
from allowance.alerts.receivers import configured_receivers
from allowance.database.database import Database as Connection
from allowance.errors import DatabaseUnavailable
from allowance.exports.files import ExportSource
from allowance.exports.job import export
from allowance.rbac.system import (
    ALERT_DELIVERER,
    SPEND_EXPORTER,
    USAGE_EXPIRER,
    USAGE_RERATER,
    SystemActor,
)
from allowance.usage.rerating import UsageRerater
from allowance.usage.retention import UsageExpirer
from allowance_parquet.parquet_file import ParquetFile
from tests.depth import by_depth
from tests.jobs import MICROS_OF_NEW, AtWork
from tests.ledger import connection_of, record_in
from tests.mortals import batch_of
from tests.sessions import beside

ROUNDS = by_depth(1, 5, 20)
WRITERS = ("writer-a", "writer-b")


def jobs(connection: Connection) -> list[Callable[[], object]]:
    """Each job, on a connection of its own thread."""

    def store[S: Store](kind: Callable[[Gate, Origin], S], actor: SystemActor) -> S:
        return kind(Gate(actor.subject, connection), Origin(None, actor.name, "test"))

    return [
        lambda: store(UsageRerater, USAGE_RERATER).rerate(),
        lambda: store(UsageExpirer, USAGE_EXPIRER).expire(1),
        lambda: export(store(ExportSource, SPEND_EXPORTER), ParquetFile, None),
        lambda: store(AlertStore, ALERT_DELIVERER).deliver(configured_receivers()),
    ]


def test_two_of_every_job_at_once_beside_writers(work: AtWork) -> None:
    database = work.database
    kinds = len(jobs(connection_of(database)))

    def run(number: int) -> None:
        with closing(connection_of(database)) as connection:
            for _ in range(ROUNDS):
                jobs(connection)[number]()

    def write(name: str, stop: threading.Event) -> int:
        sent = 0
        with closing(connection_of(database)) as connection:
            while not stop.is_set():
                batch = batch_of(f"{name}-{sent}", ("maya", "otto", "gus"), (0, 1, 2, 3))
                # The expirers drop months one after another here, in production once a day. A
                # gateway sends the batch again after a 503.
                with suppress(DatabaseUnavailable):
                    record_in(connection, batch, datetime.now(UTC))
                    sent += 1
        return sent

    with beside(*(partial(write, name) for name in WRITERS)) as writers:
        with ThreadPoolExecutor(2 * kinds) as pool:
            runs = [pool.submit(run, number) for number in range(kinds) for _ in range(2)]
            work.price_new(MICROS_OF_NEW)
        assert [each.exception() for each in runs] == [None] * len(runs)
    assert all(each.result() for each in writers)
    work.run_each_job_once()
    assert work.assert_all_is_done() == 0, "no receiver got an alert twice"
