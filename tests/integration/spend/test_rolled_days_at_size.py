"""Of rolled-up days, series and the overview read no quarter of an hour."""

from typing import Any

import psycopg
import pytest

from allowance.database.queries import queries
from allowance.spend.series_query import TOKEN_UNITS, Asked, OrganizationSeriesQuery
from tests.people import Acme
from tests.postgres import Database
from tests.rolled_days import roll_up

NOBODY = Asked(None, None, None, None)
GROUPS, MODELS, DAYS = 40, 3, 10
QUARTERS = (
    "INSERT INTO ai_usage_quarter_hourly (starts_at, organization_id, group_id, provider, model,"
    " cost_micros, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,"
    " cache_write_1h_tokens, usage_count, unpriced_usage_count)"
    " SELECT '2026-10-01Z'::timestamptz + d * interval '1 day' + q * interval '15 minutes', %s,"
    " md5(g::text)::uuid, 'p', 'm' || g %% %s, 1, 1, 1, 1, 1, 1, 1, 0"
    " FROM generate_series(0, %s) AS d, generate_series(0, 3) AS q, generate_series(1, %s) AS g"
)
TABLES = ("ai_usage_quarter_hourly", "ai_rolled_hours", "ai_rolled_groups")


def rows_read(plan: dict[str, Any]) -> dict[str, int]:
    """The rows that a plan read of each table."""
    found: dict[str, int] = {}
    for each in (plan, *plan.get("Plans", ())):
        if each is plan:
            read = (each["Actual Rows"] + each.get("Rows Removed by Filter", 0)) * each[
                "Actual Loops"
            ]
            more = {each.get("Relation Name", ""): round(read)}
        else:
            more = rows_read(each)
        for table, rows in more.items():
            found[table] = found.get(table, 0) + rows
    return found


@pytest.mark.parametrize(
    ("split", "by", "zone", "expected"),
    [
        # A row of each hour and model, or of each day and group.
        ("model", "hour", "UTC", (0, DAYS * MODELS, 0)),
        ("client", "day", "UTC", (0, DAYS * MODELS, 0)),
        ("client", "day", "Asia/Kolkata", (0, DAYS * MODELS, 0)),
        ("group", "day", "UTC", (0, DAYS * MODELS, DAYS * GROUPS + DAYS * 10)),
        ("user", "day", "UTC", (0, 0, DAYS * GROUPS)),
        # Where points divide days, only the ten first groups are read by quarter of an hour.
        ("group", "hour", "UTC", (DAYS * 10 * 4, DAYS * MODELS, DAYS * GROUPS)),
        ("group", "day", "Asia/Kolkata", (DAYS * 10 * 4, DAYS * MODELS, DAYS * GROUPS)),
    ],
)
def test_a_series_reads_rows_of_rolled_up_days_alone(
    database: Database,
    acme: Acme,
    split: str,
    by: str,
    zone: str,
    expected: tuple[int, int, int],
) -> None:
    organization = acme.organizations["acme"]
    database.run(QUARTERS, organization, MODELS, DAYS - 1, GROUPS)
    roll_up(database)
    database.run("ANALYZE ai_usage_quarter_hourly, ai_rolled_hours, ai_rolled_groups")
    asked = OrganizationSeriesQuery.model_validate(
        {"month": "2026-10", "split": split, "by": by, "time_zone": zone}
    )
    parameters = {"organization_id": organization, "shows_groups": True}
    parameters |= NOBODY.parameters | asked.terms | asked.parts | {"token_units": TOKEN_UNITS}
    query = f"list_series_by_{split}" if split in {"user", "group"} else "list_series"
    parameters["rolled_by"] = "day" if split == "user" else "hour"
    statement = b"EXPLAIN (ANALYZE, FORMAT JSON) " + queries()[query].sql
    # A table of 30 rows would be read whole for each hour that a point divides.
    with psycopg.connect(database.app_url, options="-c enable_seqscan=off") as app:
        ((plan,),) = app.execute(statement, parameters)
    read = rows_read(plan[0]["Plan"])
    # Postgres rounds the mean of the rows of a loop. Some versions need fewer rows for a group.
    for table, most in zip(TABLES, expected, strict=True):
        assert read.get(table, 0) <= most + (5 if most else 0), table
