"""What a lease leaves at its end: usage is in the ledger, in a queue or in an error."""

import time
from contextlib import closing
from pathlib import Path

import pytest

from allowance_client import Allowance, LeaseClosed, SpillQueue, UsageLost
from tests.gateway import Client
from tests.integration.client.test_lease import CALL, counts, spent
from tests.postgres import Database
from tests.reservations import held


def test_what_ends_before_the_close_counts_while_another_call_runs(
    url: str, gateway: Client, database: Database
) -> None:
    """The late call raises, and the error has its usage."""
    client = Allowance(url, gateway.token, on_unavailable="deny")
    lease = client.lease(**CALL, micros=100_000)
    late = lease.call(estimate_micros=100).__enter__()
    for _ in range(3):
        with lease.call(estimate_micros=100) as call:
            call.used(tokens={"input": 50})
    client.close()
    assert (spent(database), counts(database)) == (300, (3, 3))
    late.used(tokens={"input": 50})
    with pytest.raises(LeaseClosed) as raised:
        late.__exit__(None, None, None)
    assert raised.value.record is not None
    assert raised.value.record["tokens"] == {"input": 50}


def test_a_closed_lease_still_settles_the_call_in_flight(
    url: str, gateway: Client, database: Database
) -> None:
    with Allowance(url, gateway.token, on_unavailable="deny") as client:
        lease = client.lease(**CALL, micros=5000)
        with lease.call(estimate_micros=100) as call:
            lease.close()
            client.lease(**CALL, micros=5000)
            call.used(tokens={"input": 50})
    assert (spent(database), held(database)) == (100, {})


def test_a_queue_on_the_disk_is_sent_at_the_close(
    url: str, gateway: Client, database: Database, tmp_path: Path
) -> None:
    with closing(SpillQueue(tmp_path / "queue")) as queue:
        client = Allowance(url, gateway.token, on_unavailable="deny", spill=queue)
        lease = client.lease(**CALL, micros=5000)
        late = lease.call(estimate_micros=100).__enter__()
        with lease.call(estimate_micros=100) as call:
            call.used(tokens={"input": 50})
        client.close()
        assert (spent(database), queue.pending()) == (100, 0)
        late.used(tokens={"input": 50})
        late.__exit__(None, None, None)
        assert queue.pending() == 1, "the next client sends it"


def test_a_call_that_outlives_its_hold_counts_at_the_close(
    url: str, gateway: Client, database: Database, tmp_path: Path
) -> None:
    with closing(SpillQueue(tmp_path / "queue")) as queue:
        with Allowance(url, gateway.token, on_unavailable="deny", spill=queue) as client:
            lease = client.lease(**CALL, micros=5000, ttl_seconds=1)
            with lease.call(estimate_micros=100) as call:
                with lease.call(estimate_micros=100) as short:
                    short.used(tokens={"input": 50})
                time.sleep(1.2)
                lease.tend()
                call.used(tokens={"input": 50})
        assert (spent(database), queue.pending()) == (200, 0)


def test_usage_that_is_rejected_is_raised_at_the_close(
    url: str, gateway: Client, database: Database
) -> None:
    client = Allowance(url, gateway.token, on_unavailable="deny")
    lease = client.lease(**CALL, micros=5000)
    for number in (50, 60):
        with lease.call(estimate_micros=100) as call:
            call.used(tokens={"input": number}, id="twice")
    with pytest.raises(UsageLost, match="other content") as raised:
        client.close()
    assert [each["tokens"] for each in raised.value.records] == [{"input": 60}]
    assert spent(database) == 100
