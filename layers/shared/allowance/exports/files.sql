-- name: get_export_state
-- needs: update ai_spend_export
-- The time of the database's clock, and the latest month of which a run began to write a file.
SELECT now() AS now, max(x.month) AS last_month
FROM ai_spend_exports AS x
WHERE x.attempted_at IS NOT NULL;

-- name: register_spend_exports
-- needs: update ai_spend_export
-- Add a row for each organization with usage in a month, deleted ones too, and for the nil UUID.
-- The index finds each. In the order of the writers of usage, so nobody waits in a circle.
INSERT INTO ai_spend_exports (organization_id, month)
SELECT o.id, (%(period_start)s::timestamptz AT TIME ZONE 'UTC')::date
FROM (
    SELECT each.id FROM organizations AS each
    UNION ALL
    SELECT '00000000-0000-0000-0000-000000000000'::uuid
) AS o
WHERE EXISTS (
    SELECT 1 FROM ai_usage_quarter_hourly AS h
    WHERE h.organization_id = o.id AND h.starts_at >= %(period_start)s
        AND h.starts_at < %(period_end)s
)
ORDER BY o.id
ON CONFLICT (organization_id, month) DO NOTHING;

-- name: request_spend_exports
-- needs: update ai_spend_export
-- Have each file of a month written again. In the order of the writers of usage.
WITH locked AS MATERIALIZED (
    SELECT x.organization_id, x.month
    FROM ai_spend_exports AS x
    WHERE x.month = (%(period_start)s::timestamptz AT TIME ZONE 'UTC')::date
    ORDER BY x.organization_id
    FOR UPDATE
)
UPDATE ai_spend_exports AS x SET exported_changes = NULL
FROM locked AS l
WHERE x.organization_id = l.organization_id AND x.month = l.month;

-- name: claim_spend_exports
-- needs: update ai_spend_export
-- Claim files to write of some months, for the length of a lease: those that waited longest, and
-- none twice in a run. Rows that another run or a writer of usage holds are skipped.
WITH due AS MATERIALIZED (
    SELECT x.organization_id, x.month, x.attempted_at
    FROM ai_spend_exports AS x
    WHERE x.exported_changes IS DISTINCT FROM x.changes AND x.leased_until <= now()
        AND x.month >= (%(period_start)s::timestamptz AT TIME ZONE 'UTC')::date
        AND x.month < (%(period_end)s::timestamptz AT TIME ZONE 'UTC')::date
        AND (x.attempted_at IS NULL OR x.attempted_at < %(started)s)
    ORDER BY x.attempted_at NULLS FIRST, x.month, x.organization_id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
UPDATE ai_spend_exports AS x
SET attempted_at = now(), leased_until = now() + make_interval(secs => %(lease_seconds)s)
FROM due AS d
WHERE x.organization_id = d.organization_id AND x.month = d.month
RETURNING x.organization_id, x.month, x.changes, x.leased_until, x.attempted_at,
    d.attempted_at AS before;

-- name: mark_spend_export
-- needs: update ai_spend_export
-- Record that a file is written, with the changes that were counted before its sums were read. Not
-- in the month itself, nor in the hour after it: a statement that began in the month may still run,
-- and counts no change. A run whose lease has expired marks nothing.
UPDATE ai_spend_exports AS x
SET exported_at = now(), leased_until = '-infinity',
    exported_changes = CASE
        WHEN x.attempted_at >= (x.month + interval '1 month 1 hour') AT TIME ZONE 'UTC'
            THEN %(changes)s::bigint
    END
WHERE x.organization_id = %(organization_id)s AND x.month = %(month)s
    AND x.leased_until = %(leased_until)s;

-- name: release_spend_export
-- needs: update ai_spend_export
-- End the lease of a file that is not written. `attempted_at` is its place in the order.
UPDATE ai_spend_exports AS x
SET leased_until = '-infinity', attempted_at = %(attempted_at)s::timestamptz
WHERE x.organization_id = %(organization_id)s AND x.month = %(month)s
    AND x.leased_until = %(leased_until)s;

-- name: count_spend_exports_left
-- needs: update ai_spend_export
-- How many files of some months are to be written, and were not attempted since the run started, or
-- are claimed by another run.
SELECT count(*) AS files
FROM ai_spend_exports AS x
WHERE x.exported_changes IS DISTINCT FROM x.changes
    AND x.month >= (%(period_start)s::timestamptz AT TIME ZONE 'UTC')::date
    AND x.month < (%(period_end)s::timestamptz AT TIME ZONE 'UTC')::date
    AND (x.attempted_at IS NULL OR x.attempted_at < %(started)s OR x.leased_until > now());
