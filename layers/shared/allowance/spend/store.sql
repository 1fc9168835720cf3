-- name: get_user_spend
-- needs: read user %(user_id)s
-- What a user spent in a period, for all groups together, what is held for calls, and the budget in
-- effect.
SELECT
    %(user_id)s::uuid AS user_id,
    e.group_id AS effective_group_id,
    CASE WHEN e.limit_source IS NOT NULL THEN
        jsonb_build_object(
            'spend_limit_micros', e.spend_limit_micros, 'limit_source', e.limit_source
        )
    END AS effective_budget,
    e.spend_limit_micros,
    e.limit_source,
    %(period_start)s::timestamptz AS period_start,
    %(period_end)s::timestamptz AS period_end,
    coalesce(s.cost_micros, 0) AS current_spend_micros,
    coalesce(s.unpriced_usage_count, 0) AS unpriced_usage_count,
    (
        SELECT coalesce(sum(h.amount_micros), 0)
        FROM ai_reservation_holds AS h
        WHERE h.user_id = %(user_id)s AND h.expires_at > now()
    ) AS reserved_micros
FROM ai_effective_budget(%(user_id)s) AS e
LEFT JOIN ai_user_spend_monthly AS s ON s.user_id = %(user_id)s
    AND s.month = (%(period_start)s::timestamptz AT TIME ZONE 'UTC')::date;

-- name: list_group_spend
-- needs: read group each %(group_ids)s in %(organization_id)s
-- The spend attributed to groups of an organization in a period, what is held for calls that count
-- for them, and the total limit of the members whose budget in effect is the group's. The total is
-- null without a budget, because there is no limit. It leaves deleted users out.
SELECT
    g.id AS group_id,
    t.spend_limit_micros,
    t.total_spend_limit_micros,
    coalesce(spent.cost_micros, 0) AS current_spend_micros,
    coalesce(held.amount_micros, 0) AS reserved_micros,
    coalesce(spent.unpriced_usage_count, 0) AS unpriced_usage_count
FROM groups AS g
JOIN organizations AS o ON o.id = g.organization_id AND o.deleted_at IS NULL
LEFT JOIN ai_group_spend_limit_totals(%(group_ids)s) AS t ON t.group_id = g.id
LEFT JOIN (
    -- Filter by the parameter, not by the rows above: then the planner knows the ids and uses the
    -- index.
    SELECT s.group_id, sum(s.cost_micros) AS cost_micros,
        sum(s.unpriced_usage_count) AS unpriced_usage_count
    FROM ai_group_spend_monthly AS s
    WHERE s.group_id = ANY(%(group_ids)s)
        AND s.month = (%(period_start)s::timestamptz AT TIME ZONE 'UTC')::date
    GROUP BY s.group_id
) AS spent ON spent.group_id = g.id
LEFT JOIN (
    SELECT h.group_id, sum(h.amount_micros) AS amount_micros
    FROM ai_reservation_holds AS h
    WHERE h.group_id = ANY(%(group_ids)s) AND h.expires_at > now()
    GROUP BY h.group_id
) AS held ON held.group_id = g.id
WHERE g.id = ANY(%(group_ids)s) AND g.organization_id = %(organization_id)s
ORDER BY g.id;

-- name: list_member_spend
-- needs: read group %(group_id)s
-- needs: read group_member each %(user_ids)s in %(organization_id)s
-- What members of a group spent for it in a period, what is held for their calls that count for it,
-- and their budgets. A budget of another organization's group is not shown.
SELECT
    m.user_id,
    eg.id AS effective_group_id,
    CASE WHEN eg.id IS NOT NULL AND e.limit_source IS NOT NULL THEN
        jsonb_build_object(
            'spend_limit_micros', e.spend_limit_micros, 'limit_source', e.limit_source
        )
    END AS effective_budget,
    CASE WHEN eg.id = m.group_id AND e.limit_source IS NOT NULL THEN
        jsonb_build_object(
            'spend_limit_micros', e.spend_limit_micros, 'limit_source', e.limit_source
        )
    END AS group_budget,
    coalesce(s.cost_micros, 0) AS group_spend_micros,
    (
        SELECT coalesce(sum(h.amount_micros), 0)
        FROM ai_reservation_holds AS h
        WHERE h.user_id = m.user_id AND h.expires_at > now() AND h.group_id = m.group_id
    ) AS reserved_micros,
    coalesce(s.unpriced_usage_count, 0) AS unpriced_usage_count
FROM group_members_expanded AS m
JOIN users AS u ON u.id = m.user_id AND u.status <> 'deleted'
JOIN ai_effective_budgets(%(user_ids)s) AS e ON e.user_id = m.user_id
LEFT JOIN groups AS eg ON eg.id = e.group_id AND eg.organization_id = m.organization_id
LEFT JOIN ai_group_spend_monthly AS s ON s.group_id = m.group_id AND s.user_id = m.user_id
    AND s.month = (%(period_start)s::timestamptz AT TIME ZONE 'UTC')::date
WHERE m.group_id = %(group_id)s AND m.organization_id = %(organization_id)s
    AND m.user_id = ANY(%(user_ids)s)
ORDER BY m.user_id;

-- name: sum_user_spend
-- needs: read user %(user_id)s
-- What a user spent on the UTC days of a period, for all groups together.
SELECT coalesce(sum(d.cost_micros), 0) AS current_spend_micros,
    coalesce(sum(d.unpriced_usage_count), 0) AS unpriced_usage_count
FROM ai_spend_daily AS d
WHERE d.user_id = %(user_id)s
    AND d.day >= (%(period_start)s::timestamptz AT TIME ZONE 'UTC')::date
    AND d.day < (%(period_end)s::timestamptz AT TIME ZONE 'UTC')::date;

-- name: sum_group_spend
-- needs: read group each %(group_ids)s in %(organization_id)s
-- What was spent for groups of an organization in another period than the current month, whose
-- limits and holds are not of it. Whole months have sums of their own.
WITH months AS MATERIALIZED (
    SELECT CASE WHEN w.starts < w.ends THEN w.starts ELSE %(period_end)s::timestamptz END AS starts,
        CASE WHEN w.starts < w.ends THEN w.ends ELSE %(period_end)s::timestamptz END AS ends
    FROM (
        SELECT date_trunc(
                'month',
                %(period_start)s::timestamptz AT TIME ZONE 'UTC' + interval '1 month -1 day'
            ) AT TIME ZONE 'UTC' AS starts,
            date_trunc('month', %(period_end)s::timestamptz, 'UTC') AS ends
    ) AS w
),
spent AS (
    SELECT s.group_id, s.cost_micros, s.unpriced_usage_count
    FROM months AS m
    JOIN ai_group_spend_monthly AS s ON s.group_id = ANY(%(group_ids)s)
        AND s.month >= (m.starts AT TIME ZONE 'UTC')::date
        AND s.month < (m.ends AT TIME ZONE 'UTC')::date
    UNION ALL
    SELECT q.group_id, q.cost_micros, q.unpriced_usage_count
    FROM months AS m
    CROSS JOIN LATERAL (
        VALUES (%(period_start)s::timestamptz, m.starts), (m.ends, %(period_end)s::timestamptz)
    ) AS e (starts, ends)
    CROSS JOIN LATERAL (
        -- OFFSET 0: read each range by the index.
        SELECT h.group_id, h.cost_micros, h.unpriced_usage_count
        FROM ai_usage_quarter_hourly AS h
        WHERE h.organization_id = %(organization_id)s
            AND h.starts_at >= e.starts AND h.starts_at < e.ends AND h.group_id = ANY(%(group_ids)s)
        OFFSET 0
    ) AS q
    WHERE e.starts < e.ends
)
SELECT g.id AS group_id, NULL::bigint AS spend_limit_micros,
    NULL::numeric AS total_spend_limit_micros,
    coalesce(s.cost_micros, 0) AS current_spend_micros, 0::numeric AS reserved_micros,
    coalesce(s.unpriced_usage_count, 0) AS unpriced_usage_count
FROM groups AS g
JOIN organizations AS o ON o.id = g.organization_id AND o.deleted_at IS NULL
LEFT JOIN (
    SELECT each.group_id, sum(each.cost_micros) AS cost_micros,
        sum(each.unpriced_usage_count) AS unpriced_usage_count
    FROM spent AS each
    GROUP BY each.group_id
) AS s ON s.group_id = g.id
WHERE g.id = ANY(%(group_ids)s) AND g.organization_id = %(organization_id)s
ORDER BY g.id;

-- name: sum_member_spend
-- needs: read group %(group_id)s
-- needs: read group_member each %(user_ids)s in %(organization_id)s
-- What members of a group spent for it in another period than the current month, and what others
-- spent for it then, who have left it or were deleted.
SELECT u.id AS user_id, NULL::uuid AS effective_group_id, NULL::jsonb AS effective_budget,
    NULL::jsonb AS group_budget, coalesce(s.cost_micros, 0) AS group_spend_micros,
    0::numeric AS reserved_micros, coalesce(s.unpriced_usage_count, 0) AS unpriced_usage_count
FROM users AS u
LEFT JOIN (
    SELECT d.user_id, sum(d.cost_micros) AS cost_micros,
        sum(d.unpriced_usage_count) AS unpriced_usage_count
    FROM ai_spend_daily AS d
    WHERE d.user_id = ANY(%(user_ids)s) AND d.group_id = %(group_id)s
        AND d.day >= (%(period_start)s::timestamptz AT TIME ZONE 'UTC')::date
        AND d.day < (%(period_end)s::timestamptz AT TIME ZONE 'UTC')::date
    GROUP BY d.user_id
) AS s ON s.user_id = u.id
WHERE u.id = ANY(%(user_ids)s)
    AND (
        s.user_id IS NOT NULL OR u.status <> 'deleted' AND EXISTS (
            SELECT 1 FROM group_members_expanded AS m
            WHERE m.group_id = %(group_id)s AND m.organization_id = %(organization_id)s
                AND m.user_id = u.id
        )
    )
ORDER BY u.id;
