-- Why: an alert follows the state of a budget, not the write that changed it. These functions
-- compare allowances with what is alerted, when usage is recorded and when a limit has changed.

-- Raise what is due of the spend of these users in these months. Only the highest threshold that is
-- reached raises an alert, and only if a lower one was alerted last. It returns how many alerts.
-- The lock on the sum of the month comes before the look at the limit, so no older view of either
-- overwrites a newer one. A writer of usage has the locks already.
CREATE FUNCTION raise_ai_allowance_alerts(
    p_user_ids uuid [], p_months date [], p_thresholds bigint []
) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    raised bigint;
BEGIN
    PERFORM FROM ai_user_spend_monthly AS s
    JOIN unnest(p_user_ids, p_months) AS w (user_id, month)
        ON w.user_id = s.user_id AND w.month = s.month
    ORDER BY s.user_id, s.month
    FOR NO KEY UPDATE OF s;
    WITH looked AS MATERIALIZED (
        SELECT e.user_id, e.group_id, g.organization_id, e.spend_limit_micros, e.limit_source,
            s.month::timestamp AT TIME ZONE 'UTC' AS period_start, s.month, s.cost_micros,
            e.spend_limit_micros IS NOT NULL AND s.cost_micros > 0
            AND s.cost_micros >= e.spend_limit_micros AS over_limit,
            (
                SELECT coalesce(max(t.percent), 0) FROM unnest(p_thresholds) AS t (percent)
                WHERE s.cost_micros > 0
                    AND s.cost_micros * 100 >= e.spend_limit_micros * t.percent
            ) AS reached
        FROM ai_effective_budgets(p_user_ids) AS e
        JOIN unnest(p_user_ids, p_months) AS w (user_id, month) ON w.user_id = e.user_id
        JOIN ai_user_spend_monthly AS s ON s.user_id = w.user_id AND s.month = w.month
        LEFT JOIN groups AS g ON g.id = e.group_id
    ),
    changed AS MATERIALIZED (
        SELECT l.*, coalesce(a.threshold_percent, 0) AS alerted
        FROM looked AS l
        LEFT JOIN ai_alert_states AS a
            ON a.budget_id = '00000000-0000-0000-0000-000000000000'
            AND a.subject = l.user_id::text AND a.period_start = l.period_start
        WHERE l.reached <> coalesce(a.threshold_percent, 0)
            OR l.over_limit <> coalesce(a.over_limit, false)
    ),
    kept AS (
        INSERT INTO ai_alert_states AS a (
            budget_id, subject, period_start, threshold_percent, over_limit
        )
        SELECT '00000000-0000-0000-0000-000000000000', c.user_id::text, c.period_start, c.reached,
            c.over_limit
        FROM changed AS c
        ORDER BY c.user_id, c.period_start
        ON CONFLICT (budget_id, subject, period_start) DO UPDATE
        SET threshold_percent = excluded.threshold_percent, over_limit = excluded.over_limit
    )
    INSERT INTO ai_alerts (
        kind, budget_kind, subject, user_id, group_id, organization_id, period_start,
        period_end, threshold_percent, limit_micros, limit_source, spent_micros, reserved_micros
    )
    SELECT 'threshold', 'allowance', c.user_id::text, c.user_id,
        c.group_id, c.organization_id, c.period_start,
        (c.month + interval '1 month') AT TIME ZONE 'UTC', c.reached, c.spend_limit_micros,
        c.limit_source, c.cost_micros,
        (
            SELECT coalesce(sum(h.amount_micros), 0) FROM ai_reservation_holds AS h
            WHERE h.user_id = c.user_id AND h.expires_at > now()
        )
    FROM changed AS c
    WHERE c.reached > c.alerted;
    GET DIAGNOSTICS raised = ROW_COUNT;
    RETURN raised;
END
$$;

-- Raise what is due after entries were written: of users whose spend is at the lowest threshold or
-- above, or was corrected, and is not alerted as it should be. The limits are those that the caller
-- read before, so they only select whom to look at: a limit that has changed since is in the queue.
-- Current month only (or the next, if a gateway's clock runs ahead): an alert about a past month
-- prevents nothing. record_ai_usage calls it last: the entries' users are locked in these months.
CREATE FUNCTION raise_ai_usage_alerts(
    p_user_ids uuid [], p_moments timestamptz [], p_persons bigint [], p_is_correction boolean,
    p_limited_user_ids uuid [], p_spend_limits bigint [], p_thresholds bigint []
) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_lowest bigint := least(100, p_thresholds[1]);
    v_month timestamptz := date_trunc('month', now(), 'UTC');
    -- No usage is from later than the next month.
    v_next timestamptz := date_trunc('month', v_month + interval '32 days', 'UTC');
    v_users uuid [];
    v_months date [];
BEGIN
    SELECT array_agg(s.user_id), array_agg(s.month) INTO v_users, v_months
    FROM (
        SELECT DISTINCT p_user_ids[d.person::integer] AS user_id,
            (CASE WHEN d.is_ahead THEN v_next ELSE v_month END AT TIME ZONE 'UTC')::date AS month
        FROM (
            SELECT DISTINCT e.person, e.occurred_at >= v_next AS is_ahead
            FROM unnest(p_moments, p_persons) AS e (occurred_at, person)
            WHERE e.occurred_at >= v_month
        ) AS d
    ) AS w
    JOIN unnest(p_limited_user_ids, p_spend_limits) AS b (user_id, spend_limit_micros)
        ON b.user_id = w.user_id
    JOIN ai_user_spend_monthly AS s ON s.user_id = w.user_id AND s.month = w.month
    LEFT JOIN ai_alert_states AS a
        ON a.budget_id = '00000000-0000-0000-0000-000000000000'
        AND a.subject = s.user_id::text
        AND a.period_start = s.month::timestamp AT TIME ZONE 'UTC'
    CROSS JOIN LATERAL (
        SELECT coalesce(max(t.percent), 0) AS percent FROM unnest(p_thresholds) AS t (percent)
        WHERE s.cost_micros > 0
            AND s.cost_micros * 100 >= b.spend_limit_micros * t.percent
    ) AS reached
    WHERE (p_is_correction OR s.cost_micros * 100 >= b.spend_limit_micros * v_lowest)
        AND (
            reached.percent <> coalesce(a.threshold_percent, 0)
            OR coalesce(a.over_limit, false)
            <> (s.cost_micros > 0 AND s.cost_micros >= b.spend_limit_micros)
        );
    IF v_users IS NOT NULL THEN
        PERFORM raise_ai_allowance_alerts(v_users, v_months, p_thresholds);
    END IF;
END
$$;

-- Raise what is due of the refusals of these users in this month, if their limit is 0: with such a
-- limit there is no share to reach. Once per user and month. It returns how many alerts.
CREATE FUNCTION raise_ai_allowance_refusals(p_user_ids uuid []) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    v_month timestamp := date_trunc('month', now() AT TIME ZONE 'UTC');
    raised bigint;
BEGIN
    WITH blocked AS MATERIALIZED (
        SELECT e.user_id, e.group_id, g.organization_id, e.limit_source
        FROM ai_effective_budgets(p_user_ids) AS e
        JOIN groups AS g ON g.id = e.group_id
        WHERE e.spend_limit_micros = 0 AND EXISTS (
            SELECT 1 FROM ai_refusals AS r
            WHERE r.budget_id = '00000000-0000-0000-0000-000000000000' AND r.user_id = e.user_id
                AND r.day >= v_month::date AND r.code = 'ai_budget_exceeded'
        )
    ),
    kept AS (
        INSERT INTO ai_alert_states AS a (budget_id, subject, period_start, refused)
        SELECT '00000000-0000-0000-0000-000000000000', b.user_id::text, v_month AT TIME ZONE 'UTC',
            true
        FROM blocked AS b
        ORDER BY b.user_id
        ON CONFLICT (budget_id, subject, period_start) DO UPDATE SET refused = true
        WHERE NOT a.refused
        RETURNING a.subject
    )
    INSERT INTO ai_alerts (
        kind, budget_kind, subject, user_id, group_id, organization_id, period_start,
        period_end, limit_micros, limit_source, spent_micros, reserved_micros
    )
    SELECT 'refused', 'allowance', k.subject, b.user_id, b.group_id,
        b.organization_id, v_month AT TIME ZONE 'UTC',
        (v_month + interval '1 month') AT TIME ZONE 'UTC', 0, b.limit_source,
        coalesce(s.cost_micros, 0), 0
    FROM kept AS k
    JOIN blocked AS b ON b.user_id::text = k.subject
    LEFT JOIN ai_user_spend_monthly AS s ON s.user_id = b.user_id AND s.month = v_month::date;
    GET DIAGNOSTICS raised = ROW_COUNT;
    RETURN raised;
END
$$;

REVOKE ALL ON FUNCTION raise_ai_allowance_alerts(uuid [], date [], bigint []),
raise_ai_usage_alerts(
    uuid [], timestamptz [], bigint [], boolean, uuid [], bigint [], bigint []
),
raise_ai_allowance_refusals(uuid []) FROM PUBLIC;
