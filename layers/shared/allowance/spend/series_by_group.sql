-- name: list_series_by_group
-- needs: read group_member in %(organization_id)s
-- The same by group without filters. Rolled-up days are read three times, each by few rows: groups
-- are ranked by an index, the first of them are read by day, and all usage by hour without the
-- group. The rest is what remains of all usage. Of a day in which a point starts, the first groups
-- are read by quarter of an hour.
WITH
-- include: series_asked
, rolled AS MATERIALIZED (
    -- All rolled-up days in the period; of these, the hours and the days that no point divides.
    SELECT ai_rolled_time(%(organization_id)s, a.starts[1:1], a.ends, 'day') AS days,
        ai_rolled_time(%(organization_id)s, a.starts, a.ends, 'hour') AS whole_hours,
        ai_rolled_time(%(organization_id)s, a.starts, a.ends, 'day') AS whole_days
    FROM asked AS a
),
ranges AS MATERIALIZED (
    SELECT r.kind, lower(t.range) AS starts, upper(t.range) AS ends,
        (lower(t.range) AT TIME ZONE 'UTC')::date AS first_day,
        (upper(t.range) AT TIME ZONE 'UTC')::date AS end_day
    FROM (
        SELECT 'day' AS kind, o.days AS time FROM rolled AS o
        UNION ALL
        SELECT 'whole day', o.whole_days FROM rolled AS o
        UNION ALL
        SELECT 'divided day', o.days - o.whole_days FROM rolled AS o
    ) AS r
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
        %(organization_id)s, r.days, a.starts[1], a.ends, NULL
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
            FROM ranges AS d
            CROSS JOIN LATERAL (
                SELECT o.group_id, o.cost_micros, o.unpriced_usage_count
                FROM ai_rolled_groups AS o
                WHERE o.organization_id = %(organization_id)s AND o.day >= d.first_day
                    AND o.day < d.end_day
                OFFSET 0
            ) AS g
            WHERE d.kind = 'day'
            UNION ALL
            SELECT u.group_id, u.cost_micros, u.unpriced_usage_count FROM unrolled AS u
        ) AS s
        GROUP BY s.group_id
        ORDER BY 2 DESC, 3 DESC, 4
        LIMIT %(top)s::bigint
    ) AS f
),
of_first AS MATERIALIZED (
    SELECT r.place, r.group_id, width_bucket(g.starts_at, a.starts) AS point,
        sum(g.cost_micros) AS cost_micros, sum(g.tokens + CASE
            WHEN g.other_units IS NULL THEN 0
            ELSE ai_quantity_of(g.other_units, %(token_units)s::text [])
        END) AS tokens, sum(g.usage_count) AS usage_count,
        sum(g.unpriced_usage_count) AS unpriced_usage_count
    FROM asked AS a
    CROSS JOIN ranked AS r
    CROSS JOIN LATERAL (
        SELECT s.starts_at, s.cost_micros, s.tokens, s.other_units, s.usage_count,
            s.unpriced_usage_count
        FROM ranges AS d
        CROSS JOIN generate_series(d.first_day, d.end_day - 1, interval '1 day') AS t (day)
        CROSS JOIN LATERAL (
            SELECT o.day::timestamp AT TIME ZONE 'UTC' AS starts_at, o.cost_micros, o.tokens,
                o.other_units, o.usage_count, o.unpriced_usage_count
            FROM ai_rolled_groups AS o
            WHERE o.organization_id = %(organization_id)s AND o.day = t.day::date
                AND o.group_id = r.group_id
            OFFSET 0
        ) AS s
        WHERE d.kind = 'whole day'
        UNION ALL
        SELECT s.starts_at, s.cost_micros, s.tokens, s.other_units, s.usage_count,
            s.unpriced_usage_count
        FROM ranges AS d
        CROSS JOIN generate_series(
            d.starts, d.ends - interval '15 minutes', interval '15 minutes'
        ) AS t (starts_at)
        CROSS JOIN LATERAL (
            SELECT o.starts_at, o.cost_micros,
                o.input_tokens + o.output_tokens + o.cache_read_tokens + o.cache_write_tokens
                + o.cache_write_1h_tokens AS tokens, o.other_units, o.usage_count,
                o.unpriced_usage_count
            FROM ai_usage_quarter_hourly AS o
            WHERE o.organization_id = %(organization_id)s AND o.starts_at = t.starts_at
                AND o.group_id = r.group_id
            OFFSET 0
        ) AS s
        WHERE d.kind = 'divided day'
    ) AS g
    GROUP BY r.place, r.group_id, point
),
parts AS (
    SELECT CASE WHEN r.place IS NULL THEN 'rest' ELSE 'key' END AS kind, r.place, r.group_id AS id,
        u.point, u.cost_micros, u.tokens, u.usage_count, u.unpriced_usage_count,
        u.group_id = '00000000-0000-0000-0000-000000000000' AS is_nobodys
    FROM unrolled AS u
    LEFT JOIN ranked AS r ON r.group_id = u.group_id
    UNION ALL
    -- Of the rolled-up days: all usage, less what the first spent.
    SELECT 'rest', NULL, NULL, width_bucket(q.starts_at, a.starts), q.cost_micros,
        q.tokens + CASE
            WHEN q.other_units IS NULL THEN 0
            ELSE ai_quantity_of(q.other_units, %(token_units)s::text [])
        END, q.usage_count, q.unpriced_usage_count, q.is_nobodys
    FROM asked AS a
    CROSS JOIN rolled AS o
    CROSS JOIN LATERAL unnest(o.days) AS d (range)
    CROSS JOIN LATERAL ai_organization_sums(
        %(organization_id)s, o.whole_hours * tstzmultirange(d.range), lower(d.range),
        upper(d.range), 'hour'
    ) AS q
    UNION ALL
    SELECT k.kind, CASE WHEN k.sign > 0 THEN f.place END, CASE WHEN k.sign > 0 THEN f.group_id END,
        f.point, k.sign * f.cost_micros, k.sign * f.tokens, k.sign * f.usage_count,
        k.sign * f.unpriced_usage_count, f.group_id = '00000000-0000-0000-0000-000000000000'
    FROM of_first AS f
    CROSS JOIN (VALUES ('key', 1), ('rest', -1)) AS k (kind, sign)
),
-- include: series_of_parts
-- include: series_placed
;
