"""ExportSpend writes a file again when its month changed, however old, and no other file."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from allowance.budgets.effective import period_containing
from tests.exports import export, file, key, source_of, table, writes
from tests.gateway import Client
from tests.ledger import connection_of, record_in
from tests.people import Acme
from tests.postgres import Database
from tests.usage import custom, in_month_before, month_before, name_of, record, rerate, results

STATE = (
    "SELECT month, changes::int, exported_changes::int FROM ai_spend_exports"
    " ORDER BY month, organization_id"
)


def usages(s3: Any, acme: Acme, months: int) -> int:
    exported = table(s3, key(acme.organizations["acme"], month=name_of(months)))
    return sum(row["x_UsageCount"] for row in exported.to_pylist())


def record_late(database: Database, *records: dict[str, Any]) -> None:
    connection = connection_of(database)
    (*answers,) = record_in(connection, records, datetime.now(UTC))
    connection.close()
    assert {each.status for each in answers} == {"recorded"}


def test_a_second_run_writes_the_current_month_alone(
    exported: Client, acme: Acme, database: Database
) -> None:
    with writes() as found:
        assert export(database)["objects"] == 2
    assert set(found) == {file(acme, each, 0) for each in ("acme", "globex")}


def test_late_usage_has_its_month_written_again_however_old(
    s3: Any, exported: Client, acme: Acme, database: Database
) -> None:
    results(exported, in_month_before(14, 2), in_month_before(30, 3, user="gus"))
    with writes() as found:
        export(database)
    assert set(found) == {
        file(acme, "acme", 14),
        file(acme, "globex", 30),
        *(file(acme, each, 0) for each in ("acme", "globex")),
    }
    assert usages(s3, acme, 14) == 2
    with writes() as found:
        export(database)
    assert len(found) == 2, "and once only"


def test_a_correction_has_its_month_written_again(
    s3: Any, exported: Client, acme: Acme, database: Database
) -> None:
    custom(
        acme,
        input_price=4_000_000,
        output_price=10_000_000,
        effective_from=f"{month_before(15)}T00:00:00Z",
    )
    assert rerate()["corrected"] == 6
    with writes() as found:
        export(database)
    assert sorted(found) == sorted(
        file(acme, each, ago) for each in ("acme", "globex") for ago in (0, 1, 14)
    )
    rows = table(s3, key(acme.organizations["acme"], month=name_of(14))).to_pylist()
    # The corrected price is the price of its tokens.
    assert [(row["BilledCost"], row["ListUnitPrice"]) for row in rows] == [
        (Decimal("0.004"), Decimal(4)),
        (Decimal("0.001"), Decimal(10)),
    ]


def test_usage_of_the_current_month_counts_no_change(
    gateway: Client, acme: Acme, database: Database
) -> None:
    results(gateway, in_month_before(0), record(9, occurred_at=datetime.now(UTC).isoformat()))
    assert database.rows(STATE) == []
    results(gateway, *(in_month_before(1, 10 + n, model=f"m{n}") for n in range(3)))
    assert database.rows(STATE) == [(month_before(1), 1, None)], "one change for a batch"


def test_a_change_while_the_file_is_written_is_in_the_next_file(
    s3: Any, exported: Client, acme: Acme, database: Database
) -> None:
    results(exported, in_month_before(14, 2))

    def record_one_more(written: str) -> None:
        if written == file(acme, "acme", 14):
            record_late(database, in_month_before(14, 3))

    with writes(before_each=record_one_more):
        export(database)
    assert usages(s3, acme, 14) == 2
    with writes() as found:
        export(database)
    assert file(acme, "acme", 14) in found
    assert usages(s3, acme, 14) == 3


def test_a_batch_that_commits_after_the_claim_has_its_month_written_again(
    s3: Any, exported: Client, acme: Acme, database: Database
) -> None:
    results(exported, in_month_before(14, 2))
    connection = connection_of(database)
    with connection.transaction():
        # As long as the writer holds the row, the run does not wait for it.
        record_in(connection, [in_month_before(14, 3)], datetime.now(UTC))
        assert export(database)["left"] == 1
    connection.close()
    assert export(database)["left"] == 0
    assert usages(s3, acme, 14) == 3


@pytest.mark.parametrize(("minutes", "final"), [(-1, False), (59, False), (61, True)])
def test_a_file_is_final_only_an_hour_after_its_month(
    exported: Client, acme: Acme, database: Database, minutes: int, final: bool
) -> None:
    """Before that a statement that began in the month may still add to it, and counts no change."""
    results(exported, in_month_before(1, 50))
    month = period_containing(datetime.now(UTC) - timedelta(days=datetime.now(UTC).day))
    with source_of(database) as source:
        (claimed,) = source.claim(datetime.now(UTC) + timedelta(hours=1), month)
        database.run(
            "UPDATE ai_spend_exports SET attempted_at = %s WHERE month = %s",
            month.end + timedelta(minutes=minutes),
            month.start.date(),
        )
        source.mark(claimed)
    ((_, changes, exported_changes),) = (
        row for row in database.rows(STATE) if row[:2] == (month.start.date(), 2)
    )
    assert exported_changes == (changes if final else None)


def test_months_without_any_run_are_written_by_the_next_one(
    s3: Any, gateway: Client, acme: Acme, database: Database
) -> None:
    results(gateway, *(in_month_before(ago, ago) for ago in range(6)))
    # What is left after an outage of three months: usage came in time, so nothing is late.
    database.run("DELETE FROM ai_spend_exports")
    database.run(
        "INSERT INTO ai_spend_exports (organization_id, month, exported_changes, attempted_at)"
        " VALUES (%s, %s, 0, now() - interval '3 months')",
        acme.organizations["acme"],
        month_before(4),
    )
    with writes() as found:
        export(database)
    assert sorted(found) == sorted(file(acme, "acme", ago) for ago in (0, 1, 2, 3, 5))
