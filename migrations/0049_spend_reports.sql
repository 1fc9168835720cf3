-- Why: reports of an organization's spend are by user, model and configured provider, for a period
-- of up to 31 days. Whole days come from the sums. Only what is before and after them, at most two
-- parts of a day, comes from the ledger.

-- Return the gateway's name of its provider for usage of a label set, else the provider; `other`
-- for the label set `other`. PostgreSQL puts the body in place of a call.
CREATE FUNCTION ai_reported_provider(p_label_set_id uuid, p_labels jsonb, p_provider text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN p_label_set_id = '00000000-0000-0000-0000-000000000001' THEN 'other'
    ELSE coalesce(p_labels ->> 'allowance/provider_name', p_provider)
END COLLATE "C";

-- Return the spend of an organization: the sums of the days from `p_first_day` to `p_end_day`,
-- which is exclusive, and the entries of the parts of days. `provider_name` is the gateway's name
-- of its provider, else the provider. `client` is the label of that key. Both are `other` for the
-- label set `other`. PostgreSQL puts the body in place of a call, and leaves out what the caller
-- ignores.
CREATE FUNCTION ai_reported_spend(
    p_organization_id uuid, p_first_day date, p_end_day date, p_part_starts timestamptz [],
    p_part_ends timestamptz []
) RETURNS TABLE (
    user_id uuid, group_id uuid, provider text, provider_name text, model text, client text,
    label_set_id uuid, input_tokens numeric, output_tokens numeric, cache_read_tokens numeric,
    cache_write_tokens numeric, cost_micros numeric, usage_count bigint,
    unpriced_usage_count bigint
)
LANGUAGE sql STABLE AS $$
    SELECT s.user_id, s.group_id, s.provider,
        ai_reported_provider(s.label_set_id, l.labels, s.provider),
        s.model,
        CASE
            WHEN s.label_set_id = '00000000-0000-0000-0000-000000000001' THEN 'other'
            ELSE coalesce(nullif(l.labels ->> 'client', ''), 'Unknown')
        END COLLATE "C",
        s.label_set_id, s.input_tokens, s.output_tokens, s.cache_read_tokens,
        s.cache_write_tokens, s.cost_micros, s.usage_count, s.unpriced_usage_count
    FROM (
        SELECT d.user_id, d.group_id, d.provider, d.model, d.label_set_id, d.input_tokens,
            d.output_tokens, d.cache_read_tokens,
            d.cache_write_tokens + d.cache_write_1h_tokens AS cache_write_tokens, d.cost_micros,
            d.usage_count, d.unpriced_usage_count
        FROM ai_spend_daily AS d
        WHERE d.organization_id = p_organization_id AND d.day >= p_first_day AND d.day < p_end_day
        UNION ALL
        SELECT u.user_id, u.group_id, u.provider, u.model, u.label_set_id, u.input_tokens,
            u.output_tokens, u.cache_read_tokens,
            u.cache_write_tokens + u.cache_write_1h_tokens, coalesce(u.cost_micros, 0),
            u.usage_count, u.unpriced_usage_count
        FROM unnest(p_part_starts, p_part_ends) AS p (starts_at, ends_at)
        JOIN ai_usage AS u ON u.organization_id = p_organization_id
            AND u.occurred_at >= p.starts_at AND u.occurred_at < p.ends_at
    ) AS s
    LEFT JOIN ai_label_sets AS l ON l.id = s.label_set_id
$$;

-- The groups that are gone. Their spend is in sums by group alone, so only this says whose it was.
CREATE TABLE ai_former_groups (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL
);
CREATE INDEX ai_former_groups_organization_id_idx ON ai_former_groups (organization_id);

CREATE FUNCTION remember_former_group() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO ai_former_groups (id, organization_id) VALUES (old.id, old.organization_id)
    ON CONFLICT (id) DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER groups_former AFTER DELETE ON groups
FOR EACH ROW EXECUTE FUNCTION remember_former_group();

-- Return what each user spent for an organization in a month, from the sums by group and month: one
-- row for each user and group. Usage of nobody has no group, so it comes from the sums by day.
CREATE FUNCTION ai_month_by_user(p_organization_id uuid, p_month date)
RETURNS TABLE (user_id uuid, cost_micros numeric, unpriced_usage_count numeric)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET jit = off SET work_mem = '64MB'
SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    RETURN QUERY
    SELECT m.user_id, sum(m.cost_micros), sum(m.unpriced_usage_count)
    FROM (
        SELECT s.user_id, s.cost_micros, s.unpriced_usage_count
        FROM (
            SELECT g.id FROM groups AS g WHERE g.organization_id = p_organization_id
            UNION ALL
            SELECT f.id FROM ai_former_groups AS f WHERE f.organization_id = p_organization_id
        ) AS o
        JOIN ai_group_spend_monthly AS s ON s.group_id = o.id AND s.month = p_month
        UNION ALL
        SELECT d.user_id, d.cost_micros, d.unpriced_usage_count
        FROM ai_spend_daily AS d
        WHERE d.user_id = '00000000-0000-0000-0000-000000000000'
            AND d.group_id = '00000000-0000-0000-0000-000000000000'
            AND d.organization_id = p_organization_id
            AND d.day >= p_month AND d.day < p_month + interval '1 month'
    ) AS m
    GROUP BY m.user_id
    -- Usage that was taken back leaves sums of nothing, and so does usage of free models.
    HAVING sum(m.cost_micros) <> 0 OR sum(m.unpriced_usage_count) <> 0 OR (
        SELECT sum(d.usage_count) <> 0 FROM ai_spend_daily AS d
        WHERE d.user_id = m.user_id AND d.organization_id = p_organization_id
            AND d.day >= p_month AND d.day < p_month + interval '1 month'
    );
END
$$;

-- Return what each user spent for an organization in a period, of what matches the filters.
CREATE FUNCTION ai_report_by_user(
    p_organization_id uuid, p_first_day date, p_end_day date, p_part_starts timestamptz [],
    p_part_ends timestamptz [], p_provider_name text, p_model text, p_client text
) RETURNS TABLE (user_id uuid, cost_micros numeric, unpriced_usage_count numeric)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET jit = off SET work_mem = '64MB'
SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    IF p_part_starts = '{}' AND num_nonnulls(p_provider_name, p_model, p_client) = 0
        AND extract(DAY FROM p_first_day) = 1 AND p_end_day = p_first_day + interval '1 month' THEN
        RETURN QUERY SELECT * FROM ai_month_by_user(p_organization_id, p_first_day);
        RETURN;
    END IF;
    RETURN QUERY
    SELECT r.user_id, sum(r.cost_micros), sum(r.unpriced_usage_count)
    FROM ai_reported_spend(
        p_organization_id, p_first_day, p_end_day, p_part_starts, p_part_ends
    ) AS r
    WHERE (p_provider_name IS NULL OR r.provider_name = p_provider_name)
        AND (p_model IS NULL OR r.model = p_model)
        AND (p_client IS NULL OR r.client = p_client)
    GROUP BY r.user_id
    HAVING sum(r.usage_count) <> 0 OR sum(r.cost_micros) <> 0;
END
$$;

-- Return the spend of an organization in a period by user, group, provider, name of the provider
-- and model, of what matches the filters. An aggregate in memory is quicker than a sort.
CREATE FUNCTION ai_report_in_detail(
    p_organization_id uuid, p_first_day date, p_end_day date, p_part_starts timestamptz [],
    p_part_ends timestamptz [], p_user_id uuid, p_group_id uuid, p_provider_name text, p_model text
) RETURNS TABLE (
    user_id uuid, group_id uuid, provider text, provider_name text, model text,
    input_tokens numeric, output_tokens numeric, cache_read_tokens numeric,
    cache_write_tokens numeric, cost_micros numeric
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET jit = off SET work_mem = '64MB' SET enable_sort = off
SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    RETURN QUERY
    SELECT d.user_id, d.group_id, d.provider, n.provider_name, d.model, sum(d.input_tokens),
        sum(d.output_tokens), sum(d.cache_read_tokens), sum(d.cache_write_tokens),
        sum(d.cost_micros)
    FROM (
        -- Without a filter by it, no row needs its labels yet.
        SELECT r.user_id, r.group_id, r.provider, r.model, r.label_set_id,
            sum(r.input_tokens) AS input_tokens, sum(r.output_tokens) AS output_tokens,
            sum(r.cache_read_tokens) AS cache_read_tokens,
            sum(r.cache_write_tokens) AS cache_write_tokens, sum(r.cost_micros) AS cost_micros,
            sum(r.usage_count) AS usage_count
        FROM ai_reported_spend(
            p_organization_id, p_first_day, p_end_day, p_part_starts, p_part_ends
        ) AS r
        WHERE (p_user_id IS NULL OR r.user_id = p_user_id)
            AND (p_group_id IS NULL OR r.group_id = p_group_id)
            AND (p_provider_name IS NULL OR r.provider_name = p_provider_name)
            AND (p_model IS NULL OR r.model = p_model)
        GROUP BY r.user_id, r.group_id, r.provider, r.model, r.label_set_id
    ) AS d
    LEFT JOIN ai_label_sets AS l ON l.id = d.label_set_id
    CROSS JOIN LATERAL (SELECT ai_reported_provider(d.label_set_id, l.labels, d.provider)
        AS provider_name) AS n
    GROUP BY d.user_id, d.group_id, d.provider, n.provider_name, d.model
    HAVING sum(d.usage_count) <> 0 OR sum(d.cost_micros) <> 0;
END
$$;

REVOKE ALL ON ai_former_groups
FROM PUBLIC, allowance_routes, allowance_jobs, allowance_directory;
REVOKE ALL ON FUNCTION ai_reported_provider(uuid, jsonb, text), remember_former_group(),
ai_month_by_user(uuid, date),
ai_reported_spend(uuid, date, date, timestamptz [], timestamptz []),
ai_report_by_user(uuid, date, date, timestamptz [], timestamptz [], text, text, text),
ai_report_in_detail(uuid, date, date, timestamptz [], timestamptz [], uuid, uuid, text, text)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ai_reported_provider(uuid, jsonb, text),
ai_reported_spend(uuid, date, date, timestamptz [], timestamptz []),
ai_report_by_user(uuid, date, date, timestamptz [], timestamptz [], text, text, text),
ai_report_in_detail(uuid, date, date, timestamptz [], timestamptz [], uuid, uuid, text, text)
TO allowance_routes;
GRANT SELECT (display_name) ON users TO allowance_routes;
GRANT SELECT (provider, model, label_set_id) ON ai_spend_daily TO allowance_routes;
GRANT SELECT (
    user_id, group_id, organization_id, provider, model, label_set_id, input_tokens,
    output_tokens, cache_read_tokens, cache_write_tokens, cache_write_1h_tokens, cost_micros,
    usage_count, unpriced_usage_count, occurred_at
) ON ai_usage TO allowance_routes;
