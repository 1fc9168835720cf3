-- fragment: series_asked
asked AS MATERIALIZED (
    -- The points of a series, and the group and the user that its filters name.
    SELECT p.starts, p.ends,
        CASE WHEN %(group_name)s::text IS NULL THEN %(group_id)s::uuid ELSE (
            SELECT g.id FROM groups AS g
            WHERE g.organization_id = %(organization_id)s AND g.name = %(group_name)s::text
        ) END AS group_id,
        CASE WHEN %(named_username)s::text IS NULL THEN %(named_user_id)s::uuid ELSE (
            SELECT u.id FROM users AS u
            JOIN organization_members AS m
                ON m.user_id = u.id AND m.organization_id = %(organization_id)s
            WHERE u.username = %(named_username)s::text
        ) END AS user_id
    FROM ai_series_period(
        %(by)s, %(time_zone)s, %(month)s::date, %(starts_at)s::timestamptz,
        %(ends_at)s::timestamptz
    ) AS p
)

-- fragment: series_quarters
    -- Those of one group are read quarter by quarter: the number of other groups costs nothing.
    SELECT h.starts_at, h.is_nobodys, h.group_id, NULL::uuid AS user_id, h.provider, h.model,
        h.label_set_id, h.cost_micros, h.tokens + CASE
            WHEN h.other_units IS NULL THEN 0
            ELSE ai_quantity_of(h.other_units, %(token_units)s::text [])
        END AS tokens, h.usage_count, h.unpriced_usage_count
    FROM asked AS a
    CROSS JOIN LATERAL (
        SELECT ai_rolled_time(
            %(organization_id)s, a.starts, a.ends, %(rolled_by)s::text
        ) AS rolled
        OFFSET 0
    ) AS r
    CROSS JOIN LATERAL ai_organization_sums(
        %(organization_id)s, r.rolled, a.starts[1], a.ends, %(rolled_by)s::text
    ) AS h
    WHERE %(group_id)s::uuid IS NULL AND %(group_name)s::text IS NULL
    UNION ALL
    SELECT t.starts_at, false, h.group_id, NULL, h.provider, h.model, h.label_set_id,
        h.cost_micros, h.tokens, h.usage_count, h.unpriced_usage_count
    FROM asked AS a
    CROSS JOIN generate_series(
        a.starts[1], a.ends - interval '15 minutes', interval '15 minutes'
    ) AS t (starts_at)
    CROSS JOIN LATERAL (
        SELECT o.group_id, o.provider, o.model, o.label_set_id, o.cost_micros,
            o.input_tokens + o.output_tokens + o.cache_read_tokens + o.cache_write_tokens
            + o.cache_write_1h_tokens + CASE
            WHEN o.other_units IS NULL THEN 0
            ELSE ai_quantity_of(o.other_units, %(token_units)s::text [])
        END AS tokens, o.usage_count,
            o.unpriced_usage_count
        FROM ai_usage_quarter_hourly AS o
        WHERE o.organization_id = %(organization_id)s AND o.starts_at = t.starts_at
            AND o.group_id = a.group_id
        OFFSET 0
    ) AS h
    WHERE %(group_id)s::uuid IS NOT NULL OR %(group_name)s::text IS NOT NULL

-- fragment: series_days
    SELECT d.day::timestamp AT TIME ZONE 'UTC' AS starts_at,
        d.user_id = '00000000-0000-0000-0000-000000000000' AS is_nobodys, d.group_id, d.user_id,
        d.provider, d.model, d.label_set_id, d.cost_micros,
        d.input_tokens + d.output_tokens + d.cache_read_tokens + d.cache_write_tokens
        + d.cache_write_1h_tokens + CASE
            WHEN d.other_units IS NULL THEN 0
            ELSE ai_quantity_of(d.other_units, %(token_units)s::text [])
        END AS tokens, d.usage_count, d.unpriced_usage_count
    FROM ai_spend_daily AS d
    WHERE d.day >= ((SELECT a.starts[1] FROM asked AS a) AT TIME ZONE 'UTC')::date
        AND d.day < ((SELECT a.ends FROM asked AS a) AT TIME ZONE 'UTC')::date
        AND (
            %(group_id)s::uuid IS NULL AND %(group_name)s::text IS NULL
            OR d.group_id = (SELECT a.group_id FROM asked AS a)
        )

-- fragment: series_of_sums
found AS MATERIALIZED (
    SELECT width_bucket(q.starts_at, (SELECT a.starts FROM asked AS a)) AS point, q.is_nobodys,
        CASE %(split)s::text
            WHEN 'model' THEN q.model
            WHEN 'provider' THEN q.provider
            WHEN 'group' THEN nullif(q.group_id, '00000000-0000-0000-0000-000000000000')::text
            WHEN 'user' THEN nullif(q.user_id, '00000000-0000-0000-0000-000000000000')::text
        END AS part,
        CASE
            WHEN %(split_label)s::text IS NOT NULL OR %(label_key)s::text IS NOT NULL
                THEN q.label_set_id
        END AS label_set_id,
        sum(q.cost_micros) AS cost_micros, sum(q.tokens) AS tokens,
        ai_counts(q.usage_count) AS usage_count,
        ai_counts(q.unpriced_usage_count) AS unpriced_usage_count
    FROM sums AS q
    WHERE (%(model)s::text IS NULL OR q.model = %(model)s::text)
        AND (%(provider)s::text IS NULL OR q.provider = %(provider)s::text)
    GROUP BY 1, 2, 3, 4
),
keyed AS MATERIALIZED (
    -- The set `other` has no row: its labels are not known.
    SELECT f.point, f.is_nobodys, f.label_set_id IS NOT NULL AND l.id IS NULL AS is_other,
        coalesce(l.labels ->> %(split_label)s::text, f.part) AS key, f.cost_micros, f.tokens,
        f.usage_count, f.unpriced_usage_count
    FROM found AS f
    LEFT JOIN LATERAL (
        -- OFFSET 0: read the sets that occur by their ids, and not all sets of all organizations.
        SELECT s.id, s.labels FROM ai_label_sets AS s WHERE s.id = f.label_set_id OFFSET 0
    ) AS l ON true
    WHERE %(label_key)s::text IS NULL OR l.id IS NULL
        OR l.labels ->> %(label_key)s::text = %(label_value)s::text
),
ranked AS (
    SELECT k.key, row_number() OVER (
        ORDER BY sum(k.cost_micros) DESC, sum(k.unpriced_usage_count) DESC,
            k.key COLLATE "C" NULLS LAST
    ) AS place
    FROM keyed AS k
    WHERE NOT k.is_other
    GROUP BY k.key
),
placed AS (
    SELECT CASE WHEN k.is_other THEN 'other' WHEN r.place IS NULL THEN 'rest' ELSE 'key' END
            AS kind,
        r.place, r.key, k.point, sum(k.cost_micros) AS cost_micros, sum(k.tokens) AS tokens,
        sum(k.usage_count) AS usage_count, sum(k.unpriced_usage_count) AS unpriced_usage_count,
        coalesce(sum(k.cost_micros) FILTER (WHERE k.is_nobodys), 0) AS unattributed_micros,
        coalesce(sum(k.usage_count) FILTER (WHERE k.is_nobodys), 0) AS unattributed_usage_count
    FROM keyed AS k
    -- Two conditions that can be hashed, in place of IS NOT DISTINCT FROM.
    LEFT JOIN ranked AS r
        ON coalesce(r.key, '') = coalesce(k.key, '') AND (r.key IS NULL) = (k.key IS NULL)
        AND r.place <= %(top)s::bigint AND NOT k.is_other
    GROUP BY 1, 2, 3, 4
)

-- fragment: series_of_parts
-- The points of each key, and of the rest, from the `parts` that add up to them. `id` is the key.
placed AS (
    SELECT p.kind, p.place, nullif(p.id, '00000000-0000-0000-0000-000000000000')::text AS key,
        p.point, sum(p.cost_micros) AS cost_micros, sum(p.tokens) AS tokens,
        sum(p.usage_count) AS usage_count, sum(p.unpriced_usage_count) AS unpriced_usage_count,
        coalesce(sum(p.cost_micros) FILTER (WHERE p.is_nobodys), 0) AS unattributed_micros,
        coalesce(sum(p.usage_count) FILTER (WHERE p.is_nobodys), 0) AS unattributed_usage_count
    FROM parts AS p
    GROUP BY 1, 2, 3, 4
    HAVING p.kind = 'key' OR sum(p.usage_count) <> 0 OR sum(p.cost_micros) <> 0
        OR sum(p.tokens) <> 0 OR sum(p.unpriced_usage_count) <> 0
)

-- fragment: series_placed
SELECT p.kind, p.place, p.key, coalesce(u.username, g.name) AS name, p.point, p.cost_micros,
    p.tokens, p.usage_count, p.unpriced_usage_count, p.unattributed_micros,
    p.unattributed_usage_count
FROM placed AS p
LEFT JOIN users AS u ON u.id = CASE WHEN %(split)s::text = 'user' THEN p.key::uuid END
LEFT JOIN groups AS g
    ON g.id = CASE WHEN %(split)s::text = 'group' AND %(shows_groups)s THEN p.key::uuid END
ORDER BY p.place, p.kind, p.point

-- name: get_series_terms
-- needs: read group_member in %(organization_id)s
-- Return the points of an organization's or group's series, and the ids of what its filters name.
WITH
-- include: series_asked
SELECT a.starts, a.ends, a.group_id, a.user_id FROM asked AS a;

-- name: list_series
-- needs: read group_member in %(organization_id)s
-- The points that are not empty of the series of an organization, or of one group of it, with the
-- highest cost, and of the rest.
WITH
-- include: series_asked
, sums AS (
-- include: series_quarters
),
-- include: series_of_sums
-- include: series_placed
;

-- name: list_series_of_users
-- needs: read group_member in %(organization_id)s
-- The same from the sums of users: of one, or by user.
WITH
-- include: series_asked
, sums AS (
-- include: series_days
        AND d.organization_id = %(organization_id)s
        AND (
            %(named_user_id)s::uuid IS NULL AND %(named_username)s::text IS NULL
            OR d.user_id = (SELECT a.user_id FROM asked AS a)
        )
),
-- include: series_of_sums
-- include: series_placed
;

-- name: get_user_series_terms
-- needs: read user %(user_id)s
-- Return the points of a user's series.
SELECT p.starts, p.ends, NULL::uuid AS group_id, %(user_id)s::uuid AS user_id
FROM ai_series_period(
    %(by)s, %(time_zone)s, %(month)s::date, %(starts_at)s::timestamptz,
    %(ends_at)s::timestamptz
) AS p;

-- name: list_user_series
-- needs: read user %(user_id)s
-- The points that are not empty of the series of a user, in whatever organization.
WITH asked AS MATERIALIZED (
    SELECT p.starts, p.ends, %(group_id)s::uuid AS group_id, %(group_name)s::text AS group_name
    FROM ai_series_period(
        %(by)s, %(time_zone)s, %(month)s::date, %(starts_at)s::timestamptz,
        %(ends_at)s::timestamptz
    ) AS p
),
sums AS (
-- include: series_days
        AND d.user_id = %(user_id)s
),
-- include: series_of_sums
-- include: series_placed
;
