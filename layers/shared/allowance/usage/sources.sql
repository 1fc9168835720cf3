-- name: get_usage_source
-- needs: read ai_usage
-- Return the settings of a source; no row: it has the defaults. An organization that is deleted
-- counts as none.
SELECT s.source, s.cost_from, s.unknown_users, s.identity, s.estimate_micros,
    CASE WHEN o.id IS NOT NULL THEN jsonb_build_object('id', o.id, 'name', o.name) END
        AS organization, s.created_at, s.updated_at
FROM ai_usage_sources AS s
LEFT JOIN organizations AS o ON o.id = s.organization_id AND o.deleted_at IS NULL
WHERE s.source = %(source)s;

-- name: lock_usage_source
-- needs: update ai_usage
-- Lock the settings of a source, even if it has none yet: the first statement of a batch that
-- changes them. The next statement takes its own snapshot and sees what the writers before it left.
-- Returns whether the organization exists, or none is named.
SELECT pg_advisory_xact_lock(hashtextextended('ai_usage_sources ' || %(source)s, 0)) IS NOT NULL
        AS is_locked,
    %(organization)s::text IS NULL OR ai_organization_named(%(organization)s::text) IS NOT NULL
        AS has_organization;

-- name: set_usage_source
-- needs: update ai_usage
-- Create or replace the settings of a locked source, with their audit entry. No row: the
-- precondition forbids it, or there is no such organization.
WITH before AS (
    SELECT s.updated_at, ai_usage_source_settings(s) AS settings
    FROM ai_usage_sources AS s
    WHERE s.source = %(source)s
),
written AS (
    INSERT INTO ai_usage_sources AS s (
        source, cost_from, unknown_users, identity, estimate_micros, organization_id, created_at,
        updated_at
    )
    SELECT %(source)s, %(cost_from)s, %(unknown_users)s, %(identity)s::text [],
        %(estimate_micros)s, ai_organization_named(%(organization)s::text), moment.now, moment.now
    FROM (SELECT clock_timestamp() AS now OFFSET 0) AS moment
    LEFT JOIN before ON true
    WHERE (
            %(organization)s::text IS NULL
            OR ai_organization_named(%(organization)s::text) IS NOT NULL
        )
        -- include: precondition
    ON CONFLICT (source) DO UPDATE
    SET cost_from = excluded.cost_from, unknown_users = excluded.unknown_users,
        identity = excluded.identity, estimate_micros = excluded.estimate_micros,
        organization_id = excluded.organization_id,
        updated_at = greatest(excluded.updated_at, s.updated_at + interval '1 microsecond')
    RETURNING s.source, s.cost_from, s.unknown_users, s.identity, s.estimate_micros,
        s.organization_id, s.created_at, s.updated_at, ai_usage_source_settings(s) AS settings
),
audited AS (
    SELECT CASE WHEN before.updated_at IS NULL THEN 'create' ELSE 'update' END AS action,
        'ai_usage_source' AS resource_type, w.source AS resource_id,
        NULL::uuid AS organization_id, NULL::uuid AS group_id, NULL::uuid AS user_id,
        before.settings AS before, w.settings AS after
    FROM written AS w
    LEFT JOIN before ON true
),
entries AS (
    -- include: audit_entries
)
SELECT w.source, w.cost_from, w.unknown_users, w.identity, w.estimate_micros,
    CASE WHEN o.id IS NOT NULL THEN jsonb_build_object('id', o.id, 'name', o.name) END
        AS organization, w.created_at, w.updated_at
FROM written AS w
LEFT JOIN organizations AS o ON o.id = w.organization_id;
