-- Why: a login that may update a sum could also reset it. So the logins write the ledger, its keys
-- and its sums by record_ai_usage (0037_usage_changes.sql) only, and all of them together.

-- Write entries of the ledger with their keys, add them to the sums of the day, the quarter of an
-- hour and the month, raise the alerts that follow, and count changes of past months. All or
-- nothing: a key that exists already fails it.
-- Money arrives as whole units of 1e-12 USD. A batch whose costs are no bigint has them as text in
-- p_large_costs. Texts have one line per entry; an empty line is NULL, an empty text all of them.
-- p_label_sets has each distinct object of labels once; p_label_sets_of has its place, from 1.
-- Each table is written in the order of its key, and after the one before: a condition that is
-- always true counts that one's rows. So concurrent writers wait for each other, never in a circle.
-- p_settlements are reservations that entries settle (0031_settling.sql): the facts of each are
-- returned in this order. The session keeps the plan of the statement, which is quicker.
CREATE FUNCTION write_ai_usage(
    p_kinds jsonb, p_label_sets jsonb, p_user_ids uuid [], p_group_ids uuid [],
    p_organization_ids uuid [], p_ids text, p_key_digests uuid [], p_content_sha256s bytea [],
    p_moments timestamptz [], p_persons bigint [], p_kinds_of bigint [],
    p_label_sets_of bigint [], p_input_tokens bigint [], p_output_tokens bigint [],
    p_cache_read_tokens bigint [], p_cache_write_tokens bigint [],
    p_cache_write_1h_tokens bigint [], p_other_units text, p_costs bigint [], p_large_costs text,
    p_stated_costs text, p_stated_differences text, p_corrects bigint [],
    p_extra_counts bigint [], p_unpriced_counts bigint [], p_limited_user_ids uuid [],
    p_spend_limits bigint [], p_thresholds bigint [], p_settlements jsonb,
    p_recorded_by uuid
) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    v_label_set_ids uuid [] := '{}';
    v_settled jsonb;
BEGIN
    IF date_trunc('day', now(), 'UTC') > ANY(p_moments) THEN
        PERFORM reopen_ai_days(p_organization_ids, p_persons, p_moments);
    END IF;
    IF cardinality(p_label_sets_of) > 0 THEN
        v_label_set_ids := ai_label_sets_in_sums(
            p_label_sets, p_label_sets_of, p_organization_ids, p_persons, p_moments
        );
    END IF;
    v_settled := settle_ai_usage(
        p_kinds, p_user_ids, p_group_ids, p_organization_ids, p_moments, p_persons, p_kinds_of,
        p_costs, p_large_costs, p_label_sets, p_label_sets_of, p_settlements
    );
    WITH kinds AS MATERIALIZED (
        SELECT k.kind, k.source, k.provider COLLATE "C" AS provider, k.model COLLATE "C" AS model,
            k.variant, k.provider_name, k.priced_provider, k.priced_model, k.price_version_id,
            k.rates, k.cost_from, k.usage_format, k.usage_object, k.unpriced_reasons, k.reason
        FROM jsonb_to_recordset(p_kinds) AS k (
            kind bigint, source text, provider text, model text, variant text, provider_name text,
            priced_provider text, priced_model text, price_version_id bigint, rates jsonb,
            cost_from text, usage_format text, usage_object text, unpriced_reasons jsonb,
            reason text
        )
    ),
    entries AS MATERIALIZED (
        SELECT nextval('ai_usage_id_seq') AS usage_id, e.id, e.key_digest, e.content_sha256,
            e.corrects, p_user_ids[e.person::integer] AS user_id,
            p_group_ids[e.person::integer] AS group_id,
            p_organization_ids[e.person::integer] AS organization_id, e.kind,
            e.input_tokens, e.output_tokens,
            coalesce(e.cache_read_tokens, 0) AS cache_read_tokens,
            coalesce(e.cache_write_tokens, 0) AS cache_write_tokens,
            coalesce(e.cache_write_1h_tokens, 0) AS cache_write_1h_tokens,
            e.other_units::jsonb AS other_units,
            coalesce(e.large_cost::numeric, e.cost) * 0.000001 AS cost_micros,
            e.stated_cost::numeric * 0.000001 AS stated_cost_micros,
            e.stated_difference::numeric * 0.000001 AS stated_difference_micros,
            (e.corrects IS NULL)::integer + coalesce(e.extra_count, 0) AS usage_count,
            coalesce(e.unpriced_usage_count, 0) AS unpriced_usage_count, e.occurred_at,
            date_bin('1 day', e.occurred_at, '2020-01-01 00:00:00+00') AS day_starts_at,
            date_bin('15 minutes', e.occurred_at, '2020-01-01 00:00:00+00') AS starts_at,
            p_label_sets -> (e.label_set::integer - 1) AS labels, e.label_set_id,
            coalesce(e.label_set_id, '00000000-0000-0000-0000-000000000000') AS counted_set_id
        FROM unnest(
            string_to_array(p_ids, E'\n'), p_key_digests, p_content_sha256s, p_moments, p_persons,
            p_kinds_of, p_label_sets_of, v_label_set_ids, p_input_tokens, p_output_tokens,
            p_cache_read_tokens, p_cache_write_tokens, p_cache_write_1h_tokens,
            string_to_array(p_other_units, E'\n', ''), p_costs,
            string_to_array(p_large_costs, E'\n', ''), string_to_array(p_stated_costs, E'\n', ''),
            string_to_array(p_stated_differences, E'\n', ''), p_corrects, p_extra_counts,
            p_unpriced_counts
        ) AS e (
            id, key_digest, content_sha256, occurred_at, person, kind, label_set, label_set_id,
            input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,
            cache_write_1h_tokens, other_units, cost, large_cost, stated_cost, stated_difference,
            corrects, extra_count, unpriced_usage_count
        )
    ),
    keyed AS (
        INSERT INTO ai_usage_keys (key_digest, content_sha256, usage_id, cost_micros, occurred_at)
        SELECT e.key_digest, e.content_sha256, e.usage_id, e.cost_micros, e.occurred_at
        FROM entries AS e
        ORDER BY e.key_digest
        RETURNING true
    ),
    entered AS (
        INSERT INTO ai_usage (
            id, reason, corrects, user_id, group_id, organization_id, provider, model, variant,
            provider_name, labels, label_set_id, priced_provider, priced_model, price_version_id,
            rates, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,
            cache_write_1h_tokens, other_units, cost_micros, stated_cost_micros,
            stated_difference_micros, cost_from, priced, usage_count, unpriced_usage_count,
            occurred_at, source, source_id, usage_format, usage_object, unpriced_reasons,
            recorded_by
        )
        SELECT e.usage_id,
            coalesce(k.reason, CASE WHEN e.corrects IS NULL THEN 'usage' ELSE 'rerate' END),
            e.corrects, e.user_id, e.group_id, e.organization_id, k.provider, k.model, k.variant,
            k.provider_name, e.labels, e.label_set_id, k.priced_provider, k.priced_model,
            k.price_version_id, k.rates, e.input_tokens, e.output_tokens, e.cache_read_tokens,
            e.cache_write_tokens, e.cache_write_1h_tokens, e.other_units, e.cost_micros,
            e.stated_cost_micros, e.stated_difference_micros, k.cost_from,
            e.cost_micros IS NOT NULL, e.usage_count, e.unpriced_usage_count, e.occurred_at,
            k.source, e.id, k.usage_format, k.usage_object::jsonb, k.unpriced_reasons, p_recorded_by
        FROM entries AS e
        -- Without its kind an entry fails, so that nothing counts in a sum alone.
        LEFT JOIN kinds AS k ON k.kind = e.kind
    ),
    -- By day for each user, and by quarter of an hour without the user.
    counted AS MATERIALIZED (
        SELECT grouping(e.user_id) = 0 AS is_daily, e.user_id, e.group_id, e.organization_id,
            k.provider, k.model, e.counted_set_id, e.day_starts_at, e.starts_at,
            coalesce(ai_amounts(e.cost_micros), 0) AS cost_micros,
            ai_counts(e.input_tokens) AS input_tokens, ai_counts(e.output_tokens) AS output_tokens,
            ai_counts(e.cache_read_tokens) AS cache_read_tokens,
            ai_counts(e.cache_write_tokens) AS cache_write_tokens,
            ai_counts(e.cache_write_1h_tokens) AS cache_write_1h_tokens,
            nullif(ai_other_units_sum(e.other_units), '{}') AS other_units,
            ai_amounts(e.stated_cost_micros) AS stated_cost_micros,
            ai_amounts(e.stated_difference_micros) AS stated_difference_micros,
            ai_counts(e.usage_count) AS usage_count,
            ai_counts(e.unpriced_usage_count) AS unpriced_usage_count,
            ai_counts(e.unpriced_usage_count) FILTER (WHERE k.usage_format IS NOT NULL)
                AS unread_usage_count,
            ai_counts(e.usage_count - e.unpriced_usage_count)
                FILTER (WHERE e.stated_difference_micros IS NOT NULL) AS compared_usage_count,
            ai_amounts(e.cost_micros) FILTER (WHERE e.stated_difference_micros IS NOT NULL)
                AS compared_cost_micros
        FROM entries AS e
        JOIN kinds AS k ON k.kind = e.kind
        GROUP BY e.organization_id, e.group_id, k.provider, k.model, e.counted_set_id,
            GROUPING SETS ((e.user_id, e.day_starts_at), (e.starts_at))
    ),
    by_month AS MATERIALIZED (
        SELECT c.user_id, c.group_id,
            date_trunc('month', c.day_starts_at AT TIME ZONE 'UTC')::date AS month,
            sum(c.cost_micros) AS cost_micros, sum(c.unpriced_usage_count) AS unpriced_usage_count
        FROM counted AS c
        WHERE c.is_daily
        GROUP BY c.user_id, c.group_id, month
    ),
    daily AS (
        INSERT INTO ai_spend_daily AS d (
            user_id, group_id, organization_id, provider, model, label_set_id, day, cost_micros,
            input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,
            cache_write_1h_tokens, other_units, stated_cost_micros, stated_difference_micros,
            usage_count, unpriced_usage_count
        )
        SELECT c.user_id, c.group_id, c.organization_id, c.provider, c.model, c.counted_set_id,
            (c.day_starts_at AT TIME ZONE 'UTC')::date, c.cost_micros, c.input_tokens,
            c.output_tokens, c.cache_read_tokens, c.cache_write_tokens, c.cache_write_1h_tokens,
            c.other_units, c.stated_cost_micros, c.stated_difference_micros, c.usage_count,
            c.unpriced_usage_count
        FROM counted AS c
        WHERE c.is_daily AND (SELECT count(*) FROM keyed) >= 0
        ORDER BY c.user_id, c.day_starts_at, c.group_id, c.organization_id, c.provider, c.model,
            c.counted_set_id
        ON CONFLICT (
            user_id, day, group_id, organization_id, provider, model, label_set_id
        ) DO UPDATE
        SET cost_micros = d.cost_micros + excluded.cost_micros,
            input_tokens = d.input_tokens + excluded.input_tokens,
            output_tokens = d.output_tokens + excluded.output_tokens,
            cache_read_tokens = d.cache_read_tokens + excluded.cache_read_tokens,
            cache_write_tokens = d.cache_write_tokens + excluded.cache_write_tokens,
            cache_write_1h_tokens = d.cache_write_1h_tokens + excluded.cache_write_1h_tokens,
            other_units = ai_unit_sums_added(d.other_units, excluded.other_units),
            stated_cost_micros = ai_sums_added(d.stated_cost_micros, excluded.stated_cost_micros),
            stated_difference_micros
            = ai_sums_added(d.stated_difference_micros, excluded.stated_difference_micros),
            usage_count = d.usage_count + excluded.usage_count,
            unpriced_usage_count = d.unpriced_usage_count + excluded.unpriced_usage_count
        RETURNING d.day
    ),
    of_users AS (
        INSERT INTO ai_user_spend_monthly AS m (user_id, month, cost_micros, unpriced_usage_count)
        SELECT b.user_id, b.month, sum(b.cost_micros), sum(b.unpriced_usage_count)
        FROM by_month AS b
        WHERE (SELECT count(*) FROM daily) >= 0
        GROUP BY b.user_id, b.month
        ORDER BY b.user_id, b.month
        ON CONFLICT (user_id, month) DO UPDATE
        SET cost_micros = m.cost_micros + excluded.cost_micros,
            unpriced_usage_count = m.unpriced_usage_count + excluded.unpriced_usage_count
        RETURNING m.user_id, m.month, m.cost_micros
    ),
    of_groups AS (
        INSERT INTO ai_group_spend_monthly AS m
        (group_id, month, user_id, cost_micros, unpriced_usage_count)
        SELECT b.group_id, b.month, b.user_id, b.cost_micros, b.unpriced_usage_count
        FROM by_month AS b
        WHERE (SELECT count(*) FROM of_users) >= 0
        ORDER BY b.group_id, b.month, b.user_id
        ON CONFLICT (group_id, month, user_id) DO UPDATE
        SET cost_micros = m.cost_micros + excluded.cost_micros,
            unpriced_usage_count = m.unpriced_usage_count + excluded.unpriced_usage_count
        RETURNING m.month
    )
    INSERT INTO ai_usage_quarter_hourly AS h (
        starts_at, organization_id, group_id, provider, model, label_set_id, cost_micros,
        input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,
        cache_write_1h_tokens, other_units, stated_cost_micros, stated_difference_micros,
        usage_count, unpriced_usage_count, unread_usage_count, compared_usage_count,
        compared_cost_micros
    )
    SELECT c.starts_at, c.organization_id, c.group_id, c.provider, c.model, c.counted_set_id,
        c.cost_micros, c.input_tokens, c.output_tokens, c.cache_read_tokens,
        c.cache_write_tokens, c.cache_write_1h_tokens, c.other_units, c.stated_cost_micros,
        c.stated_difference_micros, c.usage_count, c.unpriced_usage_count,
        c.unread_usage_count, c.compared_usage_count, coalesce(c.compared_cost_micros, 0)
    FROM counted AS c
    WHERE NOT c.is_daily AND (SELECT count(*) FROM of_groups) >= 0
    ORDER BY c.organization_id, c.starts_at, c.group_id, c.provider, c.model, c.counted_set_id
    ON CONFLICT (organization_id, starts_at, group_id, provider, model, label_set_id) DO UPDATE
    SET cost_micros = h.cost_micros + excluded.cost_micros,
        input_tokens = h.input_tokens + excluded.input_tokens,
        output_tokens = h.output_tokens + excluded.output_tokens,
        cache_read_tokens = h.cache_read_tokens + excluded.cache_read_tokens,
        cache_write_tokens = h.cache_write_tokens + excluded.cache_write_tokens,
        cache_write_1h_tokens = h.cache_write_1h_tokens + excluded.cache_write_1h_tokens,
        other_units = ai_unit_sums_added(h.other_units, excluded.other_units),
        stated_cost_micros = ai_sums_added(h.stated_cost_micros, excluded.stated_cost_micros),
        stated_difference_micros
        = ai_sums_added(h.stated_difference_micros, excluded.stated_difference_micros),
        usage_count = h.usage_count + excluded.usage_count,
        unpriced_usage_count = h.unpriced_usage_count + excluded.unpriced_usage_count,
        unread_usage_count = h.unread_usage_count + excluded.unread_usage_count,
        compared_usage_count = h.compared_usage_count + excluded.compared_usage_count,
        compared_cost_micros = h.compared_cost_micros + excluded.compared_cost_micros;
    IF date_trunc('month', now(), 'UTC') > ANY(p_moments) THEN
        PERFORM count_ai_changes_of_past_months(p_organization_ids, p_persons, p_moments);
    END IF;
    PERFORM raise_ai_usage_alerts(
        p_user_ids, p_moments, p_persons, cardinality(p_corrects) > 0, p_limited_user_ids,
        p_spend_limits, p_thresholds
    );
    RETURN v_settled;
END
$$;

REVOKE ALL ON FUNCTION write_ai_usage FROM PUBLIC;
