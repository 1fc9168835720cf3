-- Why: an alert that is written must also arrive, though receivers fail and runs end half-way: the
-- table is an outbox, whose rows say what is still to do and when.

-- Every column has a default, so that an alert which the version before raises is delivered too.
-- `due_at` is when somebody may take it up: whoever does moves it to the end of the lease, and
-- afterwards to the next attempt. `attempts` counts how often it was taken up, and so tells one
-- lease from another.
ALTER TABLE ai_spend_alerts
ADD COLUMN attempts bigint NOT NULL DEFAULT 0,
ADD COLUMN due_at timestamptz NOT NULL DEFAULT now(),
-- When SNS had it, when EventBridge had it, and when all had it that were configured.
ADD COLUMN sns_published_at timestamptz,
ADD COLUMN event_put_at timestamptz,
ADD COLUMN delivered_at timestamptz;

-- What is still to do is little, and all that is ever looked for.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX ai_spend_alerts_due_at_idx ON ai_spend_alerts (due_at) WHERE delivered_at IS NULL;

-- What an alert says is never changed.
GRANT UPDATE (attempts, due_at, sns_published_at, event_put_at, delivered_at) ON ai_spend_alerts TO allowance_app;
