-- name: list_series_by_user
-- needs: read group_member in %(organization_id)s
-- The same by user without filters but a group: users are ranked by the sums of whole months, and
-- of days where the period begins or ends within a month. Only the days of the first are read. The
-- rest is what remains of all usage. Usage of nobody, which has no group, is ranked by its days.
WITH
-- include: series_asked
, sums AS (
-- include: series_quarters
),
totals AS MATERIALIZED (
    SELECT width_bucket(q.starts_at, (SELECT a.starts FROM asked AS a)) AS point, q.group_id,
        sum(q.cost_micros) AS cost_micros, sum(q.tokens) AS tokens,
        ai_counts(q.usage_count) AS usage_count,
        ai_counts(q.unpriced_usage_count) AS unpriced_usage_count
    FROM sums AS q
    GROUP BY 1, 2
),
days AS MATERIALIZED (
    -- The period, and the whole months in it.
    SELECT d.starts, d.ends, CASE WHEN w.starts < w.ends THEN w.starts ELSE d.ends END AS months,
        CASE WHEN w.starts < w.ends THEN w.ends ELSE d.ends END AS months_end
    FROM (
        SELECT (a.starts[1] AT TIME ZONE 'UTC')::date AS starts,
            (a.ends AT TIME ZONE 'UTC')::date AS ends
        FROM asked AS a
    ) AS d
    CROSS JOIN LATERAL (
        SELECT date_trunc('month', d.starts + interval '1 month -1 day')::date AS starts,
            date_trunc('month', d.ends)::date AS ends
    ) AS w
),
spent AS (
    -- OFFSET 0: read each group and each range by an index, whatever the planner expects of them.
    SELECT m.user_id, m.cost_micros, m.unpriced_usage_count
    FROM (
        SELECT DISTINCT t.group_id FROM totals AS t
        WHERE t.group_id <> '00000000-0000-0000-0000-000000000000'
    ) AS g
    CROSS JOIN LATERAL (
        SELECT s.user_id, s.cost_micros, s.unpriced_usage_count
        FROM ai_group_spend_monthly AS s
        WHERE s.group_id = g.group_id AND s.month >= (SELECT e.months FROM days AS e)
            AND s.month < (SELECT e.months_end FROM days AS e)
        OFFSET 0
    ) AS m
    UNION ALL
    SELECT m.user_id, m.cost_micros, m.unpriced_usage_count
    FROM days AS e
    CROSS JOIN LATERAL (VALUES (e.starts, e.months), (e.months_end, e.ends)) AS r (starts, ends)
    CROSS JOIN LATERAL (
        SELECT d.user_id, d.cost_micros, d.unpriced_usage_count
        FROM ai_spend_daily AS d
        WHERE d.organization_id = %(organization_id)s AND d.day >= r.starts AND d.day < r.ends
            AND d.user_id <> '00000000-0000-0000-0000-000000000000'
            AND (
                %(group_id)s::uuid IS NULL AND %(group_name)s::text IS NULL
                OR d.group_id = (SELECT a.group_id FROM asked AS a)
            )
        OFFSET 0
    ) AS m
    WHERE r.starts < r.ends
    UNION ALL
    SELECT d.user_id, d.cost_micros, d.unpriced_usage_count
    FROM ai_spend_daily AS d
    WHERE d.user_id = '00000000-0000-0000-0000-000000000000'
        AND d.organization_id = %(organization_id)s
        AND d.day >= (SELECT e.starts FROM days AS e) AND d.day < (SELECT e.ends FROM days AS e)
        AND %(group_id)s::uuid IS NULL AND %(group_name)s::text IS NULL
),
ranked AS MATERIALIZED (
    SELECT f.user_id, row_number() OVER (
        ORDER BY f.cost_micros DESC, f.unpriced_usage_count DESC, f.person
    ) AS place
    FROM (
        SELECT s.user_id, sum(s.cost_micros) AS cost_micros,
            sum(s.unpriced_usage_count) AS unpriced_usage_count,
            nullif(s.user_id, '00000000-0000-0000-0000-000000000000') AS person
        FROM spent AS s
        GROUP BY s.user_id
        ORDER BY 2 DESC, 3 DESC, 4
        LIMIT %(top)s::bigint
    ) AS f
),
of_first AS MATERIALIZED (
    SELECT r.place, r.user_id, q.point, sum(q.cost_micros) AS cost_micros,
        sum(q.tokens) AS tokens, sum(q.usage_count) AS usage_count,
        sum(q.unpriced_usage_count) AS unpriced_usage_count
    FROM ranked AS r
    CROSS JOIN LATERAL (
        SELECT width_bucket(u.starts_at, (SELECT a.starts FROM asked AS a)) AS point,
            u.cost_micros, u.tokens, u.usage_count, u.unpriced_usage_count
        FROM (
-- include: series_days
                AND d.organization_id = %(organization_id)s AND d.user_id = r.user_id
        ) AS u
    ) AS q
    GROUP BY r.place, r.user_id, q.point
),
parts AS (
    -- All usage, less what the first spent.
    SELECT 'key' AS kind, f.place, f.user_id AS id, f.point, f.cost_micros, f.tokens,
        f.usage_count, f.unpriced_usage_count,
        f.user_id = '00000000-0000-0000-0000-000000000000' AS is_nobodys
    FROM of_first AS f
    UNION ALL
    SELECT 'rest', NULL, NULL, t.point, t.cost_micros, t.tokens, t.usage_count,
        t.unpriced_usage_count, t.group_id = '00000000-0000-0000-0000-000000000000'
    FROM totals AS t
    UNION ALL
    SELECT 'rest', NULL, NULL, f.point, -f.cost_micros, -f.tokens, -f.usage_count,
        -f.unpriced_usage_count, f.user_id = '00000000-0000-0000-0000-000000000000'
    FROM of_first AS f
),
-- include: series_of_parts
-- include: series_placed
;
