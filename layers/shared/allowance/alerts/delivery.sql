-- name: claim_alerts
-- needs: update ai_spend_alert
-- Claim the due alerts that a receiver lacks, of the receivers that the run calls, for the length
-- of a lease. Alerts that another run holds are skipped; alerts that a run left behind are due
-- again when its lease ends. An alert that every configured receiver has is claimed to be settled.
-- A receiver that keeps the order must get the earlier alerts of the same budget, subject and
-- period first: until it has them, the later one waits. Names are current; a deleted group has no
-- name.
WITH due AS MATERIALIZED (
    SELECT a.id, r.received, w.waiting
    FROM ai_alerts AS a
    CROSS JOIN LATERAL (
        SELECT ARRAY(
            SELECT d.receiver FROM ai_alert_deliveries AS d WHERE d.alert_id = a.id
        ) AS received
    ) AS r
    CROSS JOIN LATERAL (
        SELECT ARRAY(
            SELECT o.receiver FROM unnest(%(in_order)s::text []) AS o (receiver)
            WHERE EXISTS (
                SELECT 1 FROM ai_alerts AS earlier
                WHERE earlier.delivered_at IS NULL AND earlier.subject = a.subject
                    AND earlier.period_start = a.period_start
                    AND earlier.budget_kind = a.budget_kind
                    AND earlier.budget_id IS NOT DISTINCT FROM a.budget_id
                    AND (earlier.raised_at, earlier.id) < (a.raised_at, a.id)
                    AND NOT EXISTS (
                        SELECT 1 FROM ai_alert_deliveries AS d
                        WHERE d.alert_id = earlier.id AND d.receiver = o.receiver
                    )
            )
        ) AS waiting
    ) AS w
    WHERE a.delivered_at IS NULL AND a.due_at <= now() AND a.leased_until <= now()
        AND (
            EXISTS (
                SELECT 1 FROM unnest(%(receivers)s::text []) AS c (receiver)
                WHERE c.receiver <> ALL(r.received) AND c.receiver <> ALL(w.waiting)
            )
            OR %(configured)s::text [] <@ r.received
        )
    ORDER BY a.due_at, a.raised_at, a.id
    LIMIT %(limit)s
    FOR UPDATE OF a SKIP LOCKED
),
claimed AS (
    UPDATE ai_alerts AS a
    SET leased_until = now() + make_interval(secs => %(lease_seconds)s)
    FROM due AS d
    WHERE a.id = d.id
    RETURNING a.*, d.received, d.waiting
),
-- They may change the budgets of the organization (allowance.rbac.roles).
admins AS MATERIALIZED (
    SELECT m.organization_id, count(*) AS admin_count,
        jsonb_agg(jsonb_build_object('username', m.username, 'email', m.email) ORDER BY m.place)
        FILTER (WHERE m.place <= 20) AS admins
    FROM (
        SELECT om.organization_id, u.username, u.email,
            row_number() OVER (PARTITION BY om.organization_id ORDER BY u.username) AS place
        FROM organization_members AS om
        JOIN users AS u ON u.id = om.user_id AND u.status = 'active' AND u.email IS NOT NULL
        WHERE om.organization_id IN (SELECT c.organization_id FROM claimed AS c)
            AND om.roles <> '{}'
            AND om.roles && ARRAY['organization-admin', 'organization-user-admin']
    ) AS m
    GROUP BY m.organization_id
)
SELECT c.id, c.kind, c.budget_kind, c.budget_id, c.budget_name, c.subject, c.organization_id,
    o.name AS organization_name, c.group_id, g.name AS group_name, c.threshold_percent,
    c.limit_micros, c.limit_source, c.spent_micros, c.reserved_micros,
    nullif(c.period_start, '-infinity') AS period_start,
    nullif(c.period_end, 'infinity') AS period_end, c.models, c.model_count, c.raised_at,
    CASE WHEN c.user_id IS NOT NULL THEN
        jsonb_build_object('id', c.user_id, 'username', u.username, 'email', u.email)
    END AS "user",
    coalesce(m.admins, '[]') AS admins, coalesce(m.admin_count, 0) AS admin_count,
    %(console_url)s::text || '/organizations/' || c.organization_id || '/alerts#' || c.id
        AS console_url,
    c.attempts, c.leased_until, c.received, c.waiting
FROM claimed AS c
LEFT JOIN users AS u ON u.id = c.user_id
LEFT JOIN organizations AS o ON o.id = c.organization_id
LEFT JOIN groups AS g ON g.id = c.group_id
LEFT JOIN admins AS m ON m.organization_id = c.organization_id
ORDER BY c.raised_at, c.id;

-- name: settle_alerts
-- needs: update ai_spend_alert
-- End the leases of these alerts: delivered when every configured receiver has it. A failed alert
-- is due again later each time, or after the first delay if a receiver was not called for it. An
-- alert that no receiver failed stays due, and counts no attempt. A run whose lease has expired
-- does not end the lease of another run. Only the clock of the database counts.
UPDATE ai_alerts AS a
SET delivered_at = CASE WHEN e.outcome = 'delivered' THEN now() END,
    attempts = a.attempts + (e.outcome <> 'untried')::integer,
    leased_until = '-infinity',
    due_at = CASE
        WHEN e.outcome = 'failed' THEN now() + make_interval(
            secs => CASE
                WHEN e.elsewhere_untried THEN %(first_delay_seconds)s
                ELSE least(
                    %(first_delay_seconds)s * 2 ^ least(a.attempts, 30), %(longest_delay_seconds)s
                )
            END
        )
        ELSE a.due_at
    END
FROM jsonb_to_recordset(%(entries)s::jsonb) AS e (
    id uuid, leased_until timestamptz, outcome text, elsewhere_untried boolean
)
WHERE a.id = e.id AND a.leased_until = e.leased_until AND a.delivered_at IS NULL;

-- name: count_waiting_alerts
-- needs: update ai_spend_alert
-- Return how many alerts wait, how many of them failed at least `attempts` times, and for how many
-- seconds the oldest waits.
SELECT count(*) AS waiting, count(*) FILTER (WHERE a.attempts >= %(attempts)s) AS failing,
    coalesce(greatest(extract(EPOCH FROM now() - min(a.raised_at)), 0), 0)::bigint AS oldest_seconds
FROM ai_alerts AS a
WHERE a.delivered_at IS NULL;
