"""A month that is dropped between two round trips, of a writer or of a job."""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from allowance.access.gate import Gate
from allowance.access.store import Origin
from allowance.database.database import Database as Connection
from allowance.database.settings import DatabaseSource
from allowance.errors import DatabaseUnavailable
from allowance.rbac.system import USAGE_EXPIRER, USAGE_RERATER, Login
from allowance.usage.rerating import UsageRerater
from allowance.usage.retention import UsageExpirer
from tests.gateway import Client
from tests.ledger import assert_sums_agree, connection_of, record_in, remember_entries
from tests.postgres import Database
from tests.price_books import price, seed
from tests.usage import (
    expire,
    in_month_before,
    month_before,
    months,
    name_of,
    results,
)


@pytest.fixture(autouse=True)
def remembered(database: Database) -> None:
    remember_entries(database)


class Interrupted(Connection):
    """The real database. It calls `drop` before every round trip."""

    drop: Callable[[], object]

    def _attempt(self, work: Callable[[Any], Any]) -> Any:
        self.drop()
        return super()._attempt(work)


def test_a_run_drops_each_month_once_while_late_records_recreate_it(
    gateway: Client, database: Database
) -> None:
    results(gateway, *(in_month_before(each, each) for each in (0, 2, 3)))
    writer = connection_of(database)
    connection = Interrupted(DatabaseSource(database.url_of(Login.JOBS)), "test")
    trips = itertools.count(1)

    def record_late() -> None:
        number = next(trips)
        assert number < 9, "the run goes on as long as late records arrive"
        late = [in_month_before(ago, 10 * number + ago) for ago in (2, 3)]
        assert {each.status for each in record_in(writer, late, datetime.now(UTC))} == {"recorded"}

    connection.drop = record_late
    gate = Gate(USAGE_EXPIRER.subject, connection)
    expired = UsageExpirer(gate, Origin(None, "test", "test")).expire(1)
    assert (expired.dropped, expired.postponed) == ([name_of(3), name_of(2)], [])
    connection.close()
    writer.close()
    assert name_of(3) in {f"{each:%Y-%m}" for each in months(database)}
    assert expire(database, 1)["dropped"] == [name_of(3), name_of(2)]
    assert_sums_agree(database)


def test_a_month_dropped_within_a_batch_is_recreated_without_a_503(
    gateway: Client, database: Database
) -> None:
    results(gateway, in_month_before(3))
    connection = Interrupted(DatabaseSource(database.url_of(Login.JOBS)), "test")
    trips = itertools.count(1)

    def drop_before_the_write() -> None:
        if next(trips) == 2:
            database.run("SELECT drop_oldest_ai_usage_month(1, '{}')")
            assert months(database) == []

    connection.drop = drop_before_the_write
    (answer,) = record_in(connection, [in_month_before(3, 2)], datetime.now(UTC))
    connection.close()
    assert answer.status == "recorded"
    assert months(database) == [month_before(3)]
    assert_sums_agree(database)


def test_a_month_dropped_before_every_trip_is_a_503_and_a_retry_succeeds(
    gateway: Client, database: Database
) -> None:
    results(gateway, in_month_before(3))
    connection = Interrupted(DatabaseSource(database.url_of(Login.JOBS)), "test")
    connection.drop = lambda: database.run("SELECT drop_oldest_ai_usage_month(1, '{}')")
    with pytest.raises(DatabaseUnavailable):
        record_in(connection, [in_month_before(3, 2)], datetime.now(UTC))
    connection.drop = lambda: None
    (answer,) = record_in(connection, [in_month_before(3, 2)], datetime.now(UTC))
    connection.close()
    assert answer.status == "recorded"
    assert_sums_agree(database)


def test_models_of_dropped_months_cost_a_rerating_one_query(
    gateway: Client, database: Database
) -> None:

    def trips() -> int:
        """The round trips of a run that takes every price for a new one."""
        database.run("UPDATE ai_usage_rating SET seen_version_id = 0, settled_version_id = 0")
        connection = Interrupted(DatabaseSource(database.url_of(Login.JOBS)), "test")
        counted: list[None] = []
        connection.drop = lambda: counted.append(None)
        UsageRerater(Gate(USAGE_RERATER.subject, connection), Origin(None, "test", "test")).rerate()
        connection.close()
        return len(counted)

    seed(*(price(f"m{n}", input_price=1) for n in range(5)))
    trips()  # It also takes the current code for new, once.
    nothing_used = trips()
    results(gateway, *(in_month_before(3, n, model=f"m{n}") for n in range(5)))
    assert trips() > nothing_used + 5
    expire(database, 1)
    # One statement asks which of the models still have usage in the ledger.
    assert trips() == nothing_used + 1
