-- Why: a refusal changes no sum, so without a count of its own nobody sees that calls are refused.

-- Refused decisions of a day (UTC): of a user, for a reason, by a budget (the nil UUID: the
-- allowance, or none), about a model. A call that two limits refuse is in a row of each.
CREATE TABLE ai_refusals (
    organization_id uuid NOT NULL,
    user_id uuid NOT NULL,
    day date NOT NULL,
    code text COLLATE "C" NOT NULL,
    budget_id uuid NOT NULL,
    provider text COLLATE "C" NOT NULL,
    model text COLLATE "C" NOT NULL,
    refused bigint NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (organization_id, user_id, day, code, budget_id, provider, model)
) WITH (fillfactor = 70);

-- Whether a budget refused something lately.
CREATE INDEX ai_refusals_budget_id_user_id_day_idx ON ai_refusals (budget_id, user_id, day);
-- Old refusals, to be deleted.
CREATE INDEX ai_refusals_day_idx ON ai_refusals (day);

REVOKE ALL ON ai_refusals FROM PUBLIC, allowance_routes, allowance_jobs, allowance_directory;
