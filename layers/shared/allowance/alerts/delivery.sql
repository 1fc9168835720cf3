-- name: claim_spend_alerts
-- needs: update ai_spend_alert
-- Claim the due alerts that a receiver lacks, of the receivers that the run calls, for the length
-- of a lease. Alerts that another run holds are skipped; alerts that a run left behind are due
-- again when its lease ends. An alert that every configured receiver has is claimed to be settled.
-- If SNS keeps the order, it must get the lower alerts of the same user and period first: until it
-- has them, the higher one waits (`sns_waits`). Names are current; a deleted group has none.
WITH due AS MATERIALIZED (
    SELECT a.user_id, a.period_start, a.threshold_percent, w.sns_waits
    FROM ai_spend_alerts AS a
    CROSS JOIN LATERAL (
        SELECT %(sns_in_order)s AND EXISTS (
            SELECT 1 FROM ai_spend_alerts AS lower
            WHERE lower.user_id = a.user_id AND lower.period_start = a.period_start
                AND lower.threshold_percent < a.threshold_percent
                AND lower.delivered_at IS NULL AND lower.sns_published_at IS NULL
        ) AS sns_waits
    ) AS w
    WHERE a.delivered_at IS NULL AND a.due_at <= now() AND a.leased_until <= now()
        AND (
            (a.event_put_at IS NULL AND 'eventbridge' = ANY(%(receivers)s::text []))
            OR (a.sns_published_at IS NULL AND 'sns' = ANY(%(receivers)s::text [])
                AND NOT w.sns_waits)
            OR NOT (
                (a.event_put_at IS NULL AND 'eventbridge' = ANY(%(configured)s::text []))
                OR (a.sns_published_at IS NULL AND 'sns' = ANY(%(configured)s::text []))
            )
        )
    ORDER BY a.due_at, a.raised_at, a.user_id, a.threshold_percent
    LIMIT %(limit)s
    FOR UPDATE OF a SKIP LOCKED
),
claimed AS (
    UPDATE ai_spend_alerts AS a
    SET leased_until = now() + make_interval(secs => %(lease_seconds)s)
    FROM due AS d
    WHERE a.user_id = d.user_id AND a.period_start = d.period_start
        AND a.threshold_percent = d.threshold_percent
    RETURNING a.user_id, a.period_start, a.threshold_percent, a.group_id, a.organization_id,
        a.limit_source, a.spend_limit_micros, a.spent_micros, a.raised_at, a.attempts,
        a.leased_until, a.sns_published_at, a.event_put_at, d.sns_waits
)
SELECT c.user_id, u.username, u.email, c.organization_id, o.name AS organization_name, c.group_id,
    g.name AS group_name, c.threshold_percent, c.spend_limit_micros, c.limit_source,
    c.spent_micros, c.period_start, c.raised_at, c.attempts, c.leased_until, c.sns_published_at,
    c.event_put_at, c.sns_waits
FROM claimed AS c
LEFT JOIN users AS u ON u.id = c.user_id
LEFT JOIN organizations AS o ON o.id = c.organization_id
LEFT JOIN groups AS g ON g.id = c.group_id
ORDER BY c.raised_at, c.user_id, c.threshold_percent;

-- name: settle_spend_alerts
-- needs: update ai_spend_alert
-- End the leases of these alerts: delivered when every configured receiver has it. A failed alert
-- is due again later each time, or after the first delay if a receiver was not called for it. An
-- alert that no receiver failed stays due, and counts no attempt. A run whose lease has expired
-- does not end the lease of another run. Only the clock of the database counts.
UPDATE ai_spend_alerts AS a
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
    user_id uuid, period_start timestamptz, threshold_percent bigint, leased_until timestamptz,
    outcome text, elsewhere_untried boolean
)
WHERE a.user_id = e.user_id AND a.period_start = e.period_start
    AND a.threshold_percent = e.threshold_percent
    AND a.leased_until = e.leased_until AND a.delivered_at IS NULL;

-- name: count_waiting_alerts
-- needs: update ai_spend_alert
-- Return how many alerts wait, how many of them failed at least `attempts` times, and for how many
-- seconds the oldest waits.
SELECT count(*) AS waiting, count(*) FILTER (WHERE a.attempts >= %(attempts)s) AS failing,
    coalesce(greatest(extract(EPOCH FROM now() - min(a.raised_at)), 0), 0)::bigint AS oldest_seconds
FROM ai_spend_alerts AS a
WHERE a.delivered_at IS NULL;
