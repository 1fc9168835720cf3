"""ExportSpend's progress: runs that end, fail, have no time, or run at the same time."""

import itertools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from allowance.budgets.effective import Period, period_containing
from allowance.exports.job import EARLIEST
from tests.exports import export, file, key, source_of, table, writes
from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.usage import in_month_before, month_before, name_of, results

PAST = "UPDATE ai_spend_exports SET leased_until = '-infinity'"


def test_a_run_that_ends_before_its_mark_leads_to_another_write(
    s3: Any, exported: Client, acme: Acme, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    results(exported, in_month_before(14, 2))

    def ended(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("allowance.exports.files.ExportSource.mark", ended)
        with pytest.raises(KeyboardInterrupt):
            export(database)
    written = table(s3, key(acme.organizations["acme"], month=name_of(14)))
    assert sum(row["x_UsageCount"] for row in written.to_pylist()) == 2
    with writes() as found:
        assert export(database)["left"] > 0, "the lease of the run that ended"
    assert file(acme, "acme", 14) not in found
    database.run(PAST)
    with writes() as found:
        assert export(database)["left"] == 0
    assert file(acme, "acme", 14) in found


def test_a_run_without_time_stops_and_the_next_begins_with_what_is_left(
    exported: Client,
    acme: Acme,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    logged: Callable[[], list[dict[str, Any]]],
) -> None:
    results(exported, *(in_month_before(ago, 40 + ago) for ago in range(2, 8)))
    with monkeypatch.context() as patch, writes() as first:
        clock = itertools.count()
        patch.setattr("allowance.exports.job.time", SimpleNamespace(monotonic=lambda: next(clock)))
        patch.setattr("allowance.exports.job.WRITING_SECONDS", 6)
        outcome = export(database)
    assert 0 < len(first) < 6
    assert (outcome["objects"], outcome["left"]) == (len(first), 8 - len(first))
    (line,) = (each for each in logged() if each["message"] == "exports left")
    assert line["files"] == outcome["left"]
    with writes() as second:
        assert export(database)["left"] == 0
    old = {file(acme, "acme", ago) for ago in range(2, 8)}
    assert set(first) | set(second) > old
    assert not set(first) & set(second) & old
    assert len(set(first) & {file(acme, each, 0) for each in ("acme", "globex")}) < len(first), (
        "neither kind waits for the other"
    )


def test_a_failing_file_goes_behind_the_others(
    s3: Any, exported: Client, acme: Acme, database: Database
) -> None:
    results(exported, *(in_month_before(ago, 40 + ago) for ago in (2, 3)))
    database.run(
        "UPDATE ai_spend_exports SET attempted_at = now() WHERE month = %s", month_before(3)
    )
    with writes() as found:
        export(database)
    assert found.index(file(acme, "acme", 2)) < found.index(file(acme, "acme", 3))


def test_two_runs_at_once_write_no_file_twice(
    exported: Client, acme: Acme, database: Database
) -> None:
    results(exported, *(in_month_before(ago, 40 + ago) for ago in range(2, 30)))
    theirs: list[str] = []

    def claim_some(_: str) -> None:
        if not theirs:
            with source_of(database) as source:
                started = source.start(None)
                older = Period(EARLIEST, period_containing(started).start)
                theirs.extend(
                    f"organization={each.organization_id}/billing_period={each.month:%Y-%m}"
                    for each in source.claim(started, older)
                )

    with writes(before_each=claim_some) as found:
        outcome = export(database)
    assert theirs
    assert not set(theirs) & set(found)
    assert len(found) == len(set(found))
    assert outcome["left"] == len(theirs)
