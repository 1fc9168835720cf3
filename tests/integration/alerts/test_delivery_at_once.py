"""DeliverAlerts in several processes: concurrent runs, killed runs and leases."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from allowance.access.gate import Gate
from allowance.access.store import Origin
from allowance.alerts.delivery import AlertStore
from allowance.alerts.receivers import configured_receivers
from allowance.rbac.system import ALERT_DELIVERER
from tests.alerts import STATE, deliver, ids, pass_time, raise_alert, raise_many
from tests.ledger import connection_of
from tests.people import Acme
from tests.postgres import Database
from tests.receivers import Answer, Forward, Receivers
from tests.sessions import PATIENCE_SECONDS

ROOT = Path(__file__).parents[3]


def test_concurrent_deliverers_send_each_alert_once(
    database: Database, acme: Acme, aws: Receivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("allowance.alerts.delivery.PAGE", 7)
    names = sorted(raise_many(database, acme, 150))

    def run(_: int) -> int:
        connection = connection_of(database)
        store = AlertStore(Gate(ALERT_DELIVERER.subject, connection), Origin(None, "test", "test"))
        try:
            return store.deliver(configured_receivers()).delivered
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        shares = list(pool.map(run, range(4)))
    assert sum(shares) == 150
    assert sum(share > 0 for share in shares) > 1, "they did work at the same time"
    assert ids(aws.published()) == ids(aws.put()) == names
    assert set(database.rows(STATE)) == {(1, True, True, True)}


RUN = (
    "from tests.gateway import Context; import deliver_alerts; deliver_alerts.handler({}, "
    "Context())"
)


def killed_in_a_call(door: Any, doorman: Callable[[bytes, Forward], object]) -> None:
    """Kill a delivering process while it waits for the response to its first call."""
    reached, over = threading.Event(), threading.Event()

    def waiting(body: bytes, forward: Forward) -> Answer:
        doorman(body, forward)
        reached.set()
        over.wait(60)
        return 500, b""

    door.doorman = waiting
    path = os.pathsep.join(map(str, (ROOT, ROOT / "functions", ROOT / "layers/shared")))
    with subprocess.Popen(
        [sys.executable, "-c", RUN], env=os.environ | {"PYTHONPATH": path}, cwd=ROOT
    ) as run:
        try:
            assert reached.wait(PATIENCE_SECONDS)
        finally:
            run.send_signal(signal.SIGKILL)
            run.wait()
            over.set()
    door.doorman = lambda body, forward: forward(body)


def test_alerts_claimed_by_a_killed_run_are_sent_when_the_lease_ends(
    database: Database, acme: Acme, aws: Receivers
) -> None:
    names = sorted(raise_many(database, acme, 12))
    killed_in_a_call(aws.sns, lambda body, forward: None)
    outcome = deliver()
    assert (outcome["delivered"], outcome["waiting"]) == (0, 12)
    ((lease,),) = database.rows("SELECT max(leased_until) - now() FROM ai_alerts")
    assert timedelta(seconds=60) < lease < timedelta(seconds=120), (
        "longer than the function may run"
    )
    pass_time(database)
    assert deliver()["delivered"] == 12
    assert ids(aws.published()) == ids(aws.put()) == names


def test_a_run_killed_before_it_marks_a_call_repeats_only_that_call(
    database: Database, acme: Acme, aws: Receivers
) -> None:
    names = sorted(raise_many(database, acme, 12))
    killed_in_a_call(aws.eventbridge, lambda body, forward: forward(body))
    pass_time(database)
    assert deliver()["delivered"] == 12
    assert ids(aws.published()) == names, "SNS had accepted them and gets no repetition"
    received = ids(aws.put())
    assert len(received) == 12 + 10
    assert sorted(set(received)) == names


def test_a_run_that_lost_its_lease_leaves_the_next_lease_alone(
    database: Database, acme: Acme, aws: Receivers
) -> None:
    raise_alert(database, acme)
    reached, over = threading.Event(), threading.Event()

    def slow(body: bytes, forward: Forward) -> Answer:
        reached.set()
        over.wait(60)
        return 500, b""

    aws.sns.doorman = slow
    state = "SELECT due_at, leased_until, attempts FROM ai_alerts"
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(deliver)
        try:
            assert reached.wait(PATIENCE_SECONDS)
            database.run("UPDATE ai_alerts SET leased_until = now() + interval '7 minutes'")
            before = database.rows(state)
        finally:
            over.set()
    run.result()
    assert database.rows(state) == before
