"""Retries never count twice and never lose, whatever is killed."""

import random
import time
from contextlib import closing
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg
import pytest

from allowance_client import Allowance, ApiError, SpillQueue, Unavailable, UsageLost
from tests.blocking import Blocking
from tests.depth import by_depth
from tests.gateway import Client
from tests.gateways_of_clients import gateways
from tests.integration.client.test_client import record, spent
from tests.postgres import Database
from tests.reservations import held
from tests.served import served, workers

CALL: Any = {"user": "maya", "provider": "p", "model": "m"}
KINDS = pytest.mark.parametrize("kind", [Allowance, Blocking])
END_SESSIONS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name LIKE 'allowance/%'"
)


def counts(database: Database) -> Any:
    return database.rows("SELECT count(*), count(DISTINCT (source, id)) FROM ai_usage")[0]


def losing(share: float, seed: int) -> Any:
    """Lose this share of requests before they are handled, and of responses after it."""
    draw = random.Random(seed)  # noqa: S311

    def lose(_: str) -> None:
        if draw.random() < share:
            raise OSError

    return lose


@KINDS
def test_lost_requests_and_responses_count_once(
    kind: Any, gateway: Client, database: Database
) -> None:
    number = by_depth(6, 30, 400)
    with (
        served(losing(0.25, 7)) as url,
        kind(url, gateway.token, on_unavailable="deny", timeout_seconds=60) as client,
    ):
        for n in range(number):
            with client.call(**CALL, estimate={"cost_micros": 10}) as call:
                call.used(tokens={"input": 1000})
            client.record([record(2 * n), record(2 * n + 1)])
    assert counts(database) == (3 * number, 3 * number)
    assert (spent(database), held(database)) == (number * 2004, {})


@pytest.mark.thorough
def test_killed_servers_lose_no_usage(gateway: Client, database: Database) -> None:
    """Processes and sessions are killed in the midst of decisions and settlements."""
    number, threads = by_depth(5, 25, 300), 4
    with (
        workers(2, database.app_url) as serving,
        Allowance(serving.url, gateway.token, on_unavailable="deny", timeout_seconds=60) as client,
        client.lease(**CALL, micros=100_000) as lease,
    ):
        made: list[int] = []

        def run() -> None:
            for n in range(number):
                made.append(n)
                with client.call(**CALL, estimate={"cost_micros": 10}) as call:
                    call.used(tokens={"input": 1000})
                with lease.call(estimate_micros=2000) as leased:
                    leased.used(tokens={"input": 1000})

        running = [Thread(target=run) for _ in range(threads)]
        for thread in running:
            thread.start()
        draw = random.Random(3)  # noqa: S311
        while any(thread.is_alive() for thread in running):
            seen, patience = len(made), time.monotonic() + 5
            while len(made) < seen + 3 and time.monotonic() < patience:
                time.sleep(draw.uniform(0.001, 0.02))
            if draw.random() < 0.5:
                serving.kill_one()
            else:
                with psycopg.connect(database.owner_url, autocommit=True) as owner:
                    owner.execute(END_SESSIONS)
    assert counts(database) == (2 * number * threads,) * 2
    assert (spent(database), held(database)) == (2 * number * threads * 2000, {})


def test_a_queue_survives_the_kill_of_its_processes(
    gateway: Client, database: Database, tmp_path: Path
) -> None:
    """Two processes share it. What each has kept is in the ledger in the end, once."""
    path, kept, turns = tmp_path / "queue", 0, by_depth(1, 2, 10)
    with served(losing(0.3, 5)) as url:
        for turn in range(turns):
            with gateways(gateway.token, 2, "queue", url, path, turn) as two:
                for _ in range(8):
                    assert two.line()
                two.kill()
                # They may have printed more before they were killed.
                kept += 3 * (8 + len(two.rest()))
        with closing(SpillQueue(path)) as queue:
            with Allowance(
                url, gateway.token, on_unavailable="deny", spill=queue, timeout_seconds=60
            ) as client:
                client.record([record(0)])
            assert (queue.pending(), queue.dead()) == (0, [])
    found, distinct = counts(database)
    assert found == distinct
    # A process may be killed between keeping its three records and printing that.
    assert kept < found <= kept + 1 + 3 * 2 * turns
    assert spent(database) == (found - 1) * 2000 + 2


@KINDS
def test_a_queue_keeps_usage_while_the_service_is_away(
    kind: Any, gateway: Client, database: Database, tmp_path: Path
) -> None:
    is_down = False

    def down(_: str) -> None:
        if is_down:
            raise OSError

    with served(down) as url, closing(SpillQueue(tmp_path / "queue")) as queue:
        options = {"on_unavailable": "allow", "spill": queue, "timeout_seconds": 0.3}
        with kind(url, gateway.token, **options) as client:
            with client.call(**CALL, estimate={"cost_micros": 10}) as call:
                call.used(tokens={"input": 1000})
            is_down = True
            (result,) = client.record([record(1)])
            assert (result.status, result.is_kept) == ("queued", True)
            with client.call(**CALL, estimate={"cost_micros": 10}) as call:
                call.used(tokens={"input": 1000})
        assert queue.pending() >= 2
        is_down = False
        with kind(url, gateway.token, **options | {"timeout_seconds": 30}) as client:
            results = client.record([record(2), record(3, tokens={"input": -1})])
            assert [each.status for each in results] == ["recorded", "rejected"]
        assert queue.pending() == 0
        (dead,) = queue.dead()
        assert (dead.record["id"], dead.reasons[0].field) == ("3", "tokens.input")
    assert counts(database) == (4, 4)
    assert (spent(database), held(database)) == (2 * 2000 + 2 * 2, {})


def test_one_record_does_not_stop_the_queue(
    url: str, gateway: Client, database: Database, tmp_path: Path
) -> None:
    """A record that spoils its whole request is found, and kept apart."""
    with (
        closing(SpillQueue(tmp_path / "queue")) as queue,
        Allowance(
            url, gateway.token, on_unavailable="deny", spill=queue, timeout_seconds=30
        ) as client,
    ):
        too_long = record(2, labels={"a": "x" * 1_100_000})
        results = client.record([record(1), too_long, record(3)])
        assert [each.status for each in results] == ["recorded", "rejected", "recorded"]
        assert [each.record["id"] for each in queue.dead()] == ["2"]
    assert counts(database) == (2, 2)


def test_a_client_that_may_not_record_keeps_its_queue(
    url: str, maya: Client, database: Database, tmp_path: Path
) -> None:
    with closing(SpillQueue(tmp_path / "queue")) as queue:
        with (
            Allowance(
                url, maya.token, on_unavailable="deny", spill=queue, timeout_seconds=5
            ) as client,
            pytest.raises(ApiError),
        ):
            client.record([record(1)])
        assert queue.pending() == 1


def test_usage_that_is_lost_is_not_lost_in_silence(gateway: Client) -> None:
    """A lease without a queue on the disk, when the service does not come back."""
    is_down = False

    def down(_: str) -> None:
        if is_down:
            raise OSError

    with served(down) as url:
        client = Allowance(url, gateway.token, on_unavailable="deny", timeout_seconds=2)
        with client.lease(**CALL, micros=100).call(estimate_micros=1) as call:
            call.used(tokens={"input": 1})
        is_down = True
        with pytest.raises(UsageLost) as raised:
            client.close()
        assert isinstance(raised.value.__cause__, Unavailable)
        assert [each["tokens"] for each in raised.value.records] == [{"input": 1}]
