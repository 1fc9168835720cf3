-- Why: a first page shows the largest groups, the heaviest users and those near their limits. Each
-- is a few of 100,000 rows of a month, so its query reads these rows once, and little else.

-- These functions plan with the values of each call, since an organization may have 10 members or
-- 100,000. They do not compile their plans, which takes longer than running them. To sort sums
-- takes longer than to hash them.

-- The sums of an organization between two midnights in UTC: by day and model, without a group, and
-- by group, without the others. Days that are not rolled up are read once for both. The tokens are
-- those of rows with usage that has no price; a row with priced usage too counts whole.
CREATE FUNCTION ai_usage_of_period(p_organization_id uuid, p_from timestamptz, p_to timestamptz)
RETURNS TABLE (
    group_id uuid, day date, provider text, model text, cost_micros numeric, usage_count numeric,
    unpriced_usage_count numeric, unpriced_tokens numeric
)
LANGUAGE plpgsql STABLE ROWS 100
SET jit = off SET enable_sort = off SET work_mem = '32MB'
SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    v_rolled tstzmultirange := ai_rolled_time(p_organization_id, ARRAY[p_from], p_to, 'day');
BEGIN
    RETURN QUERY
    WITH unrolled AS MATERIALIZED (
        SELECT q.group_id, q.provider, q.model, sum(q.cost_micros) AS cost_micros,
            date_bin('1 day', q.starts_at, '2020-01-01 00:00:00+00') AS day_starts_at,
            sum(q.usage_count) AS usage_count,
            sum(q.unpriced_usage_count) AS unpriced_usage_count,
            sum(q.unpriced_tokens) AS unpriced_tokens
        FROM ai_organization_sums(p_organization_id, v_rolled, p_from, p_to, NULL) AS q
        GROUP BY q.group_id, day_starts_at, q.provider, q.model
    ),
    rolled AS (
        SELECT lower(r.range) AS starts, upper(r.range) AS ends FROM unnest(v_rolled) AS r (range)
    )
    SELECT NULL::uuid, (s.day_starts_at AT TIME ZONE 'UTC')::date, s.provider, s.model,
        sum(s.cost_micros), sum(s.usage_count), sum(s.unpriced_usage_count), sum(s.unpriced_tokens)
    FROM (
        SELECT u.day_starts_at, u.provider, u.model, u.cost_micros, u.usage_count,
            u.unpriced_usage_count, u.unpriced_tokens
        FROM unrolled AS u
        UNION ALL
        SELECT date_bin('1 day', h.starts_at, '2020-01-01 00:00:00+00'), h.provider, h.model,
            h.cost_micros, h.usage_count, h.unpriced_usage_count, h.unpriced_tokens
        FROM rolled AS r
        CROSS JOIN LATERAL ai_organization_sums(
            p_organization_id, tstzmultirange(tstzrange(r.starts, r.ends)), r.starts, r.ends, 'hour'
        ) AS h
    ) AS s
    GROUP BY s.day_starts_at, s.provider, s.model
    UNION ALL
    SELECT s.group_id, NULL, NULL, NULL, sum(s.cost_micros), sum(s.usage_count),
        sum(s.unpriced_usage_count), NULL
    FROM (
        SELECT u.group_id, u.cost_micros, u.usage_count, u.unpriced_usage_count
        FROM unrolled AS u
        UNION ALL
        SELECT g.group_id, g.cost_micros, g.usage_count, g.unpriced_usage_count
        FROM rolled AS r
        CROSS JOIN LATERAL ai_organization_sums(
            p_organization_id, tstzmultirange(tstzrange(r.starts, r.ends)), r.starts, r.ends, 'day'
        ) AS g
    ) AS s
    GROUP BY s.group_id;
END
$$;

-- What was spent for each of these groups of an organization in a month, and the usage without a
-- price.
CREATE FUNCTION ai_spend_by_group(p_organization_id uuid, p_group_ids uuid [], p_month date)
RETURNS TABLE (group_id uuid, cost_micros numeric, unpriced_usage_count numeric)
LANGUAGE plpgsql STABLE ROWS 100
SET jit = off SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    RETURN QUERY
    SELECT s.group_id, sum(s.cost_micros), sum(s.unpriced_usage_count)
    FROM ai_group_spend_monthly AS s
    JOIN groups AS g ON g.id = s.group_id
    WHERE g.organization_id = p_organization_id AND s.month = p_month
        AND s.group_id = ANY(p_group_ids)
    GROUP BY s.group_id;
END
$$;

-- The users who spent most for an organization in a month; with ids, only these users. What a user
-- spent for all organizations is one row, and what the user spent for this one is no more. So the
-- largest of these rows are looked at first, and all users of the organization only if those do not
-- decide.
CREATE FUNCTION ai_heaviest_users(
    p_organization_id uuid, p_user_ids uuid [], p_month date, p_limit bigint
) RETURNS TABLE (user_id uuid, cost_micros numeric)
LANGUAGE plpgsql STABLE ROWS 10
SET jit = off SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    nobody CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
    v_looked_at bigint := 20 * p_limit;
    v_leaders uuid [] := p_user_ids;
    v_found bigint := 0;
    v_smallest numeric;
    v_users uuid [];
    v_costs numeric [];
BEGIN
    IF p_user_ids IS NULL THEN
        SELECT array_agg(l.user_id), count(*), min(l.cost_micros)
        INTO v_leaders, v_found, v_smallest
        FROM (
            SELECT s.user_id, s.cost_micros FROM ai_user_spend_monthly AS s
            WHERE s.month = p_month AND s.user_id <> nobody
            ORDER BY s.cost_micros DESC
            LIMIT v_looked_at
        ) AS l;
    END IF;
    SELECT array_agg(h.user_id), array_agg(h.cost_micros) INTO v_users, v_costs
    FROM (
        SELECT d.user_id, sum(d.cost_micros) AS cost_micros
        FROM ai_spend_daily AS d
        WHERE d.user_id = ANY(v_leaders) AND d.organization_id = p_organization_id
            AND d.day >= p_month AND d.day < p_month + interval '1 month'
        GROUP BY d.user_id
        ORDER BY sum(d.cost_micros) DESC, d.user_id
        LIMIT p_limit
    ) AS h;
    IF v_found < v_looked_at OR v_costs[p_limit] >= v_smallest THEN
        RETURN QUERY SELECT u.user_id, u.cost_micros
        FROM unnest(v_users, v_costs) AS u (user_id, cost_micros);
        RETURN;
    END IF;
    RETURN QUERY
    SELECT d.user_id, sum(d.cost_micros)
    FROM ai_spend_daily AS d
    WHERE d.organization_id = p_organization_id AND d.user_id <> nobody
        AND d.day >= p_month AND d.day < p_month + interval '1 month'
    GROUP BY d.user_id
    ORDER BY sum(d.cost_micros) DESC, d.user_id
    LIMIT p_limit;
END
$$;

-- The members of an organization whose spend of a month has reached a percentage of the limit in
-- effect, if that limit is of a group of the organization; with ids, only these users. A first look
-- finds whose spend is high enough for the highest budget of their groups, or for an override. The
-- rule of the effective budget decides.
CREATE FUNCTION ai_members_near_limit(
    p_organization_id uuid, p_user_ids uuid [], p_month date, p_percent bigint
) RETURNS TABLE (
    user_id uuid, group_id uuid, spend_limit_micros bigint, limit_source text, cost_micros numeric
)
LANGUAGE plpgsql STABLE ROWS 100
SET jit = off SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    v_share CONSTANT numeric := p_percent * 0.01;
    v_lowest numeric := (SELECT min(b.spend_limit_micros) FROM group_ai_budgets AS b) * v_share;
    v_users uuid [];
BEGIN
    WITH budgets AS MATERIALIZED (
        SELECT b.group_id, g.organization_id, b.spend_limit_micros
        FROM group_ai_budgets AS b
        JOIN groups AS g ON g.id = b.group_id
        JOIN organizations AS o ON o.id = g.organization_id AND o.deleted_at IS NULL
    ),
    spenders AS MATERIALIZED (
        SELECT s.user_id, s.cost_micros
        FROM ai_user_spend_monthly AS s
        WHERE s.month = p_month AND s.cost_micros > 0 AND s.cost_micros >= v_lowest
            AND (p_user_ids IS NULL OR s.user_id = ANY(p_user_ids))
    ),
    limits AS (
        SELECT s.user_id, s.cost_micros, b.organization_id, b.spend_limit_micros
        FROM spenders AS s
        JOIN group_members AS gm ON gm.user_id = s.user_id
        JOIN budgets AS b ON b.group_id = gm.group_id
        UNION ALL
        SELECT s.user_id, s.cost_micros, b.organization_id, b.spend_limit_micros
        FROM spenders AS s
        JOIN organization_members AS om ON om.user_id = s.user_id
        JOIN budgets AS b ON b.group_id = om.organization_id
    )
    SELECT array_agg(c.user_id) INTO v_users
    FROM (
        SELECT l.user_id
        FROM limits AS l
        GROUP BY l.user_id, l.cost_micros
        HAVING l.cost_micros >= max(l.spend_limit_micros) * v_share
            AND bool_or(l.organization_id = p_organization_id)
        UNION
        SELECT s.user_id
        FROM user_ai_budget_overrides AS v
        JOIN ai_user_spend_monthly AS s ON s.user_id = v.user_id AND s.month = p_month
        WHERE v.organization_id = p_organization_id AND s.cost_micros > 0
            AND s.cost_micros >= v.spend_limit_micros * v_share
            AND (p_user_ids IS NULL OR s.user_id = ANY(p_user_ids))
    ) AS c;
    RETURN QUERY
    WITH effective AS MATERIALIZED (
        SELECT e.user_id, e.group_id, e.spend_limit_micros, e.limit_source
        FROM ai_effective_budgets(v_users) AS e
    )
    SELECT s.user_id, e.group_id, e.spend_limit_micros, e.limit_source, s.cost_micros
    FROM effective AS e
    JOIN groups AS g ON g.id = e.group_id AND g.organization_id = p_organization_id
    JOIN users AS u ON u.id = e.user_id AND u.status <> 'deleted'
    JOIN ai_user_spend_monthly AS s ON s.user_id = e.user_id AND s.month = p_month
    WHERE s.cost_micros >= e.spend_limit_micros * v_share;
END
$$;

REVOKE ALL ON FUNCTION ai_usage_of_period(uuid, timestamptz, timestamptz),
ai_spend_by_group(uuid, uuid [], date), ai_heaviest_users(uuid, uuid [], date, bigint),
ai_members_near_limit(uuid, uuid [], date, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ai_usage_of_period(uuid, timestamptz, timestamptz),
ai_spend_by_group(uuid, uuid [], date), ai_heaviest_users(uuid, uuid [], date, bigint),
ai_members_near_limit(uuid, uuid [], date, bigint)
TO allowance_routes;
-- The names of what a user spent, for the user.
GRANT SELECT (provider, model) ON ai_spend_daily TO allowance_routes;
