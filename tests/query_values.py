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
    "after": "1", "limit": "10", "book": "'{}'", "document": "'[]'",
    "tokens": "'[]'", "entries": "'[]'", "users": "'[]'", "state": "'[]'", "names": "'{}'",
    "token_users": "'{}'", "token_names": "'{}'", "token_owners": "'{}'",
    "budget_group_ids": "'{}'", "handed_over": "'{}'", "after_username": "''",
    "organizations": "'{}'::text[]", "usernames": "'{}'::text[]", "emails": "'{}'::text[]",
    "complete": "true", "in_book": "true",
    "held": "'[]'", "still_held": "'{}'", "models": "NULL", "origin": "'o'", "location": "'l'",
    "etag": "NULL", "entry_count": "1", "at": "NULL", "provider": "'p'::text", "model": "'m'",
    "sources": "NULL", "after_count": "1", "after_provider": "'p'", "after_model": "'m'",
    "after_source": "'s'", "after_id": "NULL", "providers": "'{}'", "period_start": "now()",
    "period_end": "now()", "group_ids": "'{}'::uuid[]", "user_ids": "'{}'::uuid[]",
    "named_user_id": "NULL", "named_username": "'a'", "rules": "'{}'", "prices": "'{}'",
    "held_id": "gen_random_uuid()", "decision": "'approved'", "unpriced_only": "false",
    "after_organization": "gen_random_uuid()", "after_moment": "now()", "after_entry": "0",
    "settling": "'1 hour'", "seen": "1", "settled": "1", "latest": "1", "settling_version": "1",
    "first": "now()", "recorded_since": "now()", "since": "now()", "month_starts": "now()",
    "month_ends": "now()", "quarters": "9", "quarter": "now()", "occurred_at": "now()",
    "entry_id": "1", "failed": "'{}'", "pass_id": "gen_random_uuid()", "recorded_sinces": "'{}'",
    "rules_changed_at": "NULL", "named_providers": "'{}'", "named_models": "'{}'",
    "of_target": "'{}'", "target_provider": "NULL", "target_model": "NULL", "free": "false",
    "confirm": "false", "source": "'s'", "cost_from": "'book'",
    "moments": "'{}'", "id_names": "'{}'", "sinces": "'{}'", "untils": "'{}'", "places": "'{}'",
    "thresholds": "'{}'", "kinds": "'[]'", "ids": "''",
    "key_digests": "'{}'", "content_sha256s": "'{}'", "limited_user_ids": "'{}'",
    "spend_limits": "'{}'", "persons": "'{}'", "kinds_of": "'{}'", "input_tokens": "'{}'",
    "output_tokens": "'{}'", "cache_read_tokens": "'{}'", "cache_write_tokens": "'{}'",
    "cache_write_1h_tokens": "'{}'", "costs": "'{}'", "corrects": "'{}'", "unpriced_counts": "'{}'",
    "other_units": "''", "large_costs": "''", "stated_costs": "''", "stated_differences": "''",
    "extra_counts": "'{}'", "after_difference": "1",
    "receivers": "'{}'", "configured": "'{}'", "in_order": "'{}'",
    "lease_seconds": "120", "receiver": "'sns'", "first_delay_seconds": "60",
    "longest_delay_seconds": "900", "attempts": "5", "after_day": "NULL", "after_user": "NULL",
    "after_group": "NULL", "after_hour": "NULL", "after_quarter": "now()",
    "after_label_set": "NULL", "after_name": "'a'", "label_sets": "'[]'", "label_sets_of": "'{}'",
    "users_of_groups": "'{}'", "named_groups": "'{}'",
    "kept_months": "12", "expires_at": "NULL",
    "handled": "'{}'", "started": "now()", "month": "'2026-11-01'", "changes": "1",
    "leased_until": "now()", "attempted_at": "NULL",
    "key_digest": "gen_random_uuid()", "content_sha256": "sha256('')",
    "maker_id": "gen_random_uuid()", "variant": "NULL", "estimate_micros": "1",
    "ttl_seconds": "600", "dry_run": "true", "price": "NULL",
    "reservation_id": "gen_random_uuid()", "granted_at": "now()",
    "usage_key_digest": "gen_random_uuid()",     "caller_id": "gen_random_uuid()",
    "reservation_state": "'held'", "after_reservation": "gen_random_uuid()",
    "before": "now()", "after_alert": "gen_random_uuid()",
    "console_url": "NULL", "alert_ids": "'{}'", "entry_ids": "'{}'", "page": "10",
    "seconds": "120",
    "after_granted_at": "now()", "unpriced": "'deny'", "assumed_input_price": "NULL",
    "assumed_output_price": "NULL",
    "budget_id": "gen_random_uuid()", "budget_name": "'b'", "after_subject": "NULL",
    "time_zone": "'UTC'", "name": "'b'", "scope": "'organization'", "label_key": "NULL",
    "label_value": "NULL", "per": "'total'", "model_patterns": "NULL::text[]",
    "limit_micros": "1", "period_unit": "'month'", "week_starts": "1", "year_starts": "1",
    "enforcement": "'warn'", "budget_thresholds": "'{}'::bigint[]", "starts_at": "NULL",
    "estimated_input": "NULL", "estimated_output": "NULL",
    "unpriced_default": "NULL",
    "settlements": "'[]'", "reservation_ids": "'{}'", "reservation_keys": "'{}'",
    "granted_ats": "'{}'", "is_in_group": "true", "labels": "NULL",
    "ends_at": "NULL", "rollover_micros": "0", "most": "1000",
}  # fmt: skip


def with_values(name: str, values: Mapping[str, str] = VALUES) -> str:
    """The SQL of a query with a value in place of each parameter."""
    sql = queries()[name].sql.decode()
    return re.sub(r"%\((\w+)\)s", lambda found: values[found[1]], sql).replace("%%", "%")
