-- Why: the counters of an organization's budgets change by every call. So one statement of a job
-- compares them all with what is alerted, and no call waits for it.

-- Raise what is due of the budgets of all organizations: thresholds that the spend of the current
-- period has reached, and refusals by a limit of 0, which has no shares. A budget that only warns
-- alerts too. One run at a time: of two, the older view could overwrite the newer. It changes at
-- most a page of subjects, so that it ends in time, and returns how many; all: there may be more.
CREATE FUNCTION raise_ai_budget_alerts(p_page bigint, OUT raised bigint, OUT changed bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    raised := 0;
    changed := 0;
    IF NOT pg_try_advisory_xact_lock(hashtextextended('raise_ai_budget_alerts', 0)) THEN
        RETURN;
    END IF;
    WITH current AS MATERIALIZED (
        SELECT b AS budget, b.id, b.name, b.organization_id, b.user_id, b.per, b.thresholds,
            b.enforcement, b.limit_micros, b.rollover_micros,
            coalesce(b.group_id, b.organization_id) AS group_id, p.starts, p.ends
        FROM ai_budgets AS b
        CROSS JOIN LATERAL ai_budget_period(b, now()) AS p
        WHERE b.enforcement <> 'off' AND b.ended_at IS NULL
            AND (b.starts_at IS NULL OR b.starts_at <= now())
            AND (b.ends_at IS NULL OR b.ends_at > now())
    ),
    spent AS MATERIALIZED (
        SELECT c.budget_id, c.subject, sum(c.spent_micros) AS spent_micros
        FROM ai_budget_counters AS c
        JOIN current AS k ON k.id = c.budget_id AND k.starts = c.period_start
        GROUP BY c.budget_id, c.subject
    ),
    looked AS MATERIALIZED (
        SELECT s.budget_id, s.subject, s.spent_micros, l.limit_micros,
            (
                SELECT coalesce(max(t.percent), 0) FROM unnest(k.thresholds) AS t (percent)
                WHERE s.spent_micros > 0 AND s.spent_micros * 100 >= l.limit_micros * t.percent
            ) AS reached
        FROM spent AS s
        JOIN current AS k ON k.id = s.budget_id
        CROSS JOIN LATERAL (
            SELECT CASE WHEN k.rollover_micros = 0 THEN k.limit_micros
                ELSE ai_budget_limit_in_effect(k.budget, s.subject, now()) END
                AS limit_micros
        ) AS l
    ),
    -- A refusal does not know the value of a label, so it is of the budget as a whole. The day only
    -- selects rows by the index.
    refused AS MATERIALIZED (
        SELECT k.id AS budget_id,
            CASE WHEN k.per = 'member' THEN r.user_id::text ELSE '' END AS subject
        FROM current AS k
        JOIN ai_refusals AS r ON r.budget_id = k.id AND r.last_at >= k.starts
            AND r.day >= (k.starts AT TIME ZONE 'UTC')::date
        WHERE k.enforcement = 'enforce' AND k.limit_micros = 0 AND k.rollover_micros = 0
        GROUP BY 1, 2
    ),
    due AS MATERIALIZED (
        SELECT k.id, coalesce(l.subject, r.subject) AS subject, k.starts,
            coalesce(l.reached, 0) AS reached,
            coalesce(l.limit_micros, 0) AS limit_micros,
            coalesce(l.spent_micros, 0) AS spent_micros,
            coalesce(l.reached, 0) > coalesce(a.threshold_percent, 0) AS is_reached,
            r.budget_id IS NOT NULL AND NOT coalesce(a.refused, false) AS is_refused
        FROM looked AS l
        FULL JOIN refused AS r ON r.budget_id = l.budget_id AND r.subject = l.subject
        JOIN current AS k ON k.id = coalesce(l.budget_id, r.budget_id)
        LEFT JOIN ai_alert_states AS a ON a.budget_id = k.id
            AND a.subject = coalesce(l.subject, r.subject) AND a.period_start = k.starts
        WHERE coalesce(l.reached, 0) <> coalesce(a.threshold_percent, 0)
            OR (r.budget_id IS NOT NULL AND NOT coalesce(a.refused, false))
        LIMIT p_page
    ),
    kept AS (
        INSERT INTO ai_alert_states AS a (
            budget_id, subject, period_start, threshold_percent, refused
        )
        SELECT d.id, d.subject, d.starts, d.reached, d.is_refused FROM due AS d
        ON CONFLICT (budget_id, subject, period_start) DO UPDATE
        SET threshold_percent = excluded.threshold_percent,
            refused = a.refused OR excluded.refused
    ),
    alerts AS (
        INSERT INTO ai_alerts (
            kind, budget_kind, budget_id, budget_name, subject, user_id, group_id,
            organization_id, period_start, period_end, threshold_percent, limit_micros,
            spent_micros, reserved_micros
        )
        SELECT n.kind, 'budget', k.id, k.name, d.subject,
            CASE WHEN k.per = 'member' THEN d.subject::uuid ELSE k.user_id END, k.group_id,
            k.organization_id, k.starts, k.ends,
            CASE WHEN n.kind = 'threshold' THEN d.reached END, d.limit_micros, d.spent_micros,
            (
                SELECT coalesce(sum(h.amount_micros), 0) FROM ai_budget_holds AS h
                WHERE h.budget_id = d.id AND h.subject = d.subject AND h.expires_at > now()
            )
        FROM due AS d
        JOIN current AS k ON k.id = d.id
        JOIN LATERAL (
            SELECT 'threshold' AS kind WHERE d.is_reached
            UNION ALL
            SELECT 'refused' WHERE d.is_refused
        ) AS n ON true
        ORDER BY k.id, d.subject, n.kind
        RETURNING true
    )
    SELECT (SELECT count(*) FROM alerts), (SELECT count(*) FROM due) INTO raised, changed;
END
$$;

REVOKE ALL ON FUNCTION raise_ai_budget_alerts(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION raise_ai_budget_alerts(bigint) TO allowance_jobs;
