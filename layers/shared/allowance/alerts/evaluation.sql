-- name: queue_ended_overrides
-- needs: update ai_spend_alert
-- Queue the users whose override has ended by its time.
SELECT queue_ended_ai_overrides() AS queued;

-- name: take_from_alert_queue
-- needs: update ai_spend_alert
-- Take up to a page of users, and one group, from the queue. If the run fails, they wait.
WITH users_due AS MATERIALIZED (
    SELECT q.id FROM ai_alert_queue AS q
    WHERE q.user_id IS NOT NULL AND q.due_at <= now()
    ORDER BY q.due_at, q.id
    LIMIT %(page)s
    FOR UPDATE SKIP LOCKED
),
group_due AS MATERIALIZED (
    SELECT q.id FROM ai_alert_queue AS q
    WHERE q.group_id IS NOT NULL AND q.due_at <= now()
    ORDER BY q.due_at, q.id
    LIMIT 1
    FOR UPDATE SKIP LOCKED
)
UPDATE ai_alert_queue AS q SET due_at = now() + make_interval(secs => %(seconds)s)
FROM (SELECT u.id FROM users_due AS u UNION ALL SELECT g.id FROM group_due AS g) AS due
WHERE q.id = due.id
RETURNING q.id;

-- name: look_again_at_allowances
-- needs: update ai_spend_alert
-- Look at the allowances of these entries, and raise what is due.
SELECT look_again_at_ai_allowances(
    %(entry_ids)s::bigint [], %(page)s, %(thresholds)s::bigint []
) AS raised;

-- name: raise_budget_alerts
-- needs: update ai_spend_alert
-- Look at the budgets of all organizations, and raise what is due of a page of subjects.
SELECT r.raised, r.changed FROM raise_ai_budget_alerts(%(page)s) AS r;

-- name: raise_unpriced_notices
-- needs: update ai_spend_alert
-- Raise the weekly notices of models without a price, at most once an hour.
SELECT raise_ai_unpriced_notices()::bigint AS tokens;

-- name: count_users_over_limit
-- needs: update ai_spend_alert
-- Count the users who have used up their allowance in the current month.
SELECT count(*) AS users
FROM ai_alert_states AS s
WHERE s.budget_id = '00000000-0000-0000-0000-000000000000' AND s.over_limit
    AND s.period_start = date_trunc('month', now(), 'UTC');
