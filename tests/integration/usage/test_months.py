"""The monthly partitions of the ledger: created when needed, dropped when old, never rewritten."""

import psycopg
import pytest

from tests.postgres import Database
from tests.usage import MONTHS

ENTRY = (
    "INSERT INTO ai_usage (id, reason, source, source_id, user_id, group_id, organization_id,"
    " provider, model, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,"
    " cache_write_1h_tokens, cost_micros, priced, usage_count, unpriced_usage_count, occurred_at)"
    " VALUES (1, 'usage', 's', 'a', gen_random_uuid(), gen_random_uuid(), gen_random_uuid(),"
    " 'p', 'm', 1, 0, 0, 0, 0, 1, true, 1, 0, %s)"
)


def test_a_month_is_created_when_needed_and_exact_to_the_microsecond(
    empty_database: Database,
) -> None:
    with empty_database.connect() as owner:
        for moment in (
            "2026-03-31T23:59:59.999999Z",
            "2026-04-01T00:00:00+00:00",
            "2026-04-01T00:30:00+01:00",
        ):
            owner.execute("SELECT ensure_ai_usage_month(%s)", (moment,))
            owner.execute(ENTRY.encode(), (moment,))
    assert empty_database.rows(MONTHS) == [("ai_usage_2026_03",), ("ai_usage_2026_04",)]
    assert empty_database.rows("SELECT count(*) FROM ai_usage_2026_03") == [(2,)]


@pytest.mark.parametrize("moment", ["2019-12-31T23:59:59Z", "2999-01-01T00:00:00Z", "infinity"])
def test_no_month_is_created_for_an_impossible_timestamp(
    empty_database: Database, moment: str
) -> None:
    with (
        psycopg.connect(empty_database.app_url) as app,
        pytest.raises(psycopg.errors.RaiseException),
    ):
        app.execute("SELECT ensure_ai_usage_month(%s)", (moment,))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ai_usage SET cost_micros = 0",
        "DELETE FROM ai_usage",
        "DELETE FROM ai_usage_keys",
        "UPDATE ai_usage_keys SET cost_micros = 0",
        "DELETE FROM ai_spend_daily",
        "SELECT 1 FROM ai_usage_2026_03",
    ],
)
def test_the_application_rewrites_no_entry(empty_database: Database, statement: str) -> None:
    empty_database.run("SELECT ensure_ai_usage_month('2026-03-15T00:00:00Z')")
    with (
        psycopg.connect(empty_database.app_url) as app,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        app.execute(statement.encode())
