"""Usage of a client whose clock is off counts, and its holds end."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from allowance_client import Allowance, SpillQueue
from allowance_client import clock as clocks
from tests.blocking import Blocking
from tests.gateway import Client
from tests.integration.client.test_lease import CALL, spent
from tests.postgres import Database
from tests.reservations import held


@pytest.mark.parametrize("kind", [Allowance, Blocking])
@pytest.mark.parametrize("seconds", [400, -700])
def test_a_clock_that_is_off_loses_no_usage(
    kind: Any,
    seconds: int,
    url: str,
    gateway: Client,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clocks, "local_now", lambda: datetime.now(UTC) + timedelta(seconds=seconds))
    with kind(url, gateway.token, on_unavailable="deny") as client:
        with client.call(**CALL, estimate={"cost_micros": 10}) as call:
            call.used(tokens={"input": 50})
        if kind is Allowance:
            with client.lease(**CALL, micros=5000).call(estimate_micros=100) as leased:
                leased.used(tokens={"input": 50})
    assert (spent(database), held(database)) == (200 if kind is Allowance else 100, {})


def test_a_record_that_contradicts_its_hold_counts_without_it(
    url: str, gateway: Client, database: Database, tmp_path: Path
) -> None:
    with closing(SpillQueue(tmp_path / "queue")) as queue:
        with (
            Allowance(url, gateway.token, on_unavailable="deny", spill=queue) as client,
            client.call(**CALL, estimate={"cost_micros": 10}) as call,
        ):
            early = datetime.now(UTC) - timedelta(minutes=10)
            call.used(tokens={"input": 50}, occurred_at=early)
        assert (queue.pending(), queue.dead()) == (0, [])
    assert spent(database) == 100
    assert len(held(database)) == 1, "the hold ends at its expiry"
