"""What must always be true of the ledger of usage, and a connection to write to it as a Lambda of its own would."""

from allowance.database import Database as Connection
from allowance.settings import DatabaseSource
from tests.postgres import Database

SUMS = ", ".join(
    f"sum({column})::numeric"
    for column in (
        "cost_micros", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens",
        "usage_count", "unpriced_usage_count",
    )
)  # fmt: skip


def connection_of(database: Database) -> Connection:
    """The application's, and nobody else's."""
    return Connection(DatabaseSource(database.app_url), "test")


def assert_sums_agree(database: Database) -> None:
    """Days and hours say what the ledger says, and each key has one entry."""
    of_ledger, of_days, of_hours = (
        database.rows(query)
        for query in (
            f"SELECT user_id, group_id, (occurred_at AT TIME ZONE 'UTC')::date AS day, coalesce({SUMS.replace(', ', ', 0), coalesce(')}, 0)"
            " FROM ai_usage GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
            f"SELECT user_id, group_id, day, {SUMS} FROM ai_spend_daily GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
            f"SELECT {SUMS} FROM ai_usage_hourly",
        )
    )
    assert of_ledger == of_days
    totals = tuple(sum(row[place] for row in of_days) for place in range(3, 11)) if of_days else (None,) * 8
    assert of_hours == [totals]
    assert database.rows(
        "SELECT count(*) FROM ai_usage_keys k FULL JOIN ai_usage u ON u.id = k.usage_id WHERE u.id IS NULL OR k.usage_id IS NULL"
    ) == [(0,)]
