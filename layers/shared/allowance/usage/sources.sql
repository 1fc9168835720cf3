-- name: get_usage_source
-- needs: read ai_usage
-- Return the settings of a source; no row: it has the defaults.
SELECT s.source, s.cost_from, s.created_at, s.updated_at
FROM ai_usage_sources AS s
WHERE s.source = %(source)s;

-- name: lock_usage_source
-- needs: update ai_usage
-- Lock the settings of a source, even if it has none yet: the first statement of a batch that
-- changes them. The next statement takes its own snapshot and sees what the writers before it left.
SELECT pg_advisory_xact_lock(hashtextextended('ai_usage_sources ' || %(source)s, 0)) IS NOT NULL
    AS is_locked;

-- name: set_usage_source
-- needs: update ai_usage
-- Create or replace the settings of a locked source, with their audit entry. No row: the
-- precondition forbids it.
WITH before AS (
    SELECT s.cost_from, s.updated_at
    FROM ai_usage_sources AS s
    WHERE s.source = %(source)s
),
written AS (
    INSERT INTO ai_usage_sources AS s (source, cost_from, created_at, updated_at)
    SELECT %(source)s, %(cost_from)s, moment.now, moment.now
    FROM (SELECT clock_timestamp() AS now OFFSET 0) AS moment
    LEFT JOIN before ON true
    WHERE true
        -- include: precondition
    ON CONFLICT (source) DO UPDATE
    SET cost_from = excluded.cost_from,
        updated_at = greatest(excluded.updated_at, s.updated_at + interval '1 microsecond')
    RETURNING s.source, s.cost_from, s.created_at, s.updated_at
),
audited AS (
    SELECT CASE WHEN before.updated_at IS NULL THEN 'create' ELSE 'update' END AS action,
        'ai_usage_source' AS resource_type, w.source AS resource_id,
        NULL::uuid AS organization_id, NULL::uuid AS group_id, NULL::uuid AS user_id,
        CASE WHEN before.updated_at IS NOT NULL THEN
            jsonb_build_object('cost_from', before.cost_from)
        END AS before,
        jsonb_build_object('cost_from', w.cost_from) AS after
    FROM written AS w
    LEFT JOIN before ON true
),
entries AS (
    -- include: audit_entries
)
SELECT w.source, w.cost_from, w.created_at, w.updated_at
FROM written AS w;
