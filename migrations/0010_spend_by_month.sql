-- Why: what is asked on every request is what a user spent this month, and a group of any size
-- answers from a row per member and month; a limit that is nearly or wholly used is told once; an
-- organization exports its daily sums.

-- All that a user spent in a month (its first day), whichever group it was attributed to: what is
-- compared with the limit. Whoever adds to it holds the row to the end of the transaction, so that
-- the sum that is answered is the sum of all.
CREATE TABLE ai_user_spend_monthly (
    user_id uuid NOT NULL,
    month date NOT NULL CONSTRAINT ai_user_spend_monthly_month CHECK (extract(DAY FROM month) = 1),
    cost_micros numeric(30, 0) NOT NULL,
    PRIMARY KEY (user_id, month)
) WITH (fillfactor = 70);

-- The same by the group that it was attributed to.
CREATE TABLE ai_group_spend_monthly (
    group_id uuid NOT NULL,
    month date NOT NULL CONSTRAINT ai_group_spend_monthly_month CHECK (extract(DAY FROM month) = 1),
    user_id uuid NOT NULL,
    cost_micros numeric(30, 0) NOT NULL,
    PRIMARY KEY (group_id, month, user_id)
) WITH (fillfactor = 70);

INSERT INTO ai_user_spend_monthly (user_id, month, cost_micros)
SELECT d.user_id, date_trunc('month', d.day)::date, sum(d.cost_micros) FROM ai_spend_daily AS d GROUP BY 1, 2;

INSERT INTO ai_group_spend_monthly (group_id, month, user_id, cost_micros)
SELECT d.group_id, date_trunc('month', d.day)::date, d.user_id, sum(d.cost_micros) FROM ai_spend_daily AS d GROUP BY 1, 2, 3;

-- A group is gone one day, and its spend is still its organization's: the hours know whose it was.
ALTER TABLE ai_spend_daily ADD COLUMN organization_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000';
UPDATE ai_spend_daily AS d SET organization_id = h.organization_id
FROM (SELECT DISTINCT each.group_id, each.organization_id FROM ai_usage_hourly AS each) AS h
WHERE h.group_id = d.group_id;
ALTER TABLE ai_spend_daily SET (fillfactor = 70);
ALTER TABLE ai_usage_hourly SET (fillfactor = 70);

-- The sums of a month answer in its place, and it held every update of a sum off its own page.
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX ai_spend_daily_group_id_day_user_id_idx;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX ai_spend_daily_organization_id_day_idx ON ai_spend_daily (organization_id, day, user_id, group_id);

-- That a user reached a share of the limit in a month, with what was known then: written by the
-- statement that counts the usage, once for each user, share and month. Delivered from here, so
-- that a failing receiver loses nothing.
CREATE TABLE ai_spend_alerts (
    user_id uuid NOT NULL,
    period_start timestamptz NOT NULL,
    threshold_percent bigint NOT NULL CONSTRAINT ai_spend_alerts_threshold_percent CHECK (threshold_percent > 0),
    group_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    limit_source text NOT NULL CONSTRAINT ai_spend_alerts_limit_source CHECK (limit_source IN ('user_override', 'group')),
    spend_limit_micros bigint NOT NULL,
    spent_micros numeric(30, 0) NOT NULL,
    raised_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, period_start, threshold_percent)
);

REVOKE ALL ON ai_user_spend_monthly, ai_group_spend_monthly, ai_spend_alerts FROM PUBLIC, allowance_app;
GRANT SELECT, INSERT, UPDATE ON ai_user_spend_monthly, ai_group_spend_monthly TO allowance_app;
GRANT SELECT, INSERT ON ai_spend_alerts TO allowance_app;
