-- name: list_budgets_so_far
-- needs: read group each %(group_ids)s in %(organization_id)s
-- needs: read group_member each %(user_ids)s in %(organization_id)s
-- A page of the budgets in force, by name, with what was spent so far and by day. One row more than
-- the page shows that another page exists. A budget of many limits, or without periods, has none.
WITH page AS MATERIALIZED (
    SELECT b.id, b.name, b.per, b.time_zone, b.starts_at, b.ends_at, b.period_unit
    FROM ai_budgets AS b
    WHERE b.organization_id = %(organization_id)s AND b.ended_at IS NULL
        AND (%(after_name)s::text IS NULL OR b.name > %(after_name)s::text)
        -- include: readable_budgets
    ORDER BY b.name
    LIMIT %(limit)s::bigint + 1
),
days AS MATERIALIZED (
    SELECT d.budget_id, array_agg(jsonb_build_object('day', d.day, 'micros', d.cost_micros)) AS days
    FROM ai_budget_days(
        %(organization_id)s, ARRAY(
            SELECT b.id FROM page AS b WHERE b.per = 'total' AND b.period_unit <> 'none'
        ), %(since)s
    ) AS d
    GROUP BY d.budget_id
)
SELECT b.id AS budget_id, b.name, b.per, b.time_zone, b.starts_at, b.ends_at,
    f.period_start, f.period_end, f.limit_micros, f.spent_micros, f.reserved_micros,
    coalesce(d.days, '{}') AS days
FROM page AS b
LEFT JOIN days AS d ON d.budget_id = b.id
CROSS JOIN LATERAL ai_budget_figures(b.id, CASE WHEN b.per = 'total' THEN '' END, now()) AS f
ORDER BY b.name;

-- name: get_allowance_so_far
-- needs: read user %(user_id)s
-- What a user spent in a period so far and by day, for all groups together, and the limit in
-- effect.
SELECT %(period_start)s::timestamptz AS period_start, %(period_end)s::timestamptz AS period_end,
    e.spend_limit_micros::numeric AS limit_micros, e.limit_source,
    coalesce(s.cost_micros, 0) AS spent_micros,
    (
        SELECT coalesce(sum(h.amount_micros), 0)
        FROM ai_reservation_holds AS h
        WHERE h.user_id = %(user_id)s AND h.expires_at > now()
    ) AS reserved_micros,
    ARRAY(
        SELECT jsonb_build_object('day', d.day, 'micros', sum(d.cost_micros))
        FROM ai_spend_daily AS d
        WHERE d.user_id = %(user_id)s AND d.day >= (%(since)s::timestamptz AT TIME ZONE 'UTC')::date
        GROUP BY d.day
    ) AS days
FROM ai_effective_budget(%(user_id)s) AS e
LEFT JOIN ai_user_spend_monthly AS s ON s.user_id = %(user_id)s
    AND s.month = (%(period_start)s::timestamptz AT TIME ZONE 'UTC')::date;

-- name: get_group_so_far
-- needs: read group %(group_id)s
-- What was spent for a group in a period so far and by day, and what its members may spend
-- together.
SELECT %(period_start)s::timestamptz AS period_start, %(period_end)s::timestamptz AS period_end,
    (
        SELECT t.total_spend_limit_micros
        FROM ai_group_spend_limit_totals(ARRAY[%(group_id)s::uuid]) AS t
    ) AS limit_micros,
    (
        SELECT coalesce(sum(s.cost_micros), 0)
        FROM ai_group_spend_monthly AS s
        WHERE s.group_id = %(group_id)s
            AND s.month = (%(period_start)s::timestamptz AT TIME ZONE 'UTC')::date
    ) AS spent_micros,
    (
        SELECT coalesce(sum(h.amount_micros), 0)
        FROM ai_reservation_holds AS h
        WHERE h.group_id = %(group_id)s AND h.expires_at > now()
    ) AS reserved_micros,
    ARRAY(
        SELECT jsonb_build_object('day', d.day, 'micros', d.cost_micros)
        FROM ai_group_days(%(organization_id)s, %(group_id)s, %(since)s) AS d
    ) AS days;
