-- name: drop_oldest_usage_month
-- needs: delete ai_usage
-- Drop the oldest month of the ledger that this run has not handled, if it is older than the kept
-- months and its lock is free.
SELECT d.month, d.dropped
FROM drop_oldest_ai_usage_month(%(kept_months)s, %(handled)s::date []) AS d;
