-- fragment: listed_user
    coalesce(p.user_id, '00000000-0000-0000-0000-000000000000') AS user_id,
    coalesce(u.username, '') AS username,

-- name: list_report_users
-- needs: read group_member in %(organization_id)s
-- A page of the users who spent something in a period, the most expensive first, with the count and
-- the totals of all who match the filters. One row without a user if the page is empty.
WITH spent AS MATERIALIZED (
    SELECT r.user_id, r.cost_micros, r.unpriced_usage_count
    FROM ai_report_by_user(
        %(organization_id)s, %(first_day)s, %(end_day)s, %(part_starts)s, %(part_ends)s,
        %(provider_name)s, %(model)s, %(client)s
    ) AS r
),
first_ones AS (
    -- Names are needed for equal amounts only.
    SELECT s.user_id, s.cost_micros, s.unpriced_usage_count
    FROM spent AS s
    ORDER BY s.cost_micros DESC
    FETCH FIRST (%(limit)s::bigint + %(offset)s::bigint) ROWS WITH TIES
),
page AS MATERIALIZED (
    SELECT f.user_id, f.cost_micros, f.unpriced_usage_count
    FROM first_ones AS f
    LEFT JOIN users AS u ON u.id = f.user_id
    ORDER BY f.cost_micros DESC, u.username, f.user_id
    LIMIT %(limit)s::bigint OFFSET %(offset)s::bigint
)
SELECT t.count, t.cost_micros AS total_cost_micros,
    t.unpriced_usage_count AS total_unpriced_usage_count, p.user_id IS NOT NULL AS is_listed,
    -- include: listed_user
    '' AS avatar_url, coalesce(u.display_name, '') AS name,
    coalesce(p.cost_micros, 0) AS cost_micros,
    coalesce(p.unpriced_usage_count, 0) AS unpriced_usage_count,
    coalesce(n.providers, '{}') AS providers, coalesce(n.clients, '{}') AS clients,
    coalesce(n.models, '{}') AS models
FROM (
    SELECT count(*) AS count, coalesce(sum(s.cost_micros), 0) AS cost_micros,
        coalesce(sum(s.unpriced_usage_count), 0) AS unpriced_usage_count
    FROM spent AS s
) AS t
LEFT JOIN page AS p ON true
LEFT JOIN users AS u ON u.id = p.user_id
LEFT JOIN LATERAL (
    SELECT array_agg(DISTINCT o.provider ORDER BY o.provider) AS providers,
        array_agg(DISTINCT o.client ORDER BY o.client) AS clients,
        array_agg(DISTINCT o.model ORDER BY o.model) AS models
    FROM (
        SELECT r.provider, r.client, r.model
        FROM ai_reported_spend(
            %(organization_id)s, %(first_day)s, %(end_day)s, %(part_starts)s, %(part_ends)s
        ) AS r
        WHERE r.user_id = p.user_id
            AND (%(provider_name)s::text IS NULL OR r.provider_name = %(provider_name)s::text)
            AND (%(model)s::text IS NULL OR r.model = %(model)s::text)
            AND (%(client)s::text IS NULL OR r.client = %(client)s::text)
        GROUP BY r.provider, r.client, r.model
        -- Usage that was taken back leaves sums of nothing.
        HAVING sum(r.usage_count) <> 0 OR sum(r.cost_micros) <> 0
    ) AS o
) AS n ON p.user_id IS NOT NULL
ORDER BY p.cost_micros DESC, u.username, p.user_id;

-- name: list_spend_details
-- needs: read group_member in %(organization_id)s
-- A page of an organization's spend in a period, by user, group, provider, name of the provider and
-- model, with the number of all rows. One row without a user if the page is empty.
WITH spent AS MATERIALIZED (
    SELECT r.user_id, r.group_id, r.provider, r.provider_name, r.model, r.input_tokens,
        r.output_tokens, r.cache_read_tokens, r.cache_write_tokens, r.cost_micros
    FROM ai_report_in_detail(
        %(organization_id)s, %(first_day)s, %(end_day)s, %(part_starts)s, %(part_ends)s,
        %(user_id)s, %(group_id)s, %(provider_name)s, %(model)s
    ) AS r
),
page AS MATERIALIZED (
    SELECT s.user_id, s.group_id, s.provider, s.provider_name, s.model, s.input_tokens,
        s.output_tokens, s.cache_read_tokens, s.cache_write_tokens, s.cost_micros
    FROM spent AS s
    ORDER BY s.user_id, s.group_id, s.provider, s.provider_name, s.model
    LIMIT %(limit)s::bigint OFFSET %(offset)s::bigint
)
SELECT t.count, p.user_id IS NOT NULL AS is_listed,
    -- include: listed_user
    coalesce(p.group_id, '00000000-0000-0000-0000-000000000000') AS group_id,
    coalesce(g.name, '') AS group_name, %(organization_id)s::uuid AS organization_id,
    %(organization_name)s::text AS organization_name, coalesce(p.model, '') AS model,
    coalesce(p.provider, '') AS provider, coalesce(p.provider_name, '') AS provider_name,
    coalesce(p.input_tokens, 0) AS input_tokens, coalesce(p.output_tokens, 0) AS output_tokens,
    coalesce(p.cache_read_tokens, 0) AS cache_read_tokens,
    coalesce(p.cache_write_tokens, 0) AS cache_write_tokens,
    coalesce(p.cost_micros, 0) AS cost_micros
FROM (SELECT count(*) AS count FROM spent) AS t
LEFT JOIN page AS p ON true
LEFT JOIN users AS u ON u.id = p.user_id
LEFT JOIN groups AS g ON g.id = p.group_id AND g.organization_id = %(organization_id)s
ORDER BY p.user_id, p.group_id, p.provider, p.provider_name, p.model;

-- name: list_missing_parts
-- needs: read group_member in %(organization_id)s
-- The parts of days whose usages are not all in the ledger any more: its months may be dropped, and
-- late usage makes a dropped one again. The sums have all of them.
SELECT p.starts_at
FROM unnest(%(part_starts)s::timestamptz [], %(part_ends)s::timestamptz []) AS p (
    starts_at, ends_at
)
CROSS JOIN LATERAL (
    SELECT coalesce(sum(d.usage_count), 0) AS usage_count,
        coalesce(sum(d.cost_micros), 0) AS cost_micros
    FROM ai_spend_daily AS d
    WHERE d.organization_id = %(organization_id)s
        AND d.day = (p.starts_at AT TIME ZONE 'UTC')::date
) AS s
CROSS JOIN LATERAL (
    SELECT coalesce(sum(u.usage_count), 0) AS usage_count,
        coalesce(sum(u.cost_micros), 0) AS cost_micros
    FROM ai_usage AS u
    WHERE u.organization_id = %(organization_id)s
        AND u.occurred_at >= date_trunc('day', p.starts_at, 'UTC')
        AND u.occurred_at < date_trunc('day', p.starts_at, 'UTC') + interval '1 day'
) AS e
WHERE (s.usage_count, s.cost_micros) <> (e.usage_count, e.cost_micros)
ORDER BY p.starts_at;
