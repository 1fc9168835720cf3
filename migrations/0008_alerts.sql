-- Why: people hear once when a budget is nearly used up, used up, or refuses calls. The table of
-- alerts is an outbox: an alert stays due until every receiver has it, although receivers fail.

-- A new UUID of version 7 of a time (RFC 9562, 5.7): 48 bits of milliseconds, the version, 12 bits
-- of the rest of the time (6.2, method 3), and half of a random one with the same variant. So the
-- order of the ids is the order of their times.
CREATE FUNCTION ai_uuid_of(p_at timestamptz) RETURNS uuid
LANGUAGE sql VOLATILE
RETURN encode(
    int8send(
        (extract(EPOCH FROM p_at) * 1000000)::bigint / 1000 << 16 | x'7000'::bigint
        | (extract(EPOCH FROM p_at) * 1000000)::bigint % 1000 * 4096 / 1000
    ) || substring(uuid_send(gen_random_uuid()) FROM 9),
    'hex'
)::uuid;

-- An alert, with the figures of the time at which it was raised. They never change.
CREATE TABLE ai_alerts (
    id uuid PRIMARY KEY DEFAULT ai_uuid_of(clock_timestamp()),
    kind text NOT NULL CONSTRAINT ai_alerts_kind
        CHECK (kind IN ('threshold', 'refused', 'unpriced_models')),
    -- NULL: no budget, but usage without a price.
    budget_kind text
        CONSTRAINT ai_alerts_budget_kind CHECK (budget_kind IN ('allowance', 'budget')),
    budget_id uuid,
    budget_name text,
    -- What the budget limits: a user's id, the value of a label, or everything (empty).
    subject text COLLATE "C" NOT NULL,
    user_id uuid,
    group_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    -- A budget without periods has them from -infinity to infinity.
    period_start timestamptz NOT NULL,
    period_end timestamptz NOT NULL,
    threshold_percent bigint
        CONSTRAINT ai_alerts_threshold_percent CHECK (threshold_percent > 0),
    limit_micros numeric(36, 6),
    -- Of an allowance.
    limit_source text
        CONSTRAINT ai_alerts_limit_source CHECK (limit_source IN ('user_override', 'group')),
    spent_micros numeric(36, 6),
    reserved_micros numeric(36, 6),
    -- Of a notice: the models with the most usage that has no price, and how many there are.
    models jsonb,
    model_count bigint,
    raised_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- How many times the alert was sent and failed, or was delivered at last. An alert that a run
    -- claimed and did not send counts no attempt.
    attempts bigint NOT NULL DEFAULT 0,
    -- When a run may send the alert: after a failure, later each time.
    due_at timestamptz NOT NULL DEFAULT now(),
    -- Until when a run has the alert to itself. It also tells one lease from the next.
    leased_until timestamptz NOT NULL DEFAULT '-infinity',
    -- When every configured receiver had it.
    delivered_at timestamptz,
    CONSTRAINT ai_alerts_kind_of CHECK (
        (kind = 'threshold') = (threshold_percent IS NOT NULL)
        AND (kind = 'unpriced_models') = (budget_kind IS NULL)
        AND (kind = 'unpriced_models') = (models IS NOT NULL AND model_count IS NOT NULL)
        AND (budget_kind IS NULL) = (limit_micros IS NULL)
        AND (limit_micros IS NULL) = (spent_micros IS NULL)
        AND (limit_micros IS NULL) = (reserved_micros IS NULL)
        AND (budget_kind IS NOT DISTINCT FROM 'budget') = (budget_id IS NOT NULL)
        AND (budget_kind IS NOT DISTINCT FROM 'allowance')
        = (user_id IS NOT NULL AND limit_source IS NOT NULL)
        OR budget_kind = 'budget' AND limit_source IS NULL
    )
);

-- Undelivered alerts are few, and runs look for nothing else.
CREATE INDEX ai_alerts_due_at_idx ON ai_alerts (due_at) WHERE delivered_at IS NULL;
-- The alerts of a budget, a subject and a period, for a receiver that keeps their order.
CREATE INDEX ai_alerts_order_idx ON ai_alerts (subject, period_start) WHERE delivered_at IS NULL;
-- The list of an organization.
CREATE INDEX ai_alerts_organization_id_id_idx ON ai_alerts (organization_id, id);
-- One notice for each organization and week, however many runs look.
CREATE UNIQUE INDEX ai_alerts_notice_key ON ai_alerts (organization_id, period_start)
WHERE kind = 'unpriced_models';

-- Which receiver has accepted an alert, and when. The schema knows no receiver by name.
CREATE TABLE ai_alert_deliveries (
    alert_id uuid NOT NULL REFERENCES ai_alerts (id) ON DELETE CASCADE,
    receiver text NOT NULL,
    delivered_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (alert_id, receiver)
);

-- What was alerted last of a budget (the nil UUID: the allowance), a subject and a period. The
-- threshold follows the spend and the limit: when it falls, the higher thresholds alert again.
CREATE TABLE ai_alert_states (
    budget_id uuid NOT NULL,
    subject text COLLATE "C" NOT NULL,
    period_start timestamptz NOT NULL,
    -- The highest threshold that is reached. 0: none is.
    threshold_percent bigint NOT NULL DEFAULT 0,
    -- Of an allowance: whether all of it is spent.
    over_limit boolean NOT NULL DEFAULT false,
    refused boolean NOT NULL DEFAULT false,
    PRIMARY KEY (budget_id, subject, period_start)
);
CREATE INDEX ai_alert_states_over_limit_idx ON ai_alert_states (budget_id, period_start)
WHERE over_limit;

-- Allowances to look at again, because a limit or a membership has changed: of a user, or of the
-- members of a group. Entries are only added, so no writer waits for a run.
CREATE TABLE ai_alert_queue (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id uuid,
    group_id uuid,
    -- The last member of the group that was looked at.
    after_user_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    -- A run that takes an entry sets it ahead: if the run fails, other entries come first.
    due_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ai_alert_queue_entry CHECK (num_nonnulls(user_id, group_id) = 1)
);
CREATE INDEX ai_alert_queue_users_idx ON ai_alert_queue (due_at, id) WHERE user_id IS NOT NULL;
CREATE INDEX ai_alert_queue_groups_idx ON ai_alert_queue (due_at, id) WHERE group_id IS NOT NULL;

-- When a check that runs once an hour ran last.
CREATE TABLE ai_alert_checks (
    name text PRIMARY KEY,
    checked_at timestamptz NOT NULL
);
INSERT INTO ai_alert_checks (name, checked_at) VALUES ('unpriced_models', '-infinity');

-- The functions of 0030 to 0033 raise alerts. A login only delivers and lists them.
REVOKE ALL ON FUNCTION ai_uuid_of(timestamptz) FROM PUBLIC;
REVOKE ALL ON ai_alerts, ai_alert_deliveries, ai_alert_states, ai_alert_queue, ai_alert_checks
FROM PUBLIC, allowance_routes, allowance_jobs, allowance_directory;
GRANT SELECT ON ai_alerts TO allowance_jobs;
GRANT UPDATE (attempts, due_at, leased_until, delivered_at) ON ai_alerts TO allowance_jobs;
GRANT SELECT (alert_id, receiver), INSERT (alert_id, receiver) ON ai_alert_deliveries
TO allowance_jobs;
GRANT SELECT (organization_id, user_id, roles) ON organization_members TO allowance_jobs;
GRANT SELECT (budget_id, period_start, over_limit) ON ai_alert_states TO allowance_jobs;
GRANT SELECT (id, user_id, group_id, due_at), UPDATE (due_at) ON ai_alert_queue TO allowance_jobs;
GRANT SELECT (
    id, kind, budget_kind, budget_id, budget_name, subject, user_id, group_id, organization_id,
    period_start, period_end, threshold_percent, limit_micros, limit_source, spent_micros,
    reserved_micros, models, model_count, raised_at, delivered_at
) ON ai_alerts TO allowance_routes;
