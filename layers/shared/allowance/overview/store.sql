-- name: get_overview
-- needs: read group each %(group_ids)s in %(organization_id)s
-- needs: read group_member each %(user_ids)s in %(organization_id)s
-- needs: read audit_log in each %(audited_ids)s
-- Return all parts of the overview from one snapshot. NULL in place of ids means all of the
-- organization. Without all of its members, it shows what the given users used.
WITH period AS (
    SELECT (%(period_start)s::timestamptz AT TIME ZONE 'UTC')::date AS month,
        least((now() AT TIME ZONE 'UTC')::date, (%(period_end)s::timestamptz AT TIME ZONE 'UTC'
            - interval '1 day')::date) AS today
),
sums AS MATERIALIZED (
    SELECT u.group_id, u.day, u.provider, u.model, u.cost_micros, u.usage_count,
        u.unpriced_usage_count, u.unpriced_tokens
    FROM ai_usage_of_period(%(organization_id)s, %(period_start)s, %(period_end)s) AS u
    WHERE %(user_ids)s::uuid [] IS NULL OR %(group_ids)s::uuid [] IS NULL
),
used AS MATERIALIZED (
    SELECT u.day, u.provider, u.model, u.cost_micros, u.usage_count, u.unpriced_usage_count,
        u.unpriced_tokens
    FROM sums AS u
    WHERE u.day IS NOT NULL AND %(user_ids)s::uuid [] IS NULL
    UNION ALL
    SELECT d.day, d.provider, d.model, d.cost_micros, d.usage_count, d.unpriced_usage_count,
        CASE WHEN d.unpriced_usage_count > 0 THEN d.input_tokens + d.output_tokens
            + d.cache_read_tokens + d.cache_write_tokens + d.cache_write_1h_tokens ELSE 0 END
    FROM ai_spend_daily AS d
    WHERE d.user_id = ANY(%(user_ids)s::uuid []) AND d.organization_id = %(organization_id)s
        AND d.day >= (SELECT p.month FROM period AS p)
        AND d.day < (%(period_end)s::timestamptz AT TIME ZONE 'UTC')::date
),
by_model AS (
    SELECT u.provider, u.model, sum(u.cost_micros) AS cost_micros,
        sum(u.usage_count) AS usage_count, sum(u.unpriced_usage_count) AS unpriced_usage_count,
        sum(u.unpriced_tokens) AS unpriced_tokens
    FROM used AS u
    GROUP BY u.provider, u.model
),
nobodys AS (
    -- NULL: unknown to a caller who may not read all members.
    SELECT sum(coalesce(d.cost_micros, 0)) AS cost_micros,
        sum(coalesce(d.usage_count, 0)) AS usage_count
    FROM (SELECT 1 WHERE %(user_ids)s::uuid [] IS NULL) AS all_members
    LEFT JOIN ai_spend_daily AS d
        ON d.user_id = '00000000-0000-0000-0000-000000000000'
        AND d.organization_id = %(organization_id)s AND d.day >= (SELECT p.month FROM period AS p)
        AND d.day < (%(period_end)s::timestamptz AT TIME ZONE 'UTC')::date
),
group_spend AS MATERIALIZED (
    SELECT g.id, g.name, coalesce(s.cost_micros, 0) AS cost_micros,
        coalesce(s.unpriced_usage_count, 0) AS unpriced_usage_count
    FROM groups AS g
    LEFT JOIN (
        SELECT u.group_id, u.cost_micros, u.unpriced_usage_count
        FROM sums AS u
        WHERE u.group_id IS NOT NULL AND %(group_ids)s::uuid [] IS NULL
        UNION ALL
        SELECT b.group_id, b.cost_micros, b.unpriced_usage_count
        FROM ai_spend_by_group(
            %(organization_id)s, %(group_ids)s, (SELECT p.month FROM period AS p)
        ) AS b
    ) AS s ON s.group_id = g.id
    WHERE g.organization_id = %(organization_id)s
        AND (%(group_ids)s::uuid [] IS NULL OR g.id = ANY(%(group_ids)s::uuid []))
),
shown_groups AS MATERIALIZED (
    SELECT g.id, g.name, g.cost_micros, g.unpriced_usage_count
    FROM group_spend AS g
    ORDER BY g.cost_micros DESC, g.name
    LIMIT %(most_groups)s
),
group_limits AS MATERIALIZED (
    SELECT t.group_id, t.spend_limit_micros, t.total_spend_limit_micros
    FROM ai_group_spend_limit_totals(ARRAY(SELECT g.id FROM shown_groups AS g)) AS t
    -- Tells the planner how few there are. Otherwise it expects a long query, and compiles it.
    LIMIT %(most_groups)s
),
near_limit AS MATERIALIZED (
    SELECT n.user_id, n.group_id, n.spend_limit_micros, n.limit_source, n.cost_micros
    FROM ai_members_near_limit(
        %(organization_id)s, %(user_ids)s, (SELECT p.month FROM period AS p), 85
    ) AS n
),
readable AS MATERIALIZED (
    SELECT b.id, b.name, b.per, b.enforcement
    FROM ai_budgets AS b
    WHERE b.organization_id = %(organization_id)s AND b.ended_at IS NULL
        -- include: readable_budgets
)
SELECT
    CASE WHEN %(reads_usage)s THEN jsonb_build_object(
        'spent_micros', coalesce((SELECT sum(m.cost_micros) FROM by_model AS m), 0),
        'reserved_micros', (
            SELECT coalesce(sum(h.amount_micros), 0)
            FROM ai_reservation_holds AS h
            JOIN groups AS g ON g.id = h.group_id AND g.organization_id = %(organization_id)s
            WHERE h.expires_at > now()
                AND (%(user_ids)s::uuid [] IS NULL OR h.user_id = ANY(%(user_ids)s::uuid []))
        ),
        'usage_count', coalesce((SELECT sum(m.usage_count) FROM by_model AS m), 0),
        'unpriced_usage_count',
        coalesce((SELECT sum(m.unpriced_usage_count) FROM by_model AS m), 0),
        'unattributed_usage_count', n.usage_count, 'unattributed_micros', n.cost_micros
    ) END AS totals,
    (SELECT count(*) FROM group_spend) AS group_count,
    ARRAY(
        SELECT jsonb_build_object(
            'group_id', g.id, 'name', g.name, 'spend_limit_micros', l.spend_limit_micros,
            'total_spend_limit_micros', l.total_spend_limit_micros,
            'current_spend_micros', g.cost_micros,
            'reserved_micros', (
                SELECT coalesce(sum(h.amount_micros), 0) FROM ai_reservation_holds AS h
                WHERE h.group_id = g.id AND h.expires_at > now()
            ),
            'unpriced_usage_count', g.unpriced_usage_count,
            'member_count', CASE
                WHEN g.id = %(organization_id)s THEN (
                    SELECT count(*) FROM organization_members AS om
                    WHERE om.organization_id = g.id
                )
                ELSE (SELECT count(*) FROM group_members AS gm WHERE gm.group_id = g.id)
            END
        )
        FROM shown_groups AS g
        LEFT JOIN group_limits AS l ON l.group_id = g.id
        ORDER BY g.cost_micros DESC, g.name
    ) AS groups,
    (SELECT count(*) FROM readable) AS budget_count,
    ARRAY(
        SELECT jsonb_build_object(
            'budget_id', b.id, 'name', b.name, 'per', b.per, 'enforcement', b.enforcement,
            'period_start', f.period_start, 'period_end', f.period_end,
            'total', CASE WHEN b.per = 'total' THEN jsonb_build_object(
                'limit_micros', f.limit_micros, 'spent_micros', f.spent_micros,
                'reserved_micros', f.reserved_micros,
                'remaining_micros', f.limit_micros - f.spent_micros - f.reserved_micros
            ) END
        )
        FROM (
            SELECT r.id, r.name, r.per, r.enforcement FROM readable AS r
            ORDER BY r.name
            LIMIT %(most_budgets)s
        ) AS b
        CROSS JOIN LATERAL ai_budget_figures(
            b.id, CASE WHEN b.per = 'total' THEN '' END, now()
        ) AS f
        ORDER BY b.name
    ) AS budgets,
    (SELECT count(*) FROM near_limit) AS near_limit_count,
    ARRAY(
        SELECT jsonb_build_object(
            'user', jsonb_build_object('id', u.id, 'username', u.username),
            'group_id', m.group_id, 'spend_limit_micros', m.spend_limit_micros,
            'limit_source', m.limit_source, 'current_spend_micros', m.cost_micros
        )
        FROM (
            SELECT n.user_id, n.group_id, n.spend_limit_micros, n.limit_source, n.cost_micros,
                n.cost_micros / nullif(n.spend_limit_micros, 0) AS share
            FROM near_limit AS n
            ORDER BY share DESC NULLS FIRST, n.cost_micros DESC, n.user_id
            LIMIT %(most_members)s
        ) AS m
        -- By the key: there are few members, and many users.
        CROSS JOIN LATERAL (
            SELECT a.id, a.username FROM users AS a WHERE a.id = m.user_id OFFSET 0
        ) AS u
        ORDER BY m.share DESC NULLS FIRST, m.cost_micros DESC, m.user_id
    ) AS near_limit,
    ARRAY(
        SELECT jsonb_build_object(
            'day', each.day::date, 'cost_micros', coalesce(sum(u.cost_micros), 0),
            'usage_count', coalesce(sum(u.usage_count), 0),
            'unpriced_usage_count', coalesce(sum(u.unpriced_usage_count), 0)
        )
        FROM generate_series(p.month, p.today, interval '1 day') AS each (day)
        LEFT JOIN used AS u ON u.day = each.day::date
        WHERE %(reads_usage)s
        GROUP BY each.day
        ORDER BY each.day
    ) AS days,
    ARRAY(
        SELECT jsonb_build_object(
            'provider', m.provider, 'model', m.model, 'cost_micros', m.cost_micros,
            'usage_count', m.usage_count
        )
        FROM by_model AS m
        -- Usage that was taken back leaves sums of nothing.
        WHERE m.usage_count <> 0 OR m.cost_micros <> 0
        ORDER BY m.cost_micros DESC, m.usage_count DESC, m.provider, m.model
        LIMIT %(most)s
    ) AS models,
    ARRAY(
        SELECT jsonb_build_object(
            'user', jsonb_build_object('id', u.id, 'username', u.username),
            'cost_micros', s.cost_micros
        )
        FROM ai_heaviest_users(
            %(organization_id)s, %(user_ids)s, (SELECT p.month FROM period AS p), %(most)s
        ) AS s
        CROSS JOIN LATERAL (
            SELECT a.id, a.username FROM users AS a WHERE a.id = s.user_id OFFSET 0
        ) AS u
        ORDER BY s.cost_micros DESC, s.user_id
    ) AS users,
    ARRAY(
        SELECT jsonb_build_object(
            'provider', m.provider, 'model', m.model, 'usage_count', m.unpriced_usage_count,
            'tokens', m.unpriced_tokens
        )
        FROM by_model AS m
        WHERE m.unpriced_usage_count > 0
        ORDER BY m.unpriced_tokens DESC, m.unpriced_usage_count DESC, m.provider, m.model
        LIMIT %(most)s
    ) AS unpriced_models,
    ARRAY(
        SELECT jsonb_build_object(
            'id', a.id, 'created_at', a.created_at,
            'actor', jsonb_build_object('id', a.actor_id, 'username', a.actor_name),
            'action', a.action, 'resource_type', a.resource_type, 'resource_id', a.resource_id,
            'organization_id', a.organization_id, 'group_id', a.group_id, 'user_id', a.user_id,
            'before', a.before, 'after', a.after, 'request_id', a.request_id,
            'token_id', a.token_id
        )
        FROM audit_log AS a
        -- One id, so that the index gives the last entries: they are not sorted.
        WHERE a.organization_id = %(organization_id)s
            AND cardinality(%(audited_ids)s::uuid []) > 0
        ORDER BY a.id DESC NULLS LAST
        LIMIT %(most)s
    ) AS changes
FROM period AS p
CROSS JOIN nobodys AS n;
