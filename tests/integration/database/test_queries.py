"""Every query against the migrated schema: Postgres plans each."""

import re
from collections.abc import Generator, Mapping

import pytest

from allowance.database.queries import queries
from tests.postgres import Database, Server

VALUES = {
    "token_id": "'a'", "secret_sha256": "''", "blind": "''", "group_id": "gen_random_uuid()",
    "organization_id": "NULL", "organization_name": "'acme'", "spend_limit_micros": "1",
    "must_exist": "false", "must_be_absent": "false", "versions": "NULL",
    "excluded_versions": "'{}'", "actor_id": "NULL::uuid", "actor_name": "'a'", "request_id": "'r'",
    "organization_ids": "NULL::uuid[]", "user_id": "NULL::uuid", "username": "'a'",
    "dropped": "'{}'::uuid[]", "after": "1", "limit": "10", "book": "'{}'", "document": "'{}'",
    "accounts": "'[]'", "tokens": "'[]'", "entries": "'[]'", "organizations": "'{}'::text[]",
    "usernames": "'{}'::text[]", "emails": "'{}'::text[]", "complete": "true", "in_book": "true",
    "held": "'[]'", "still_held": "'{}'", "models": "NULL", "origin": "'o'", "location": "'l'",
    "etag": "NULL", "entry_count": "1", "at": "NULL", "provider": "'p'::text", "model": "'m'",
    "sources": "NULL", "after_count": "1", "after_provider": "'p'", "after_model": "'m'",
    "after_source": "'s'", "after_id": "NULL", "providers": "'{}'", "period_start": "now()",
    "period_end": "now()", "group_ids": "'{}'::uuid[]", "user_ids": "'{}'::uuid[]",
    "named_user_id": "NULL", "named_username": "'a'", "rules": "'{}'", "prices": "'{}'",
    "held_id": "gen_random_uuid()", "decision": "'approved'", "rated_until": "now()",
    "unpriced_only": "false", "after_organization": "NULL", "after_moment": "NULL",
    "after_entry": "NULL", "moments": "'{}'", "id_names": "'{}'", "sinces": "'{}'",
    "untils": "'{}'", "places": "'{}'", "thresholds": "'{}'", "kinds": "'[]'", "ids": "''",
    "key_digests": "'{}'", "content_sha256s": "'{}'", "limited_user_ids": "'{}'",
    "limited_group_ids": "'{}'", "limited_organization_ids": "'{}'", "limit_sources": "'{}'",
    "spend_limits": "'{}'", "persons": "'{}'", "kinds_of": "'{}'", "input_tokens": "'{}'",
    "output_tokens": "'{}'", "cache_read_tokens": "'{}'", "cache_write_tokens": "'{}'",
    "cache_write_1h_tokens": "'{}'", "costs": "'{}'", "corrects": "'{}'", "unpriced_counts": "'{}'",
    "lease_seconds": "120", "receiver": "'sns'", "first_delay_seconds": "60",
    "longest_delay_seconds": "900", "attempts": "5", "after_day": "NULL", "after_user": "NULL",
    "after_group": "NULL", "after_hour": "NULL", "kept_months": "12",
}  # fmt: skip


@pytest.fixture(scope="module")
def planned(server: Server, migrated: Database) -> Generator[Database]:
    """One database for all plans: EXPLAIN changes nothing."""
    with server.database(migrated.name) as database:
        yield database


def with_values(name: str, values: Mapping[str, str] = VALUES) -> str:
    """The SQL of a query with a value in place of each parameter."""
    sql = queries()[name].sql.decode()
    return re.sub(r"%\((\w+)\)s", lambda found: values[found[1]], sql).replace("%%", "%")


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
        "INSERT INTO ai_spend_daily SELECT user_id, organization_id, organization_id, day::date, "
        "1, 0, 0, 0, 0, 0, 1, 0 FROM organization_members,"
        " generate_series(now() - interval '60 days', now(), interval '1 day') AS day",
        "INSERT INTO ai_user_spend_monthly SELECT id, '2026-11-01', 1 FROM users",
        "INSERT INTO ai_group_spend_monthly SELECT group_id, '2026-11-01', user_id, 1 FROM "
        "group_members",
        "INSERT INTO ai_usage_hourly SELECT h, organization_id, id, 'p', 'm', 1, 1, 0, 0, 0, 0, "
        "1, 0 FROM groups,"
        " generate_series(now() - interval '40 hours', now(), interval '1 hour') AS h",
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
        "lock_user_in_group", "upsert_user_budget_override", "delete_user_budget_override",
        "get_user_spend",
        "list_member_spend", "list_daily_spend", "list_charges", "list_charged_organizations",
    ):  # fmt: skip
        rows = database.rows(f"EXPLAIN {with_values(name, values)}")
        plan = "\n".join(line for (line,) in rows)
        # There are few organizations: their table is one page.
        assert not re.search(r"Seq Scan on (?!organizations)", plan), plan
