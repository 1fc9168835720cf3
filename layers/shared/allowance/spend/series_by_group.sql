-- name: list_series_by_group
-- needs: read group_member in %(organization_id)s
-- The same by group without filters. Rolled-up days are read three times, each by few rows: groups
-- are ranked by an index, the first of them are read by day, and all usage by hour without the
-- group. The rest is what remains of all usage.
WITH
-- include: series_asked
, rolled AS MATERIALIZED (
    SELECT ai_rolled_time(%(organization_id)s, a.starts, a.ends, 'day') AS time FROM asked AS a
),
days AS MATERIALIZED (
    SELECT (lower(t.range) AT TIME ZONE 'UTC')::date AS starts,
        (upper(t.range) AT TIME ZONE 'UTC')::date AS ends
    FROM rolled AS r
    CROSS JOIN LATERAL unnest(r.time) AS t (range)
),
unrolled AS MATERIALIZED (
    SELECT width_bucket(q.starts_at, a.starts) AS point, q.group_id,
        sum(q.cost_micros) AS cost_micros,
        sum(q.tokens + CASE
            WHEN q.other_units IS NULL THEN 0
            ELSE ai_quantity_of(q.other_units, %(token_units)s::text [])
        END) AS tokens,
        ai_counts(q.usage_count) AS usage_count,
        ai_counts(q.unpriced_usage_count) AS unpriced_usage_count
    FROM asked AS a
    CROSS JOIN rolled AS r
    CROSS JOIN LATERAL ai_organization_sums(
        %(organization_id)s, r.time, a.starts[1], a.ends, NULL
    ) AS q
    GROUP BY 1, 2
),
ranked AS MATERIALIZED (
    SELECT f.group_id, row_number() OVER (
        ORDER BY f.cost_micros DESC, f.unpriced_usage_count DESC, f.known_group
    ) AS place
    FROM (
        SELECT s.group_id, sum(s.cost_micros) AS cost_micros,
            sum(s.unpriced_usage_count) AS unpriced_usage_count,
            nullif(s.group_id, '00000000-0000-0000-0000-000000000000') AS known_group
        FROM (
            -- OFFSET 0: read the index, which has these columns.
            SELECT g.group_id, g.cost_micros, g.unpriced_usage_count
            FROM days AS d
            CROSS JOIN LATERAL (
                SELECT o.group_id, o.cost_micros, o.unpriced_usage_count
                FROM ai_rolled_groups AS o
                WHERE o.organization_id = %(organization_id)s AND o.day >= d.starts
                    AND o.day < d.ends
                OFFSET 0
            ) AS g
            UNION ALL
            SELECT u.group_id, u.cost_micros, u.unpriced_usage_count FROM unrolled AS u
        ) AS s
        GROUP BY s.group_id
        ORDER BY 2 DESC, 3 DESC, 4
        LIMIT %(top)s::bigint
    ) AS f
),
parts AS (
    SELECT CASE WHEN r.place IS NULL THEN 'rest' ELSE 'key' END AS kind, r.place, r.group_id AS id,
        u.point, u.cost_micros, u.tokens, u.usage_count, u.unpriced_usage_count,
        u.group_id = '00000000-0000-0000-0000-000000000000' AS is_nobodys
    FROM unrolled AS u
    LEFT JOIN ranked AS r ON r.group_id = u.group_id
    UNION ALL
    -- Of the rolled-up days: all usage, less what the first spent.
    SELECT 'rest', NULL, NULL, width_bucket(h.starts_at, a.starts), h.cost_micros,
        h.tokens + CASE
            WHEN h.other_units IS NULL THEN 0
            ELSE ai_quantity_of(h.other_units, %(token_units)s::text [])
        END, h.usage_count, h.unpriced_usage_count, h.is_nobodys
    FROM asked AS a
    CROSS JOIN days AS d
    CROSS JOIN LATERAL (
        SELECT o.starts_at, o.cost_micros, o.tokens, o.other_units, o.usage_count,
            o.unpriced_usage_count, o.is_nobodys
        FROM ai_rolled_hours AS o
        WHERE o.organization_id = %(organization_id)s
            AND o.starts_at >= d.starts::timestamp AT TIME ZONE 'UTC'
            AND o.starts_at < d.ends::timestamp AT TIME ZONE 'UTC'
        OFFSET 0
    ) AS h
    UNION ALL
    SELECT k.kind, CASE WHEN k.sign > 0 THEN r.place END, CASE WHEN k.sign > 0 THEN r.group_id END,
        width_bucket(g.starts_at, a.starts), k.sign * g.cost_micros, k.sign * g.tokens,
        k.sign * g.usage_count, k.sign * g.unpriced_usage_count,
        r.group_id = '00000000-0000-0000-0000-000000000000'
    FROM asked AS a
    CROSS JOIN ranked AS r
    CROSS JOIN days AS d
    CROSS JOIN generate_series(d.starts, d.ends - 1, interval '1 day') AS t (day)
    CROSS JOIN LATERAL (
        SELECT o.day::timestamp AT TIME ZONE 'UTC' AS starts_at, o.cost_micros,
            o.tokens + CASE
                WHEN o.other_units IS NULL THEN 0
                ELSE ai_quantity_of(o.other_units, %(token_units)s::text [])
            END AS tokens, o.usage_count, o.unpriced_usage_count
        FROM ai_rolled_groups AS o
        WHERE o.organization_id = %(organization_id)s AND o.day = t.day::date
            AND o.group_id = r.group_id
        OFFSET 0
    ) AS g
    CROSS JOIN (VALUES ('key', 1), ('rest', -1)) AS k (kind, sign)
),
-- include: series_of_parts
-- include: series_placed
;
