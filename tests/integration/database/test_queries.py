"""Every query against the migrated schema: Postgres plans each."""

import re
from collections.abc import Generator

import pytest

from allowance.database.queries import queries
from tests.postgres import Database, Server
from tests.query_values import VALUES, with_values


@pytest.fixture(scope="module")
def planned(server: Server, migrated: Database) -> Generator[Database]:
    """One database for all plans: EXPLAIN changes nothing."""
    with server.database(migrated.name) as database:
        yield database


@pytest.mark.parametrize("name", queries())
def test_postgres_plans_it(planned: Database, name: str) -> None:
    assert planned.rows(f"EXPLAIN {with_values(name)}")


def test_no_placeholder_of_the_table_above_is_left_over() -> None:
    used = {
        name for sql in queries().values() for name in re.findall(r"%\((\w+)\)s", sql.sql.decode())
    }
    assert used == VALUES.keys()


def test_the_hot_path_reads_by_index_alone(database: Database) -> None:
    """On a directory of some size: a sequential scan of a table that grows with it would be a
    fault.
    """
    for statement in (
        "INSERT INTO users (username) SELECT 'u' || n FROM generate_series(1, 3000) n",
        "INSERT INTO groups (organization_id, name) SELECT id, 'g' || n FROM organizations, "
        "generate_series(1, 2000) n",
        "INSERT INTO organization_members (organization_id, user_id) SELECT o.id, u.id FROM "
        "organizations o, users u"
        " WHERE o.name = 'acme' ON CONFLICT DO NOTHING",
        "INSERT INTO group_members SELECT g.id, m.user_id FROM groups g JOIN organization_members "
        "m USING (organization_id)"
        " WHERE g.name LIKE 'g%' AND hashtext(g.name || m.user_id) % 1000 = 0",
        "INSERT INTO api_tokens (id, user_id, name, secret_sha256) SELECT username, id, 't', "
        "sha256('') FROM users",
        "INSERT INTO group_ai_budgets SELECT id, 1 FROM groups",
        "INSERT INTO user_ai_budget_overrides (user_id, group_id, organization_id, "
        "spend_limit_micros)"
        " SELECT user_id, organization_id, organization_id, 1 FROM organization_members ON "
        "CONFLICT DO NOTHING",
        "INSERT INTO ai_spend_daily (user_id, group_id, organization_id, provider, model, day,"
        " cost_micros, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,"
        " cache_write_1h_tokens, usage_count, unpriced_usage_count)"
        " SELECT user_id, organization_id, organization_id, 'p', 'm', day::date, 1, 0, 0, 0, 0, 0,"
        " 1, 0"
        " FROM organization_members,"
        " generate_series(now() - interval '60 days', now(), interval '1 day') AS day",
        "INSERT INTO ai_reservation_holds"
        " SELECT id, now() + interval '1 hour', gen_random_uuid(), 1, gen_random_uuid() FROM users",
        "INSERT INTO ai_user_spend_monthly SELECT id, '2026-11-01', 1 FROM users",
        "INSERT INTO ai_group_spend_monthly SELECT group_id, '2026-11-01', user_id, 1 FROM "
        "group_members",
        "INSERT INTO ai_usage_quarter_hourly (starts_at, organization_id, group_id, provider,"
        " model, cost_micros, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,"
        " cache_write_1h_tokens, usage_count, unpriced_usage_count)"
        " SELECT h, organization_id, id, 'p', 'm', 1, 1, 0, 0, 0, 0, 1, 0 FROM groups,"
        " generate_series(now() - interval '40 hours', now(), interval '1 hour') AS h",
        "INSERT INTO ai_label_sets SELECT ai_label_set_id(l.labels), l.labels FROM (SELECT"
        " jsonb_build_object('n', n::text) AS labels FROM generate_series(1, 3000) AS n) AS l",
        "VACUUM ANALYZE",
    ):
        database.run(statement)
    ((group,),) = database.rows("SELECT id FROM groups WHERE name = 'g1' LIMIT 1")
    ((user,),) = database.rows("SELECT id FROM users WHERE username = 'u77'")
    values = VALUES | {
        "group_id": f"'{group}'",
        "token_id": "'u77'",
        "user_id": f"'{user}'",
        "named_user_id": f"'{user}'",
        "organization_id": "(SELECT id FROM organizations WHERE name = 'acme')",
        "period_start": "(now() - interval '9 days')",
    }
    for name in (
        "authenticate", "get_group_budget", "get_group", "lock_group", "upsert_group_budget",
        "get_user_budget_override",
        "find_groups_of_override", "upsert_user_budget_override", "delete_user_budget_override",
        "get_user_spend",
        "list_member_spend", "list_daily_spend", "list_usage_by_hour",
        "list_missing_parts", "register_spend_exports",
    ):  # fmt: skip
        rows = database.rows(f"EXPLAIN {with_values(name, values)}")
        plan = "\n".join(line for (line,) in rows)
        # There are few organizations: their table is one page.
        assert not re.search(r"Seq Scan on (?!organizations)", plan), plan
