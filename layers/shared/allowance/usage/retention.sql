-- name: drop_oldest_usage_month
-- needs: delete ai_usage
-- Drop the oldest month of the ledger that this run has not handled, if it is older than the kept
-- months and its lock is free.
SELECT d.month, d.dropped
FROM drop_oldest_ai_usage_month(%(kept_months)s, %(handled)s::date []) AS d;

-- name: ensure_reservation_month
-- needs: delete ai_usage
-- Create the partitions of the next month of reservations, so that no decision waits for it.
SELECT ensure_ai_reservation_month(date_trunc('month', now(), 'UTC') + interval '1 month') AS month;

-- name: drop_oldest_reservation_month
-- needs: delete ai_usage
-- Drop the oldest month of reservations that is past its retention, if its lock is free.
SELECT drop_oldest_ai_reservation_month() AS month;

-- name: tidy_reservations
-- needs: delete ai_usage
-- Take expired holds off the limits of users and the counters of budgets that nobody used since.
SELECT tidy_ai_reservations(%(limit)s) AS users, tidy_ai_budget_holds(%(limit)s) AS counters;

-- name: tidy_alerts
-- needs: delete ai_usage
-- Delete alerts and refusals past their retention, and what was alerted of periods that are over.
SELECT t.alerts, t.states, t.refusals FROM tidy_ai_alerts(%(limit)s) AS t;
