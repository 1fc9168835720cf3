"""A value for each parameter of the queries, with which Postgres can plan them."""

import re
from collections.abc import Mapping

from allowance.database.queries import queries

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


def with_values(name: str, values: Mapping[str, str] = VALUES) -> str:
    """The SQL of a query with a value in place of each parameter."""
    sql = queries()[name].sql.decode()
    return re.sub(r"%\((\w+)\)s", lambda found: values[found[1]], sql).replace("%%", "%")
