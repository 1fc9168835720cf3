-- name: drop_oldest_usage_month
-- needs: delete ai_usage
-- Drops the oldest month of the ledger that is older than what is kept, if there is one and its
-- lock is to be had.
SELECT d.month, d.dropped FROM drop_oldest_ai_usage_month(%(kept_months)s) AS d;
