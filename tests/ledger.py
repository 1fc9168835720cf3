"""What always holds for the usage ledger, and connections that write to it like a Lambda."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from allowance.access.gate import Gate
from allowance.database.database import Database as Connection
from allowance.database.settings import DatabaseSource
from allowance.rbac.policy import USAGE, Action
from allowance.rbac.system import USAGE_INGESTER, Login
from allowance.usage.models import UsageAnswer
from allowance.usage.recording import record
from allowance.usage.settling import NOBODY
from tests.postgres import Database

STATED = "sum(stated_cost_micros), sum(stated_difference_micros)"
COMPARED = "FILTER (WHERE stated_difference_micros IS NOT NULL)"
UNITS = (
    "(SELECT jsonb_object_agg(n.unit, n.quantity) FROM (SELECT e.key AS unit,"
    " sum(e.value::numeric) AS quantity FROM unnest(array_agg(other_units)) AS u (units),"
    " jsonb_each_text(u.units) AS e GROUP BY e.key HAVING sum(e.value::numeric) <> 0) AS n)"
)
"""The sums by unit, computed in another way than the write path does."""

MODELS = "provider, model, label_set_id"
LABEL_SET = "coalesce(label_set_id, '00000000-0000-0000-0000-000000000000') AS label_set_id"

SUMS = ", ".join(
    f"sum({column})::numeric"
    for column in (
        "cost_micros",
        "input_tokens",
        "output_tokens",
        "cache_read_tokens",
        "cache_write_tokens",
        "cache_write_1h_tokens",
        "usage_count",
        "unpriced_usage_count",
    )
)


def connection_of(database: Database) -> Connection:
    """A new connection of a job. It ends with its database, if no test closes it earlier."""
    connection = Connection(DatabaseSource(database.url_of(Login.JOBS)), "test")
    database.at_end(connection.close)
    return connection


def record_in(
    connection: Connection, records: Sequence[object], now: datetime
) -> list[UsageAnswer]:
    """Record usage on a connection, as IngestUsage does."""
    gate = Gate(USAGE_INGESTER.subject, connection)
    return record(gate.open(Action.CREATE, USAGE), records, now, NOBODY)


def add_spend(
    database: Database, user_id: UUID, group_id: UUID, day: date, micros: int | Decimal
) -> None:
    """Add one usage to the sums of a day, like the write path."""
    database.run(
        "INSERT INTO ai_spend_daily (user_id, group_id, organization_id, provider, model, day,"
        " cost_micros, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,"
        " cache_write_1h_tokens, usage_count, unpriced_usage_count)"
        " SELECT given.user_id, given.group_id,"
        " coalesce(g.organization_id, '00000000-0000-0000-0000-000000000000'),"
        " 'openai', 'm', given.day, given.micros, 0, 0, 0, 0, 0, 1, 0"
        " FROM (SELECT %s::uuid, %s::uuid, %s::date, %s::numeric)"
        " AS given (user_id, group_id, day, micros)"
        " LEFT JOIN groups AS g ON g.id = given.group_id"
        " ON CONFLICT (user_id, day, group_id, organization_id, provider, model, label_set_id)"
        " DO UPDATE SET cost_micros = ai_spend_daily.cost_micros + excluded.cost_micros",
        user_id,
        group_id,
        day,
        micros,
    )
    for table, key in (
        ("ai_user_spend_monthly", "user_id"),
        ("ai_group_spend_monthly", "group_id, user_id"),
    ):
        database.run(
            f"INSERT INTO {table} ({key}, month, cost_micros)"
            f" SELECT {key}, date_trunc('month', %s::date), %s"
            " FROM (SELECT %s::uuid AS user_id, %s::uuid AS group_id) AS given"
            f" ON CONFLICT ({key}, month)"
            f" DO UPDATE SET cost_micros = {table}.cost_micros + excluded.cost_micros",
            day,
            micros,
            user_id,
            group_id,
        )


def remember_entries(database: Database) -> None:
    """Copy every new entry to a table that drops no month, in the transaction that writes it."""
    for statement in (
        "CREATE TABLE ai_usage_ever (LIKE ai_usage INCLUDING DEFAULTS)",
        "CREATE FUNCTION remember_entry() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS"
        " 'BEGIN INSERT INTO public.ai_usage_ever SELECT new.*; RETURN NULL; END'",
        "CREATE TRIGGER remember_entry AFTER INSERT ON ai_usage FOR EACH ROW EXECUTE FUNCTION "
        "remember_entry()",
    ):
        database.run(statement)


def ledger_of(database: Database) -> str:
    """The table of `remember_entries` if it exists, else the ledger."""
    ((ever,),) = database.rows("SELECT to_regclass('ai_usage_ever')")
    return ever or "ai_usage"


def assert_sums_agree(database: Database) -> None:
    """Daily, quarter-hourly and monthly sums equal the ledger, and each key has one entry.

    Entries of dropped months count if `remember_entries` keeps them.
    """
    ledger = ledger_of(database)
    summed = f"coalesce({SUMS.replace(', ', ', 0), coalesce(')}, 0)"
    unread = (
        "coalesce(sum(unpriced_usage_count) FILTER (WHERE usage_format IS NOT NULL), 0)::numeric"
    )
    compared = ", ".join(
        f"coalesce(sum({each}) {COMPARED}, 0)"
        for each in ("usage_count - unpriced_usage_count", "cost_micros")
    )
    for table, moment, rest, from_entries, from_sums in (
        (
            "ai_spend_daily",
            "(occurred_at AT TIME ZONE 'UTC')::date AS day",
            f"user_id, group_id, organization_id, {MODELS}",
            f"{summed}, {STATED}, {UNITS}",
            f"{SUMS}, {STATED}, {UNITS}",
        ),
        (
            "ai_usage_quarter_hourly",
            "date_bin('15 minutes', occurred_at, timestamptz '2020-01-01Z') AS starts_at",
            f"organization_id, group_id, {MODELS}",
            f"{summed}, {STATED}, {UNITS}, {unread}, {compared}",
            f"{SUMS}, {STATED}, {UNITS}, sum(unread_usage_count)::numeric,"
            " sum(compared_usage_count), sum(compared_cost_micros)",
        ),
    ):
        key = f"{moment.rpartition(' ')[2]}, {rest}"
        of_entries = rest.replace("label_set_id", LABEL_SET)
        assert database.rows(
            f"SELECT {moment}, {of_entries}, {from_entries} FROM {ledger}"
            f" GROUP BY {key} ORDER BY {key}"
        ) == database.rows(f"SELECT {key}, {from_sums} FROM {table} GROUP BY {key} ORDER BY {key}")
    # Each set has the labels of its entries, and is one of its day. `other` is left out.
    assert (
        database.rows(
            f"SELECT u.id FROM {ledger} AS u"
            " LEFT JOIN ai_label_sets AS s ON s.id = u.label_set_id AND s.labels = u.labels"
            " LEFT JOIN ai_label_sets_of_day AS d ON d.organization_id = u.organization_id"
            " AND d.day = (u.occurred_at AT TIME ZONE 'UTC')::date"
            " AND d.label_set_id = u.label_set_id"
            " WHERE u.label_set_id <> ai_other_label_set() AND (s.id IS NULL OR d.day IS NULL)"
        )
        == []
    )
    for table, who in (
        ("ai_user_spend_monthly", "user_id"),
        ("ai_group_spend_monthly", "group_id, user_id"),
    ):
        assert database.rows(
            f"SELECT {who}, month, cost_micros, unpriced_usage_count::numeric FROM {table}"
            f" ORDER BY {who}, month"
        ) == database.rows(
            f"SELECT {who}, date_trunc('month', day)::date AS month, sum(cost_micros),"
            " sum(unpriced_usage_count) FROM ai_spend_daily"
            f" GROUP BY {who}, month ORDER BY {who}, month"
        )
    by_user, by_group = (
        database.rows(f"SELECT month, sum(cost_micros) FROM {table} GROUP BY month ORDER BY month")
        for table in ("ai_user_spend_monthly", "ai_group_spend_monthly")
    )
    assert by_user == by_group
    assert database.rows(
        f"SELECT count(*) FROM ai_usage_keys k FULL JOIN {ledger} u ON u.id = k.usage_id WHERE "
        "u.id IS NULL OR k.usage_id IS NULL"
    ) == [(0,)]
