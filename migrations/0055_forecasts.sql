-- Why: a forecast looks at two months of a budget, day by day. Of an organization that is a million
-- quarters of an hour, so it reads the days that are rolled up, and once for a page of budgets.

-- What was spent for a group by UTC day from a midnight on.
CREATE FUNCTION ai_group_days(p_organization_id uuid, p_group_id uuid, p_from timestamptz)
RETURNS TABLE (day date, cost_micros numeric)
LANGUAGE plpgsql STABLE ROWS 60
SET jit = off SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    -- No usage occurs later: a gateway's clock may be five minutes ahead.
    v_ends timestamptz := date_trunc('day', now(), 'UTC') + interval '2 days';
    v_rolled tstzmultirange := ai_rolled_time(p_organization_id, ARRAY[p_from], v_ends, 'day');
BEGIN
    RETURN QUERY
    SELECT s.day, sum(s.cost_micros)
    FROM (
        SELECT g.day, g.cost_micros
        FROM unnest(v_rolled) AS r (range)
        CROSS JOIN generate_series(
            lower(r.range), upper(r.range) - interval '1 day', interval '1 day'
        ) AS t (at)
        JOIN ai_rolled_groups AS g ON g.organization_id = p_organization_id
            AND g.day = (t.at AT TIME ZONE 'UTC')::date AND g.group_id = p_group_id
        UNION ALL
        SELECT (q.starts_at AT TIME ZONE 'UTC')::date, q.cost_micros
        FROM unnest(tstzmultirange(tstzrange(p_from, v_ends)) - v_rolled) AS r (range)
        JOIN ai_usage_quarter_hourly AS q ON q.organization_id = p_organization_id
            AND q.starts_at >= lower(r.range) AND q.starts_at < upper(r.range)
            AND q.group_id = p_group_id
    ) AS s
    GROUP BY s.day;
END
$$;

-- What each of these budgets of an organization counts by day of its own zone, from a midnight in
-- UTC on, for a forecast. It takes the sums alone: of an organization, of a group, or by UTC day if
-- the budget is about one user. So usage whose labels the sums do not keep apart is left out.
CREATE FUNCTION ai_budget_days(
    p_organization_id uuid, p_budget_ids uuid [], p_from timestamptz
) RETURNS TABLE (budget_id uuid, day date, cost_micros numeric)
LANGUAGE plpgsql STABLE ROWS 1000 SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET jit = off SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    v_ends timestamptz := date_trunc('day', now(), 'UTC') + interval '2 days';
    v_zone text;
    v_starts timestamptz [];
BEGIN
    RETURN QUERY
    SELECT b.id, d.day, sum(d.cost_micros)
    FROM ai_budgets AS b
    JOIN ai_spend_daily AS d ON d.user_id = b.user_id AND d.organization_id = b.organization_id
        AND d.day >= (p_from AT TIME ZONE 'UTC')::date
        AND ai_budget_counts(b, '', d.group_id, d.provider, d.model, NULL)
    WHERE b.id = ANY(p_budget_ids) AND b.organization_id = p_organization_id
    GROUP BY b.id, d.day;
    RETURN QUERY
    SELECT b.id, d.day, d.cost_micros
    FROM ai_budgets AS b
    CROSS JOIN LATERAL ai_group_days(b.organization_id, b.group_id, p_from) AS d
    WHERE b.id = ANY(p_budget_ids) AND b.organization_id = p_organization_id
        AND b.scope = 'group' AND b.model_patterns IS NULL AND b.time_zone = 'UTC';
    RETURN QUERY
    SELECT b.id, (q.starts_at AT TIME ZONE b.time_zone)::date, sum(q.cost_micros)
    FROM ai_budgets AS b
    JOIN ai_usage_quarter_hourly AS q ON q.organization_id = b.organization_id
        AND q.group_id = b.group_id AND q.starts_at >= p_from
        AND ai_budget_counts(b, '', q.group_id, q.provider, q.model, NULL)
    WHERE b.id = ANY(p_budget_ids) AND b.organization_id = p_organization_id
        AND b.scope = 'group' AND (b.model_patterns IS NOT NULL OR b.time_zone <> 'UTC')
    GROUP BY 1, 2;
    FOR v_zone IN
        SELECT DISTINCT b.time_zone FROM ai_budgets AS b
        WHERE b.id = ANY(p_budget_ids) AND b.organization_id = p_organization_id
            AND b.scope IN ('organization', 'label')
    LOOP
        v_starts := (ai_series_period('day', v_zone, NULL, p_from, v_ends)).starts;
        RETURN QUERY
        WITH sums AS MATERIALIZED (
            SELECT (q.starts_at AT TIME ZONE v_zone)::date AS day, q.provider, q.model,
                q.label_set_id, sum(q.cost_micros) AS cost_micros
            FROM ai_organization_sums(
                p_organization_id, ai_rolled_time(p_organization_id, v_starts, v_ends, 'hour'),
                p_from, v_ends, 'hour'
            ) AS q
            GROUP BY 1, q.provider, q.model, q.label_set_id
        ),
        kinds AS MATERIALIZED (
            SELECT b.id, k.provider, k.model, k.label_set_id
            FROM (SELECT DISTINCT s.provider, s.model, s.label_set_id FROM sums AS s) AS k
            LEFT JOIN ai_label_sets AS l ON l.id = k.label_set_id
            JOIN ai_budgets AS b
                ON ai_budget_counts(b, '', NULL, k.provider, k.model, l.labels)
            WHERE b.id = ANY(p_budget_ids) AND b.organization_id = p_organization_id
                AND b.scope IN ('organization', 'label') AND b.time_zone = v_zone
        )
        SELECT k.id, s.day, sum(s.cost_micros)
        FROM kinds AS k
        JOIN sums AS s USING (provider, model, label_set_id)
        GROUP BY k.id, s.day;
    END LOOP;
END
$$;

REVOKE ALL ON FUNCTION ai_group_days(uuid, uuid, timestamptz),
ai_budget_days(uuid, uuid [], timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ai_group_days(uuid, uuid, timestamptz),
ai_budget_days(uuid, uuid [], timestamptz) TO allowance_routes;
