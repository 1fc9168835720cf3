"""RerateUsage, ExpireUsage, ExportSpend and DeliverAlerts killed at random, beside writers.

At last everything is corrected, dropped, exported and delivered.
"""

import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.alerts import pass_time, raise_alert
from tests.depth import by_depth
from tests.jobs import MICROS_OF_NEW, AtWork
from tests.ledger import connection_of, record_in
from tests.mortals import END_LEASES, JOBS, Witness, mortals
from tests.usage import in_month_before

SECONDS = by_depth(3, 8, 40)
RECORDERS = ("recorder-a", "recorder-b")
OLD, MANY = 12, 60
"""Months from 12 to 71 before this one: the ledger begins in 2020."""
IN_A_CALL = 10
"""Alerts in one call to a receiver."""


@pytest.mark.thorough
def test_jobs_that_are_killed_at_random_leave_nothing_undone(work: AtWork, tmp_path: Path) -> None:
    database = work.database
    kinds = (*JOBS, *RECORDERS)
    processes = mortals(
        *kinds,
        output=tmp_path / "processes",
        app_url=database.app_url,
        owner_url=database.owner_url,
        users=("maya", "otto", "gus"),
        months=(0, 1, 2, 3),
    )
    connection = connection_of(database)
    started, turn = time.monotonic(), 0
    with processes as enough:
        while time.monotonic() - started < SECONDS or not enough():
            time.sleep(0.1)
            turn += 1
            raise_alert(database, work.acme, uuid.uuid4())
            # Most old months change once: no later change repairs a file that was not written.
            late = in_month_before(OLD + turn // 2 % MANY, turn, user="otto") | {
                "id": f"late-{turn}"
            }
            if turn % 2:
                record_in(connection, [late], datetime.now(UTC))
            if turn % 5 == 0:
                work.price_new(turn)
    work.price_new(MICROS_OF_NEW)
    witness = Witness.of(tmp_path / "processes")
    assert witness.surprises == []
    assert min(witness.kills[kind] for kind in kinds) > 1
    for statement in END_LEASES.values():
        database.run(statement)
    pass_time(database)
    work.run_each_job_once()
    repeated = work.assert_all_is_done()
    # A receiver gets alerts again only if the run was killed between the call and its mark: those
    # of that one call.
    assert repeated <= IN_A_CALL * witness.kills["deliver"]
    kept = {id_ for (id_,) in database.rows("SELECT source_id FROM ai_usage_ever")}
    assert witness.acknowledged <= kept
    assert not witness.refused & kept
