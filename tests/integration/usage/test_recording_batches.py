"""POST /api/v2/ai/usage: the cost of a batch, and batches of concurrent writers."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.conftest import environment
from tests.gateway import Client
from tests.ledger import assert_sums_agree, connection_of, record_in
from tests.people import Acme
from tests.postgres import Database
from tests.usage import record, results
from tests.wire import wire


def test_a_repeated_key_in_a_batch_counts_once(gateway: Client, database: Database) -> None:
    found = results(gateway, record(), record(), record(tokens={"input": 5}), record(2))
    assert [each["status"] for each in found] == ["recorded", "duplicate", "conflict", "recorded"]
    assert database.rows("SELECT usage_count, cost_micros FROM ai_spend_daily") == [(2, 6000)]


@pytest.mark.parametrize("size", [1, 100, 1000])
def test_any_batch_costs_three_round_trips_and_its_retry_two(
    gateway: Client, database: Database, acme: Acme, size: int
) -> None:
    batch = [
        record(n, model=f"m{n % 7}", occurred_at=f"2026-{1 + n % 10:02}-01T00:00:00Z")
        for n in range(size)
    ]
    with wire(database.app_url) as counted, environment(DATABASE_URL=counted.url):
        assert acme.client("olivia").get("/api/v2/users/me").status == 200
        for expected, trips in (("recorded", 3), ("duplicate", 2)):
            counted.reset()
            assert {each["status"] for each in results(acme.client("olivia"), *batch)} == {expected}
            assert counted.trips == trips


def test_the_same_batch_from_concurrent_writers_counts_once(
    gateway: Client, database: Database, at_once: Any
) -> None:
    batch = [record(n, user=("maya", "otto", "adam")[n % 3]) for n in range(60)]
    answers = at_once(8, lambda number: batch[number:] + batch[:number])
    statuses = [each["status"] for answer in answers for each in answer]
    assert (statuses.count("recorded"), statuses.count("duplicate")) == (60, 60 * 7)
    assert database.rows(
        "SELECT sum(usage_count)::int, sum(cost_micros)::int FROM ai_spend_daily"
    ) == [(60, 180_000)]
    assert_sums_agree(database)


@pytest.fixture
def at_once(gateway: Client, database: Database, acme: Acme) -> Any:
    """A function that sends one batch per writer concurrently, each on its own connection."""

    def send_all(writers: int, batch_of: Any) -> list[list[dict[str, Any]]]:
        def one(number: int) -> list[dict[str, Any]]:
            connection = connection_of(database)
            try:
                answers = record_in(connection, batch_of(number), datetime.now(UTC))
            finally:
                connection.close()
            return [asdict(each) for each in answers]

        with ThreadPoolExecutor(writers) as pool:
            return list(pool.map(one, range(writers)))

    return send_all
