-- Why: who may add to a sum needs to change neither whose it is nor when; and an alert begins
-- undelivered.
REVOKE UPDATE ON ai_user_spend_monthly, ai_group_spend_monthly FROM allowance_app;
GRANT UPDATE (cost_micros) ON ai_user_spend_monthly, ai_group_spend_monthly TO allowance_app;
REVOKE INSERT ON ai_spend_alerts FROM allowance_app;
GRANT INSERT (
    user_id, period_start, threshold_percent, group_id, organization_id, limit_source, spend_limit_micros, spent_micros
) ON ai_spend_alerts TO allowance_app;
