-- Why: an organization limits more than the spend of one person. It limits all of its spend, or the
-- spend of a group, a project or a model, by day or by fiscal year.

-- A budget counts the usage that is attributed to its organization, is in its scope, and has one of
-- its models, per period. A budget that has ended keeps its row: its history stays readable.
CREATE TABLE ai_budgets (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    name text COLLATE "C" NOT NULL
        CONSTRAINT ai_budgets_name_length CHECK (char_length(name) BETWEEN 1 AND 255),
    scope text NOT NULL
        CONSTRAINT ai_budgets_scope CHECK (scope IN ('organization', 'group', 'user', 'label')),
    -- Of the scope. No foreign keys: an ended budget outlives its group and user.
    group_id uuid,
    user_id uuid,
    label_key text COLLATE "C",
    label_value text COLLATE "C",
    -- Whether the limit is for all together, for each member, or for each value of the label.
    per text NOT NULL CONSTRAINT ai_budgets_per CHECK (per IN ('total', 'member', 'value')),
    -- Names as gateways send them, `provider/model`; a `*` at the end matches any text.
    models text [] NOT NULL,
    -- The same for LIKE. NULL: all models.
    model_patterns text [],
    limit_micros bigint NOT NULL
        CONSTRAINT ai_budgets_limit_micros CHECK (limit_micros BETWEEN 0 AND 1000000000000000),
    period_unit text NOT NULL CONSTRAINT ai_budgets_period_unit
        CHECK (period_unit IN ('day', 'week', 'month', 'quarter', 'year', 'none')),
    time_zone text NOT NULL,
    -- 1 is Monday.
    week_starts bigint NOT NULL
        CONSTRAINT ai_budgets_week_starts CHECK (week_starts BETWEEN 1 AND 7),
    -- The first month of the (fiscal) year, of which quarters are parts.
    year_starts bigint NOT NULL
        CONSTRAINT ai_budgets_year_starts CHECK (year_starts BETWEEN 1 AND 12),
    -- `enforce` refuses, `warn` says that it would have refused, `off` only counts.
    enforcement text NOT NULL
        CONSTRAINT ai_budgets_enforcement CHECK (enforcement IN ('enforce', 'warn', 'off')),
    thresholds bigint [] NOT NULL,
    -- Usage before the first and from the second on does not count.
    starts_at timestamptz,
    ends_at timestamptz,
    -- How much of the limit of the period before may be added if it was not spent.
    rollover_micros bigint NOT NULL
        CONSTRAINT ai_budgets_rollover_micros
        CHECK (rollover_micros BETWEEN 0 AND 1000000000000000),
    -- A counter of one total is in parts, so that calls at once do not wait for each other. What is
    -- carried over changes with late usage, so the limit is compared with the sum of one part.
    slices bigint NOT NULL GENERATED ALWAYS AS (
        CASE WHEN per = 'total' AND scope <> 'user' AND rollover_micros = 0 THEN 16 ELSE 1 END
    ) STORED,
    -- Each change counts one up: counters tell by it whether they know the limit.
    revision bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    -- Deleted, or its group or user was.
    ended_at timestamptz,
    CONSTRAINT ai_budgets_scope_of CHECK (
        (scope = 'group') = (group_id IS NOT NULL) AND (scope = 'user') = (user_id IS NOT NULL)
        AND (scope = 'label') = (label_key IS NOT NULL)
        AND (scope = 'label' OR label_value IS NULL)
    ),
    CONSTRAINT ai_budgets_per_of CHECK (
        (per = 'value') = (scope = 'label' AND label_value IS NULL)
        AND (per <> 'member' OR scope <> 'user')
    ),
    CONSTRAINT ai_budgets_dates CHECK (starts_at < ends_at)
);

-- A new budget may use the name of an ended one.
CREATE UNIQUE INDEX ai_budgets_organization_id_name_key ON ai_budgets (organization_id, name)
WHERE ended_at IS NULL;
-- The budgets of an organization that have ended are found by their ids, and by this index if the
-- organization goes.
CREATE INDEX ai_budgets_organization_id_idx ON ai_budgets (organization_id);
-- A budget that is about a group or a user is found when that ends.
CREATE INDEX ai_budgets_group_id_idx ON ai_budgets (group_id)
WHERE group_id IS NOT NULL AND ended_at IS NULL;
CREATE INDEX ai_budgets_user_id_idx ON ai_budgets (user_id)
WHERE user_id IS NOT NULL AND ended_at IS NULL;

-- The limits of a budget, each from a time on: a period that is over shows the limit that it had.
CREATE TABLE ai_budget_limits (
    budget_id uuid NOT NULL REFERENCES ai_budgets (id) ON DELETE CASCADE,
    since timestamptz NOT NULL,
    limit_micros bigint NOT NULL,
    PRIMARY KEY (budget_id, since)
);

-- The tables below have no foreign key to the budget: checking it would lock the budget's row for
-- each call. A budget is never deleted.

-- The spend of a subject in one period, unless the subject's counter is of the same period.
-- `subject` is empty, the id of a member, or the value of a label, as `per` says. The period
-- without an end starts at -infinity.
CREATE TABLE ai_budget_spend (
    budget_id uuid NOT NULL,
    subject text COLLATE "C" NOT NULL,
    period_start timestamptz NOT NULL,
    spent_micros numeric(36, 6) NOT NULL,
    PRIMARY KEY (budget_id, subject, period_start)
) WITH (fillfactor = 70);

-- The spend and the holds of a subject in the current period, in as many parts as the budget has
-- slices. The first call or usage creates all parts of a subject, with the sum of its usage so far:
-- until then the sums of usage are the spend. The parts of a subject are of the same period.
CREATE TABLE ai_budget_counters (
    budget_id uuid NOT NULL,
    subject text COLLATE "C" NOT NULL,
    slice bigint NOT NULL,
    period_start timestamptz NOT NULL,
    spent_micros numeric(36, 6) NOT NULL,
    -- It includes holds that have expired since `next_expiry`: the next writer takes them off.
    reserved_micros numeric(36, 6) NOT NULL DEFAULT 0
        CONSTRAINT ai_budget_counters_reserved_micros CHECK (reserved_micros >= 0),
    next_expiry timestamptz NOT NULL DEFAULT 'infinity',
    -- What this part alone may grant, under the limit of this revision of the budget. If the parts
    -- have room, their sum is what is left of the limit.
    room_micros numeric(36, 6) NOT NULL DEFAULT 0,
    room_revision bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (budget_id, subject, slice)
) WITH (fillfactor = 70);

-- What is still held of each open reservation, by budget.
CREATE TABLE ai_budget_holds (
    budget_id uuid NOT NULL,
    subject text COLLATE "C" NOT NULL,
    slice bigint NOT NULL,
    expires_at timestamptz NOT NULL,
    reservation_id uuid NOT NULL,
    amount_micros numeric(26, 6) NOT NULL
        CONSTRAINT ai_budget_holds_amount CHECK (amount_micros >= 0),
    PRIMARY KEY (budget_id, subject, slice, expires_at, reservation_id)
);

-- The key of the advisory lock of an organization's budgets. Recording usage shares it. A change
-- of a budget takes it alone, so no usage is recorded by a session that does not see the budget.
CREATE FUNCTION ai_budgets_lock_key(p_organization_id uuid) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN hashtextextended('ai_budgets ' || p_organization_id::text, 0);

REVOKE ALL ON ai_budgets, ai_budget_limits, ai_budget_spend, ai_budget_counters, ai_budget_holds
FROM PUBLIC, allowance_routes, allowance_jobs, allowance_directory;

REVOKE ALL ON FUNCTION ai_budgets_lock_key(uuid) FROM PUBLIC;
GRANT SELECT ON ai_budget_holds TO allowance_routes;
