"""Labels of usage: kept with the entry, counted by label set, and at most 1,000 sets a day."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from tests.gateway import Client
from tests.ledger import assert_sums_agree, connection_of, record_in
from tests.people import Acme
from tests.postgres import Database
from tests.sessions import at_once, wait_for_waiters
from tests.usage import custom, record, rerate, rerated, results

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SETS = 1000
LABELS = {"project": "search", "env": "prod"}
NAMED = LABELS | {"allowance/provider_name": "azure-eu"}
"""Usage also counts by the gateway's own name of its provider."""
BY_LABELS = (
    "SELECT l.labels, sum(s.usage_count)::int, sum(s.unpriced_usage_count)::int,"
    " sum(s.cost_micros)::int FROM {} AS s LEFT JOIN ai_label_sets AS l ON l.id = s.label_set_id"
    ' GROUP BY l.labels ORDER BY l.labels::text COLLATE "C" NULLS LAST'
)
SUMS = ("ai_spend_daily", "ai_usage_quarter_hourly")
OTHERS = "SELECT count(*) FROM ai_usage WHERE label_set_id = ai_other_label_set()"
OF_DAYS = "SELECT day::text, count(*) FROM ai_label_sets_of_day GROUP BY day ORDER BY day"


def sums(database: Database) -> list[tuple[Any, ...]]:
    """The sums by labels; `other` has None. Both tables have the same."""
    daily, quarter_hourly = (database.rows(BY_LABELS.format(each)) for each in SUMS)
    assert daily == quarter_hourly
    return daily


def price_new(acme: Acme) -> None:
    custom(
        acme,
        model="new",
        input_price=5_000_000,
        output_price=10_000_000,
        effective_from="2020-01-01T00:00:00Z",
    )


def labelled(number: int, **changes: Any) -> dict[str, Any]:
    return record(number, labels={"call": str(number)}, **changes)


def test_labels_are_kept_and_counted_by_set(gateway: Client, database: Database) -> None:
    found = results(
        gateway,
        record(1, labels=LABELS, provider_name="azure-eu"),
        record(2, labels=dict(reversed(LABELS.items())), model="m2"),
        record(3, labels={"project": "chat"}),
        record(4, labels={}),
        record(5),
    )
    assert {each["status"] for each in found} == {"recorded"}
    assert sums(database) == [
        (NAMED, 1, 0, 3000),
        (LABELS, 1, 1, 0),
        ({"project": "chat"}, 1, 0, 3000),
        ({}, 2, 0, 6000),
    ]
    assert database.rows(
        "SELECT source_id, labels, provider_name, label_set_id = ai_label_set_id(labels)"
        " FROM ai_usage ORDER BY source_id"
    ) == [
        ("call-1", NAMED, "azure-eu", True),
        ("call-2", LABELS, None, True),
        ("call-3", {"project": "chat"}, None, True),
        ("call-4", None, None, None),
        ("call-5", None, None, None),
    ]
    assert_sums_agree(database)


def test_a_retry_with_other_labels_is_a_conflict(gateway: Client, database: Database) -> None:
    results(gateway, record(1, labels=LABELS))
    statuses = [
        results(gateway, record(1, **more))[0]["status"]
        for more in ({"labels": LABELS}, {"labels": {"project": "chat"}}, {})
    ]
    assert statuses == ["duplicate", "conflict", "conflict"]
    assert sums(database) == [(LABELS, 1, 0, 3000)]


def test_a_correction_counts_under_the_labels_of_its_usage(
    gateway: Client, acme: Acme, database: Database
) -> None:
    results(gateway, record(1, model="new", labels=LABELS, provider_name="azure-eu"))
    price_new(acme)
    assert rerate() == rerated(examined=1, corrected=1, difference_micros=6000)
    assert sums(database) == [(NAMED, 1, 0, 6000)]
    assert database.rows("SELECT labels, provider_name FROM ai_usage") == [(NAMED, "azure-eu")] * 2
    assert_sums_agree(database)


def test_after_1000_sets_of_a_day_the_rest_counts_as_other(
    gateway: Client, acme: Acme, database: Database
) -> None:
    first = [labelled(number) for number in range(SETS - 1)]
    assert {each["status"] for each in results(gateway, *first)} == {"recorded"}
    last, late, next_day = labelled(SETS - 1), labelled(SETS, model="new"), labelled(SETS + 1)
    next_day["occurred_at"] = "2026-11-21T00:00:00Z"
    results(gateway, last, late, next_day)
    # A known set keeps its own sum, and usage without labels needs none.
    results(gateway, labelled(5) | {"id": "again"}, record(9999), late | {"id": "later"})
    assert database.rows(OTHERS) == [(2,)]
    assert database.rows(OF_DAYS) == [("2026-11-20", SETS), ("2026-11-21", 1)]
    found = {str(labels): counts for labels, *counts in sums(database)}
    assert len(found) == SETS + 3
    assert found["None"] == [2, 2, 0]
    assert found["{'call': '5'}"] == [2, 0, 6000]
    # Another organization has sets of its own.
    results(gateway, labelled(SETS + 2, user="gus"))
    assert database.rows(OTHERS) == [(2,)]
    price_new(acme)
    assert rerate()["corrected"] == 2
    assert {str(labels): counts for labels, *counts in sums(database)}["None"] == [2, 0, 12000]
    assert_sums_agree(database)


def test_writers_at_once_fill_a_day_with_exactly_1000_sets(database: Database) -> None:
    """Batches with new sets wait for each other, and plain ones for nobody."""

    def worker(first: int) -> int:
        with closing(connection_of(database)) as connection:
            for start in range(first, first + 600, 200):
                batch = [labelled(number) for number in range(start, start + 200)]
                record_in(connection, batch, NOW)
        return 600

    assert at_once(lambda: worker(0), lambda: worker(600), lambda: worker(300)) == [600] * 3
    assert database.rows(OF_DAYS) == [("2026-11-20", SETS)]
    assert database.rows(OTHERS) == [(200,)]
    assert_sums_agree(database)


def test_a_new_set_waits_for_the_one_that_may_be_the_last(database: Database, acme: Acme) -> None:
    acme_id = acme.organizations["acme"]
    database.run(
        "INSERT INTO ai_label_sets_of_day SELECT %s, '2026-11-20', gen_random_uuid()"
        " FROM generate_series(1, 999)",
        acme_id,
    )
    with database.connect() as first, ThreadPoolExecutor(1) as pool:
        first.execute("BEGIN")
        first.execute(
            "SELECT ai_label_sets_in_sums('[{\"call\": \"first\"}]', '{1}', ARRAY[%s::uuid], '{1}',"
            " '{2026-11-20T10:00:00Z}')",
            (acme_id,),
        )
        with closing(connection_of(database)) as connection:
            second = pool.submit(record_in, connection, [labelled(1)], NOW)
            wait_for_waiters(database)
            # Usage without labels waits for nobody.
            with closing(connection_of(database)) as other:
                assert record_in(other, [record(2)], NOW)[0].status == "recorded"
            first.execute("COMMIT")
            assert second.result()[0].status == "recorded"
    assert database.rows(OTHERS) == [(1,)]
    assert database.rows(OF_DAYS) == [("2026-11-20", SETS)]
