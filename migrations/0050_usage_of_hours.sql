-- Why: a charge in FOCUS has a unit price, which only the ledger knows. It is read hour by hour, by
-- its key, and compared with the sums, which have all usage forever.

-- Return the usage of an organization in an hour from the ledger, by group, provider, model, label
-- set, user, variant, price and rates. A usage counts with its corrections, at the rates of the
-- last. Without a price it has no rates; a usage whose stated cost is the cost has none either.
-- What the sums have and the ledger has not, because its month was dropped, is usage of nobody,
-- without rates. The plan is made once in a session: that takes longer than most hours.
CREATE FUNCTION ai_usage_of_hour(p_organization_id uuid, p_hour timestamptz) RETURNS TABLE (
    group_id uuid, provider text, model text, label_set_id uuid, user_id uuid, variant text,
    price_version_id bigint, rates_digest uuid, rates text, cost_micros numeric,
    input_tokens numeric, output_tokens numeric, cache_read_tokens numeric,
    cache_write_tokens numeric, cache_write_1h_tokens numeric, other_units jsonb,
    usage_count numeric, unpriced_usage_count numeric, stated_cost_micros numeric,
    stated_difference_micros numeric
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET jit = off SET work_mem = '64MB'
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    c_nil CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
BEGIN
    RETURN QUERY
    WITH entries AS MATERIALIZED (
        SELECT u.id, u.corrects, u.user_id, u.group_id, u.provider, u.model, u.label_set_id,
            u.variant, u.price_version_id, u.rates, u.input_tokens, u.output_tokens,
            u.cache_read_tokens, u.cache_write_tokens, u.cache_write_1h_tokens, u.other_units,
            u.cost_micros, u.stated_cost_micros, u.stated_difference_micros, u.usage_count,
            u.unpriced_usage_count
        FROM ai_usage AS u
        WHERE u.organization_id = p_organization_id AND u.occurred_at >= p_hour
            AND u.occurred_at < p_hour + interval '1 hour'
    ),
    corrections AS MATERIALIZED (
        SELECT e.corrects, (array_agg(e.variant ORDER BY e.id DESC))[1] AS variant,
            (array_agg(e.price_version_id ORDER BY e.id DESC))[1] AS price_version_id,
            (array_agg(e.rates ORDER BY e.id DESC))[1] AS rates,
            sum(e.input_tokens) AS input_tokens, sum(e.output_tokens) AS output_tokens,
            sum(e.cache_read_tokens) AS cache_read_tokens,
            sum(e.cache_write_tokens) AS cache_write_tokens,
            sum(e.cache_write_1h_tokens) AS cache_write_1h_tokens,
            ai_other_units_sum(e.other_units) AS other_units, sum(e.cost_micros) AS cost_micros,
            sum(e.stated_cost_micros) AS stated_cost_micros,
            sum(e.stated_difference_micros) AS stated_difference_micros,
            sum(e.usage_count) AS usage_count, sum(e.unpriced_usage_count) AS unpriced_usage_count
        FROM entries AS e
        WHERE e.corrects IS NOT NULL
        GROUP BY e.corrects
    ),
    usages AS (
        SELECT e.group_id, e.provider, e.model, coalesce(e.label_set_id, c_nil) AS label_set_id,
            e.user_id, coalesce(c.variant, e.variant, '') AS variant,
            CASE WHEN r.has_rates THEN CASE
                WHEN c.corrects IS NULL THEN e.price_version_id ELSE c.price_version_id
            END END AS price_version_id,
            CASE WHEN r.has_rates THEN CASE
                WHEN c.corrects IS NULL THEN e.rates ELSE c.rates
            END END AS rates,
            coalesce(e.cost_micros, 0) + coalesce(c.cost_micros, 0) AS cost_micros,
            e.input_tokens + coalesce(c.input_tokens, 0) AS input_tokens,
            e.output_tokens + coalesce(c.output_tokens, 0) AS output_tokens,
            e.cache_read_tokens + coalesce(c.cache_read_tokens, 0) AS cache_read_tokens,
            e.cache_write_tokens + coalesce(c.cache_write_tokens, 0) AS cache_write_tokens,
            e.cache_write_1h_tokens + coalesce(c.cache_write_1h_tokens, 0)
                AS cache_write_1h_tokens,
            ai_unit_sums_added(e.other_units, c.other_units) AS other_units,
            e.usage_count + coalesce(c.usage_count, 0) AS usage_count,
            e.unpriced_usage_count + coalesce(c.unpriced_usage_count, 0) AS unpriced_usage_count,
            ai_sums_added(e.stated_cost_micros, c.stated_cost_micros) AS stated_cost_micros,
            ai_sums_added(e.stated_difference_micros, c.stated_difference_micros)
                AS stated_difference_micros
        FROM entries AS e
        LEFT JOIN corrections AS c ON c.corrects = e.id
        CROSS JOIN LATERAL (
            SELECT e.unpriced_usage_count + coalesce(c.unpriced_usage_count, 0) = 0 AS has_rates
        ) AS r
        WHERE e.corrects IS NULL
    ),
    known AS MATERIALIZED (
        SELECT u.group_id, u.provider, u.model, u.label_set_id, u.user_id, u.variant,
            coalesce(u.price_version_id, 0) AS price_version_id, u.rates,
            sum(u.cost_micros) AS cost_micros, sum(u.input_tokens) AS input_tokens,
            sum(u.output_tokens) AS output_tokens, sum(u.cache_read_tokens) AS cache_read_tokens,
            sum(u.cache_write_tokens) AS cache_write_tokens,
            sum(u.cache_write_1h_tokens) AS cache_write_1h_tokens,
            ai_other_units_sum(u.other_units) AS other_units, sum(u.usage_count) AS usage_count,
            sum(u.unpriced_usage_count) AS unpriced_usage_count,
            sum(u.stated_cost_micros) AS stated_cost_micros,
            sum(u.stated_difference_micros) AS stated_difference_micros
        FROM usages AS u
        GROUP BY u.group_id, u.provider, u.model, u.label_set_id, u.user_id, u.variant,
            u.price_version_id, u.rates
    ),
    -- All that the sums have, less what is known.
    unknown AS (
        SELECT s.group_id, s.provider, s.model, s.label_set_id, sum(s.cost_micros) AS cost_micros,
            sum(s.input_tokens) AS input_tokens, sum(s.output_tokens) AS output_tokens,
            sum(s.cache_read_tokens) AS cache_read_tokens,
            sum(s.cache_write_tokens) AS cache_write_tokens,
            sum(s.cache_write_1h_tokens) AS cache_write_1h_tokens,
            ai_other_units_sum(s.other_units) AS other_units, sum(s.usage_count) AS usage_count,
            sum(s.unpriced_usage_count) AS unpriced_usage_count,
            sum(s.stated_cost_micros) AS stated_cost_micros,
            sum(s.stated_difference_micros) AS stated_difference_micros
        FROM (
            SELECT q.group_id, q.provider, q.model, q.label_set_id, q.cost_micros, q.input_tokens,
                q.output_tokens, q.cache_read_tokens, q.cache_write_tokens,
                q.cache_write_1h_tokens, q.other_units, q.usage_count, q.unpriced_usage_count,
                q.stated_cost_micros, q.stated_difference_micros
            FROM ai_usage_quarter_hourly AS q
            WHERE q.organization_id = p_organization_id AND q.starts_at >= p_hour
                AND q.starts_at < p_hour + interval '1 hour'
            UNION ALL
            SELECT k.group_id, k.provider, k.model, k.label_set_id, -k.cost_micros,
                -k.input_tokens, -k.output_tokens, -k.cache_read_tokens, -k.cache_write_tokens,
                -k.cache_write_1h_tokens,
                (
                    SELECT jsonb_object_agg(e.key, -e.value::numeric)
                    FROM jsonb_each_text(k.other_units) AS e
                ),
                -k.usage_count, -k.unpriced_usage_count, -k.stated_cost_micros,
                -k.stated_difference_micros
            FROM known AS k
        ) AS s
        GROUP BY s.group_id, s.provider, s.model, s.label_set_id
    )
    SELECT k.group_id, k.provider, k.model, k.label_set_id, k.user_id, k.variant,
        k.price_version_id, coalesce(md5(k.rates::text)::uuid, c_nil), k.rates::text,
        k.cost_micros, k.input_tokens, k.output_tokens, k.cache_read_tokens, k.cache_write_tokens,
        k.cache_write_1h_tokens, k.other_units, k.usage_count, k.unpriced_usage_count,
        k.stated_cost_micros, k.stated_difference_micros
    FROM known AS k
    -- Usage that was taken back leaves sums of nothing.
    WHERE k.usage_count <> 0 OR k.cost_micros <> 0
    UNION ALL
    SELECT n.group_id, n.provider, n.model, n.label_set_id, c_nil, '', -1, c_nil, NULL,
        n.cost_micros, n.input_tokens, n.output_tokens, n.cache_read_tokens, n.cache_write_tokens,
        n.cache_write_1h_tokens, n.other_units, n.usage_count, n.unpriced_usage_count,
        n.stated_cost_micros, n.stated_difference_micros
    FROM unknown AS n
    WHERE n.usage_count <> 0 OR n.cost_micros <> 0;
END
$$;

REVOKE ALL ON FUNCTION ai_usage_of_hour(uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ai_usage_of_hour(uuid, timestamptz) TO allowance_routes, allowance_jobs;
