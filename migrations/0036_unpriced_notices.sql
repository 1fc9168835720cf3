-- Why: usage of a model without a price counts as nothing in every budget. Somebody has to hear of
-- it, but not at every call.

-- Raise a notice for each organization that used models without a price in the last 7 days, once
-- per ISO week (UTC). It returns the tokens of the last day without a price, over all
-- organizations, or NULL if the last look was less than an hour ago.
-- The tokens of a row with priced usage too all count: the sums do not part them.
CREATE FUNCTION raise_ai_unpriced_notices() RETURNS numeric
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_week timestamptz := date_trunc('week', now(), 'UTC');
    v_tokens numeric;
BEGIN
    -- A run that waited for another one finds the condition false.
    UPDATE ai_alert_checks AS c SET checked_at = now()
    WHERE c.name = 'unpriced_models' AND c.checked_at <= now() - interval '1 hour';
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    WITH unpriced AS MATERIALIZED (
        SELECT h.organization_id, h.provider, h.model, h.starts_at,
            h.unpriced_usage_count AS usage_count,
            h.input_tokens + h.output_tokens + h.cache_read_tokens + h.cache_write_tokens
            + h.cache_write_1h_tokens AS tokens
        FROM ai_usage_quarter_hourly AS h
        WHERE h.unpriced_usage_count > 0 AND h.starts_at >= now() - interval '7 days'
    ),
    by_model AS (
        SELECT u.organization_id, u.provider, u.model, sum(u.usage_count) AS usage_count,
            sum(u.tokens) AS tokens,
            row_number() OVER (
                PARTITION BY u.organization_id
                ORDER BY sum(u.tokens) DESC, sum(u.usage_count) DESC, u.provider, u.model
            ) AS place
        FROM unpriced AS u
        GROUP BY u.organization_id, u.provider, u.model
    ),
    noticed AS (
        INSERT INTO ai_alerts (
            kind, subject, group_id, organization_id, period_start, period_end, models,
            model_count
        )
        SELECT 'unpriced_models', '', m.organization_id,
            m.organization_id, v_week, v_week + interval '168 hours',
            jsonb_agg(
                jsonb_build_object(
                    'provider', m.provider, 'model', m.model, 'usage_count', m.usage_count,
                    'tokens', m.tokens
                )
                ORDER BY m.place
            ) FILTER (WHERE m.place <= 10),
            count(*)
        FROM by_model AS m
        JOIN organizations AS o ON o.id = m.organization_id AND o.deleted_at IS NULL
        GROUP BY m.organization_id
        ON CONFLICT (organization_id, period_start) WHERE kind = 'unpriced_models' DO NOTHING
    )
    SELECT coalesce(sum(u.tokens), 0) INTO v_tokens FROM unpriced AS u
    WHERE u.starts_at >= now() - interval '1 day';
    RETURN v_tokens;
END
$$;

REVOKE ALL ON FUNCTION raise_ai_unpriced_notices() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION raise_ai_unpriced_notices() TO allowance_jobs;
