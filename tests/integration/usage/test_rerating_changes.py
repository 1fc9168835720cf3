"""What RerateUsage rates again, and when: new prices, usage that is written late, better rules."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from tests.gateway import Client
from tests.ledger import assert_sums_agree, record_in
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, seed
from tests.rerating import (
    IDLE,
    RULES_OF_BEFORE,
    Watched,
    queries_of_a_run,
    rerate_on,
)
from tests.usage import custom, record, rerate, rerated, results

SINCE_EVER = "2020-01-01T00:00:00Z"
SETTLING = "allowance.usage.changes.SETTLING"
COSTS = "SELECT sum(cost_micros)::int FROM ai_usage"
LEDGER_READ = "list_booked_usage"


def settle() -> None:
    """Take prices and rules into account as if an hour had passed since."""
    rerate()
    with pytest.MonkeyPatch.context() as later:
        later.setattr(SETTLING, timedelta(0))
        rerate()


def test_a_run_without_a_change_reads_neither_ledger_nor_sums(
    gateway: Client, acme: Acme, database: Database
) -> None:
    results(gateway, *(record(n, model=f"m{n}") for n in range(5)))
    custom(acme, model="m1", input_price=1, output_price=1)
    assert rerate()["corrected"] == 1
    assert queries_of_a_run(database) == IDLE


def test_a_model_without_a_new_price_costs_no_read_of_the_ledger(
    gateway: Client, acme: Acme, database: Database
) -> None:
    results(gateway, *(record(n, model="never") for n in range(5)), record(9, model="other"))
    rerate()
    custom(acme, model="unused", input_price=1)
    assert LEDGER_READ not in queries_of_a_run(database)
    # A price for another class of tokens changes nothing, and is tried once.
    custom(acme, model="never", cache_read_price=1)
    assert rerate() == rerated(examined=5)
    assert queries_of_a_run(database) == IDLE
    # Other rules could find a price for a name, but this one has none under any name.
    database.run("DELETE FROM ai_model_price_versions WHERE model = 'never'")
    database.run(RULES_OF_BEFORE)
    assert LEDGER_READ not in queries_of_a_run(database)


def test_a_price_from_a_date_on_reads_only_usage_since_then(
    gateway: Client, acme: Acme, database: Database
) -> None:
    times = ["2026-11-09T23:59:59.999999Z", "2026-11-10T00:00:00Z", "2026-11-20T10:00:00Z"]
    results(gateway, *(record(n, occurred_at=each) for n, each in enumerate(times)))
    rerate()
    custom(acme, input_price=1_000_000, output_price=0, effective_from="2026-11-10T00:00:00Z")
    assert rerate() == rerated(2, 2, 2 * (1000 - 3000))
    custom(acme, input_price=1_000_000, output_price=0, effective_from="2026-11-21T00:00:00Z")
    assert rerate() == rerated()
    assert_sums_agree(database)


@pytest.mark.parametrize("model", ["m", "first-used-in-this-batch"])
def test_usage_written_late_with_the_old_price_is_corrected(
    gateway: Client,
    acme: Acme,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    model: str,
) -> None:
    """The batch reads the old price, or none. A price and a whole run come before its write."""
    results(gateway, *(record(n, model="m") for n in range(3)))
    settle()

    def change(query: str) -> None:
        if query == "record_usage":
            custom(
                acme, model=model, input_price=9_000_000, output_price=0, effective_from=SINCE_EVER
            )
            rerate()

    with closing(Watched(database, change)) as connection:
        late = record(9, model=model, tokens={"input": 1000})
        assert record_in(connection, [late], datetime.now(UTC))[0].status == "recorded"
    assert rerate() == rerated()
    monkeypatch.setattr(SETTLING, timedelta(0))
    # The second pass reads only what was recorded since the price.
    assert rerate() == rerated(1, 1, 9000 - (2000 if model == "m" else 0))
    assert rerate() == rerated()
    assert_sums_agree(database)


@pytest.mark.parametrize("late", [False, True], ids=["before", "during"])
def test_usage_without_a_price_gets_one_by_the_rules_of_a_deployment(
    gateway: Client, database: Database, monkeypatch: pytest.MonkeyPatch, late: bool
) -> None:
    """Recorded before the deployment, or by the old code, which goes on for some minutes."""
    seed(price("new", input_price=5_000_000))
    settle()
    if late:
        database.run(RULES_OF_BEFORE)
        rerate()
    database.run("UPDATE ai_model_price_versions SET model = 'hidden' WHERE model = 'new'")
    results(gateway, record(model="new", tokens={"input": 1000}))
    database.run("UPDATE ai_model_price_versions SET model = 'new' WHERE model = 'hidden'")
    assert rerate() == rerated()
    if late:
        monkeypatch.setattr(SETTLING, timedelta(0))
    else:
        database.run(RULES_OF_BEFORE)
    assert rerate() == rerated(1, 1, 5000)
    assert queries_of_a_run(database) == IDLE


def test_a_name_beyond_ascii_is_rated_again_whatever_its_case(gateway: Client, acme: Acme) -> None:
    results(gateway, record(model="Ätna-Große", tokens={"input": 1000}))
    settle()
    custom(acme, model="Ätna-große", input_price=5_000_000)
    assert rerate() == rerated(1, 1, 5000)


def test_usage_of_no_organization_and_at_the_edges_of_months_is_rated(
    gateway: Client, acme: Acme, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = (
        "2026-08-31T23:59:59.999999Z",
        "2026-09-01T00:00:00Z",
        "2026-10-31T23:59:59.999999Z",
        "2026-11-01T00:00:00Z",
        "2026-11-01T00:00:00Z",
        "2026-11-01T00:59:59.999999Z",
        "2026-11-01T01:00:00Z",
    )
    users = ("maya", "gus", "nora")
    used = [(user, time) for user in users for time in times]
    results(
        gateway,
        *(
            record(n, user=user, model="new", occurred_at=time, tokens={"input": 1000})
            for n, (user, time) in enumerate(used)
        ),
    )
    custom(acme, model="new", input_price=5_000_000)
    for size in (2, 3, 1000):
        monkeypatch.setattr("allowance.usage.passes.PAGE", size)
        monkeypatch.setattr("allowance.usage.passes.QUARTERS", size)
        micros = 1_000_000 * size
        custom(acme, model="new", input_price=micros, effective_from=SINCE_EVER)
        assert rerate()["corrected"] == len(used)
        assert database.rows(COSTS) == [(1000 * size * len(used),)]
    assert_sums_agree(database)


def test_concurrent_runs_share_the_models_and_book_each_correction_once(
    gateway: Client, acme: Acme, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("allowance.usage.passes.PAGE", 7)
    models = [f"m{n}" for n in range(4)]
    for model in models:
        batch = [
            record(n, source=model, model=model, occurred_at=f"2026-11-20T{n % 3:02}:00:00Z")
            for n in range(20)
        ]
        results(gateway, *batch)
        custom(acme, model=model, input_price=1_000_000, output_price=0)

    def run(_: int) -> int:
        with closing(Watched(database, lambda _: None)) as connection:
            return rerate_on(connection).corrected

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(run, range(4))) == 80
    assert rerate()["corrected"] == 0
    assert database.rows(COSTS) == [(80_000,)]
    assert_sums_agree(database)


def test_a_run_with_an_old_price_does_not_undo_the_new_one(
    gateway: Client, acme: Acme, database: Database
) -> None:
    """Another run books a newer price between this run's read of the price and its write."""
    results(gateway, *(record(n, model="new", tokens={"input": 1000}) for n in range(5)))
    custom(acme, model="new", input_price=5_000_000)
    changed = False

    def change(query: str) -> None:
        nonlocal changed
        if query == "record_usage" and not changed:
            changed = True
            custom(acme, model="new", input_price=7_000_000, effective_from=SINCE_EVER)
            rerate()

    queries_of_a_run(database, change)
    assert database.rows(COSTS) == [(5 * 7000,)]
    assert rerate() == rerated()
    assert_sums_agree(database)
