-- name: record_usage
-- needs: create or update ai_usage
-- Settle reservations, write entries with their keys, add them to the sums, write the alerts that
-- follow, and count changes of past months. Changes take back what is booked of usages. All or
-- nothing. The statement is in migrations/0012_recording.sql, because no login may write a sum.
SELECT record_ai_usage(
    p_kinds => %(kinds)s::jsonb, p_label_sets => %(label_sets)s::jsonb,
    p_label_sets_of => %(label_sets_of)s::bigint [], p_user_ids => %(user_ids)s::uuid [],
    p_group_ids => %(group_ids)s::uuid [], p_organization_ids => %(organization_ids)s::uuid [],
    p_ids => %(ids)s::text, p_key_digests => %(key_digests)s::uuid [],
    p_content_sha256s => %(content_sha256s)s::bytea [], p_moments => %(moments)s::timestamptz [],
    p_persons => %(persons)s::bigint [], p_kinds_of => %(kinds_of)s::bigint [],
    p_input_tokens => %(input_tokens)s::bigint [], p_output_tokens => %(output_tokens)s::bigint [],
    p_cache_read_tokens => %(cache_read_tokens)s::bigint [],
    p_cache_write_tokens => %(cache_write_tokens)s::bigint [],
    p_cache_write_1h_tokens => %(cache_write_1h_tokens)s::bigint [],
    p_other_units => %(other_units)s::text, p_costs => %(costs)s::bigint [],
    p_large_costs => %(large_costs)s::text, p_stated_costs => %(stated_costs)s::text,
    p_stated_differences => %(stated_differences)s::text, p_corrects => %(corrects)s::bigint [],
    p_extra_counts => %(extra_counts)s::bigint [],
    p_unpriced_counts => %(unpriced_counts)s::bigint [],
    p_limited_user_ids => %(limited_user_ids)s::uuid [],
    p_spend_limits => %(spend_limits)s::bigint [],
    p_thresholds => %(thresholds)s::bigint [], p_settlements => %(settlements)s::jsonb,
    p_recorded_by => %(recorded_by)s::uuid, p_changes => %(usage_changes)s::jsonb,
    p_unattributed => %(unattributed)s::jsonb
) AS settled;

-- name: change_usage
-- needs: create or update ai_usage
-- Record changes of usages that have no new content, as record_usage does.
SELECT record_ai_usage(
    p_kinds => '[]', p_label_sets => '[]', p_label_sets_of => '{}', p_user_ids => '{}',
    p_group_ids => '{}', p_organization_ids => '{}', p_ids => '', p_key_digests => '{}',
    p_content_sha256s => '{}', p_moments => '{}', p_persons => '{}', p_kinds_of => '{}',
    p_input_tokens => '{}', p_output_tokens => '{}', p_cache_read_tokens => '{}',
    p_cache_write_tokens => '{}', p_cache_write_1h_tokens => '{}', p_other_units => '',
    p_costs => '{}', p_large_costs => '', p_stated_costs => '', p_stated_differences => '',
    p_corrects => '{}', p_extra_counts => '{}', p_unpriced_counts => '{}',
    p_limited_user_ids => '{}', p_spend_limits => '{}',
    p_thresholds => %(thresholds)s::bigint [], p_settlements => NULL,
    p_recorded_by => %(recorded_by)s::uuid, p_changes => %(usage_changes)s::jsonb,
    p_unattributed => NULL
) AS settled;

-- name: settle_recorded
-- needs: create ai_usage
-- Settle reservations by usage that is recorded already. Returns the facts of each.
SELECT settle_ai_recorded(%(settlements)s::jsonb) AS settled;
