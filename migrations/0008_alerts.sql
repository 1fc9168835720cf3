-- Why: a user who nearly uses up a limit, or uses it up, causes one alert. The table is an outbox:
-- the alert stays due until every receiver has it, although receivers fail and runs end half-way.

-- The statement that counts the usage inserts the row, with the figures of that time, once per
-- user, month and threshold.
CREATE TABLE ai_spend_alerts (
    user_id uuid NOT NULL,
    period_start timestamptz NOT NULL,
    threshold_percent bigint NOT NULL
        CONSTRAINT ai_spend_alerts_threshold_percent CHECK (threshold_percent > 0),
    group_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    limit_source text NOT NULL
        CONSTRAINT ai_spend_alerts_limit_source CHECK (limit_source IN ('user_override', 'group')),
    spend_limit_micros bigint NOT NULL,
    spent_micros numeric(36, 6) NOT NULL,
    raised_at timestamptz NOT NULL DEFAULT now(),
    -- How many times the alert was sent and failed, or was delivered at last. An alert that a run
    -- claimed and did not send counts no attempt.
    attempts bigint NOT NULL DEFAULT 0,
    -- When a run may send the alert: after a failure, later each time.
    due_at timestamptz NOT NULL DEFAULT now(),
    -- Until when a run has the alert to itself. It also tells one lease from the next.
    leased_until timestamptz NOT NULL DEFAULT '-infinity',
    -- When SNS accepted it, when EventBridge did, and when all configured receivers had.
    sns_published_at timestamptz,
    event_put_at timestamptz,
    delivered_at timestamptz,
    PRIMARY KEY (user_id, period_start, threshold_percent)
);

-- Undelivered alerts are few, and runs look for nothing else.
CREATE INDEX ai_spend_alerts_due_at_idx ON ai_spend_alerts (due_at) WHERE delivered_at IS NULL;

-- record_ai_usage (0012_recording.sql) raises an alert. Its figures never change.
REVOKE ALL ON ai_spend_alerts FROM PUBLIC, allowance_routes, allowance_jobs, allowance_directory;
GRANT SELECT ON ai_spend_alerts TO allowance_jobs;
GRANT UPDATE (attempts, due_at, leased_until, sns_published_at, event_put_at, delivered_at)
ON ai_spend_alerts TO allowance_jobs;
