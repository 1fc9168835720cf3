"""RerateUsage makes progress: in slices, model by model, whatever fails or stops it."""

import itertools
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from allowance.errors import RerateFailed
from tests.depth import by_depth
from tests.gateway import Client
from tests.ledger import assert_sums_agree, record_in
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, seed
from tests.rerating import SteppingClock, Watched, rerate_on
from tests.sessions import beside
from tests.usage import custom, record, rerate, rerated, results

SINCE_EVER = "2020-01-01T00:00:00Z"
CORRECTED = "SELECT model, count(*) FROM ai_usage WHERE reason = 'rerate' GROUP BY 1 ORDER BY 1"
REFUSE = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF new.reason = 'rerate' AND new.model = 'bad' THEN
        RAISE EXCEPTION 'refused' USING errcode = '{state}';
    END IF;
    RETURN new;
END
$$;
CREATE TRIGGER refuse BEFORE INSERT ON ai_usage FOR EACH ROW EXECUTE FUNCTION refuse();
"""


def use(client: Client, model: str, times: int, **changes: Any) -> None:
    """Record usage of a model, spread over hours and over two organizations."""
    batch = [
        record(
            n,
            model=model,
            user="maya" if n % 2 else "gus",
            occurred_at=f"2026-11-{10 + n % 3}T{n % 5:02}:00:00Z",
            **{"source": model, "tokens": {"input": 1000}} | changes,
        )
        for n in range(times)
    ]
    assert {each["status"] for each in results(client, *batch)} == {"recorded"}


@pytest.mark.parametrize("state", ["57014", "22003"], ids=["statement timeout", "out of range"])
def test_a_failing_model_holds_back_no_other_and_fails_the_run(
    gateway: Client, database: Database, logged: Callable[[], list[dict[str, Any]]], state: str
) -> None:
    models = ("a", "bad", "c")
    for model in models:
        use(gateway, model, 2)
    seed(*(price(model, input_price=5_000_000) for model in models))
    database.run(REFUSE.format(state=state))
    with pytest.raises(RerateFailed, match="1 models"):
        rerate()
    assert database.rows(CORRECTED) == [("a", 2), ("c", 2)]
    lines = [each for each in logged() if each["message"] == "model not rated"]
    assert [(each["provider"], each["model"]) for each in lines] == [("p", "bad")]
    (line,) = (each for each in logged() if each["message"] == "usage rerated")
    assert (line["failures"], line["corrected"], line["unfinished"]) == (1, 4, 1)
    with pytest.raises(RerateFailed):
        rerate()
    database.run("DROP TRIGGER refuse ON ai_usage")
    assert rerate() == rerated(2, 2, 10_000)
    assert_sums_agree(database)


def test_a_cost_out_of_range_fails_the_run_and_no_other_usage(
    gateway: Client,
    acme: Acme,
    database: Database,
    logged: Callable[[], list[dict[str, Any]]],
) -> None:
    use(gateway, "a", 3)
    use(gateway, "z", 1, tokens={"input": 10**12})
    use(gateway, "z", 2, source="other")
    custom(acme, model="a", input_price=1_000_000)
    custom(acme, model="z", input_price=10**12)
    with pytest.raises(RerateFailed, match="1 models"):
        rerate()
    assert database.rows(CORRECTED) == [("a", 3), ("z", 2)]
    (line,) = (each for each in logged() if each["message"] == "cost out of range")
    assert (line["model"], line["usages"]) == ("z", 1)
    custom(acme, model="z", input_price=1_000_000, effective_from=SINCE_EVER)
    assert rerate()["corrected"] == 3
    assert rerate() == rerated()
    assert_sums_agree(database)


def test_a_run_stops_in_time_and_the_next_goes_on_where_it_stopped(
    gateway: Client, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(gateway, "new", 50)
    seed(price("new", input_price=5_000_000))
    monkeypatch.setattr("allowance.usage.passes.PAGE", 6)
    monkeypatch.setattr("allowance.usage.rerating.RUN_SECONDS", 60)
    runs: list[dict[str, Any]] = []
    while not runs or runs[-1]["unfinished"]:
        monkeypatch.setattr("allowance.usage.rerating.time", SteppingClock(6))
        runs.append(rerate())
    assert len(runs) > 2
    assert all(each["examined"] for each in runs)
    assert sum(each["examined"] for each in runs) == sum(each["corrected"] for each in runs) == 50
    assert rerate() == rerated()
    assert_sums_agree(database)


def test_after_a_stop_the_next_run_begins_with_another_model(
    gateway: Client, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for model in ("a", "b", "c"):
        use(gateway, model, 20)
    seed(*(price(model, input_price=5_000_000) for model in ("a", "b", "c")))
    monkeypatch.setattr("allowance.usage.passes.PAGE", 5)
    monkeypatch.setattr("allowance.usage.rerating.RUN_SECONDS", 30)
    # There is time for the first page of one model.
    for _ in range(3):
        monkeypatch.setattr("allowance.usage.rerating.time", SteppingClock(7))
        assert rerate()["unfinished"] == 3
    assert [model for model, _ in database.rows(CORRECTED)] == ["a", "b", "c"]


@pytest.mark.parametrize("changed_meanwhile", [False, True], ids=["one price", "two prices"])
def test_a_run_that_ends_at_any_statement_loses_and_doubles_nothing(
    gateway: Client,
    acme: Acme,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    changed_meanwhile: bool,
) -> None:
    use(gateway, "a", 12)
    use(gateway, "b", 5)
    seed(price("a", input_price=5_000_000), price("b", input_price=5_000_000))
    monkeypatch.setattr("allowance.usage.passes.PAGE", 4)
    left = 0

    def end(_: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise SystemExit

    for number in range(1, 100):
        left = number
        with closing(Watched(database, end)) as connection:
            try:
                rerate_on(connection)
            except SystemExit:
                if changed_meanwhile and number == 12:
                    custom(
                        acme,
                        model="a",
                        input_price=7_000_000,
                        effective_from=SINCE_EVER,
                    )
            else:
                break
    else:
        pytest.fail("no run came to its end")
    micros = 12 * (7000 if changed_meanwhile else 5000) + 5 * 5000
    assert database.rows("SELECT sum(cost_micros)::int FROM ai_usage") == [(micros,)]
    assert rerate() == rerated()
    assert_sums_agree(database)


def test_frequent_price_changes_do_not_hold_a_pass_back(
    gateway: Client, acme: Acme, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(gateway, "new", 30)
    monkeypatch.setattr("allowance.usage.passes.PAGE", 8)
    monkeypatch.setattr("allowance.usage.rerating.RUN_SECONDS", 30)
    for micros in range(1, 8):
        custom(acme, model="new", input_price=micros * 1_000_000, effective_from=SINCE_EVER)
        monkeypatch.setattr("allowance.usage.rerating.time", SteppingClock(7))
        assert rerate()["unfinished"] == 1
    unpriced = "SELECT sum(unpriced_usage_count)::int FROM ai_usage_quarter_hourly"
    assert database.rows(unpriced) == [(0,)]
    monkeypatch.undo()
    rerate()
    assert database.rows("SELECT sum(cost_micros)::int FROM ai_usage") == [(30 * 7000,)]
    assert_sums_agree(database)


def test_two_runs_beside_writers_and_price_changes_end_at_the_last_price(
    gateway: Client, acme: Acme, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("allowance.usage.passes.PAGE", 20)

    def repeat(work: Callable[[Watched, int], object], stop: threading.Event) -> None:
        with closing(Watched(database, lambda _: None)) as connection:
            for number in itertools.count():
                if stop.is_set():
                    break
                work(connection, number)

    def write(connection: Watched, number: int) -> None:
        source = f"{threading.get_ident()} {number}"
        batch = [
            record(n, source=source, model=f"m{n % 3}", tokens={"input": 1000}) for n in range(20)
        ]
        record_in(connection, batch, datetime.now(UTC))
        time.sleep(0.05)

    def rate(connection: Watched, _: int) -> None:
        rerate_on(connection)

    last_micros = by_depth(5, 20, 100)
    with beside(*(partial(repeat, each) for each in (write, write, rate, rate))):
        for micros in range(1, last_micros + 1):
            for model in ("m0", "m1", "m2"):
                price_of_all = {"input_price": micros * 1_000_000, "effective_from": SINCE_EVER}
                custom(acme, model=model, **price_of_all)
            time.sleep(0.1)
    monkeypatch.undo()
    rerate()
    monkeypatch.setattr("allowance.usage.changes.SETTLING", timedelta(0))
    rerate()
    ((usages, spent),) = database.rows(
        "SELECT count(*) FILTER (WHERE reason = 'usage'), sum(cost_micros)::int FROM ai_usage"
    )
    assert spent == usages * last_micros * 1000 > 100
    assert_sums_agree(database)
