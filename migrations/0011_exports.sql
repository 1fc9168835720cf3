-- Why: a file of ExportSpend has the sums of a month at one time. Late usage and corrections change
-- the sums of a month that was exported already, however old, and the file is then written again.

-- One row per organization and month. No foreign key: usage outside of any organization has the nil
-- UUID here.
CREATE TABLE ai_spend_exports (
    organization_id uuid NOT NULL,
    month date NOT NULL
        CONSTRAINT ai_spend_exports_month CHECK (extract(DAY FROM month) = 1),
    -- How many batches changed the sums after the end of the month. The statement that changes the
    -- sums counts them: a count that is visible belongs to sums that are visible.
    changes bigint NOT NULL DEFAULT 0,
    -- The count from before the sums of the last file were read. NULL: no complete file yet, or
    -- only one from before the end of the month.
    exported_changes bigint,
    exported_at timestamptz,
    -- When a run last began to write the file, whether it succeeded or not. The next run begins
    -- with the file that waits longest.
    attempted_at timestamptz,
    -- Until when a run has the row to itself. It also tells one lease from the next.
    leased_until timestamptz NOT NULL DEFAULT '-infinity',
    PRIMARY KEY (organization_id, month)
) WITH (fillfactor = 70);

-- The files to write: few, beside all that were ever written.
CREATE INDEX ai_spend_exports_due_idx ON ai_spend_exports (month, attempted_at)
WHERE exported_changes IS DISTINCT FROM changes;

-- Count a change of each month in a batch that is over. It may be exported already: ExportSpend
-- writes it again. record_ai_usage (0012_recording.sql) calls this after it changed the sums.
CREATE FUNCTION count_ai_changes_of_past_months(
    p_organization_ids uuid [], p_persons bigint [], p_moments timestamptz []
) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO ai_spend_exports AS x (organization_id, month, changes)
    SELECT DISTINCT p_organization_ids[e.person::integer] AS organization_id,
        date_trunc('month', e.occurred_at AT TIME ZONE 'UTC')::date AS month, 1
    FROM unnest(p_persons, p_moments) AS e (person, occurred_at)
    WHERE e.occurred_at < date_trunc('month', now(), 'UTC')
    ORDER BY organization_id, month
    ON CONFLICT (organization_id, month) DO UPDATE SET changes = x.changes + 1
$$;
REVOKE ALL ON FUNCTION count_ai_changes_of_past_months(uuid [], bigint [], timestamptz [])
FROM PUBLIC;

-- ExportSpend does the rest.
REVOKE ALL ON ai_spend_exports FROM PUBLIC, allowance_routes, allowance_jobs, allowance_directory;
GRANT SELECT (organization_id, month, changes, exported_changes, attempted_at, leased_until),
INSERT (organization_id, month),
UPDATE (exported_changes, exported_at, attempted_at, leased_until)
ON ai_spend_exports TO allowance_jobs;
