-- name: list_unattributed_usage
-- needs: read ai_usage
-- A page of the names of usage without a user, by source and organization, those with the most
-- first. One row more than the limit shows that there is another page. Usage of dropped months is
-- left out: nobody can get it any more.
SELECT s.source, s.name, s.organization_id,
    CASE WHEN o.id IS NOT NULL THEN jsonb_build_object('id', o.id, 'name', o.name) END
        AS organization,
    s.usage_count, s.unpriced_usage_count, s.cost_micros, s.first_occurred_at, s.last_occurred_at,
    CASE WHEN u.id IS NOT NULL THEN jsonb_build_object('id', u.id, 'username', u.username) END
        AS assigned_to
FROM (
    SELECT n.source, n.name, n.organization_id, sum(n.usage_count)::bigint AS usage_count,
        sum(n.unpriced_usage_count)::bigint AS unpriced_usage_count,
        sum(n.cost_micros) AS cost_micros, min(n.occurred_at) AS first_occurred_at,
        max(n.occurred_at) AS last_occurred_at
    FROM ai_usage_unattributed AS n
    WHERE n.usage_id IS NOT NULL
    GROUP BY n.source, n.name, n.organization_id
    HAVING %(after_count)s::bigint IS NULL
        OR sum(n.usage_count) < %(after_count)s::bigint
        OR (
            sum(n.usage_count) = %(after_count)s::bigint
            AND (n.source, n.name, n.organization_id)
            > (%(after_source)s::text, %(after_name)s::text, %(after_organization)s::uuid)
        )
    ORDER BY sum(n.usage_count) DESC, n.source, n.name, n.organization_id
    LIMIT %(limit)s::bigint + 1
) AS s
LEFT JOIN organizations AS o ON o.id = s.organization_id
LEFT JOIN ai_usage_assignments AS a ON a.source = s.source AND a.name = s.name
LEFT JOIN users AS u ON u.id = a.user_id
ORDER BY s.usage_count DESC, s.source, s.name, s.organization_id;

-- name: sum_unattributed_usage
-- needs: read ai_usage
-- All usage without a user.
SELECT coalesce(sum(n.usage_count), 0)::bigint AS usage_count,
    coalesce(sum(n.unpriced_usage_count), 0)::bigint AS unpriced_usage_count,
    coalesce(sum(n.cost_micros), 0) AS cost_micros
FROM ai_usage_unattributed AS n
WHERE n.usage_id IS NOT NULL;

-- name: sum_unattributed_name
-- needs: update ai_usage
-- The usage of a name in a source that has no user.
SELECT coalesce(sum(n.usage_count), 0)::bigint AS usage_count,
    coalesce(sum(n.cost_micros), 0) AS cost_micros
FROM ai_usage_unattributed AS n
WHERE n.source = %(source)s AND n.name = %(name)s AND n.usage_id IS NOT NULL;

-- name: lock_usage_assignment
-- needs: update ai_usage
-- Lock the assignment of a name, even if it has none yet: the first statement of a batch that
-- changes it. The next statement takes its own snapshot and sees what the writers before it left.
SELECT pg_advisory_xact_lock(
    hashtextextended(%(source)s || E'\n' || %(name)s, hashtext('ai_usage_assignments'))
) IS NOT NULL AS is_locked;

-- name: set_usage_assignment
-- needs: update ai_usage
-- Assign a locked name of a source to a user, or to nobody, with the audit entry of a change.
WITH before AS (
    SELECT a.user_id FROM ai_usage_assignments AS a
    WHERE a.source = %(source)s AND a.name = %(name)s
),
gone AS (
    DELETE FROM ai_usage_assignments AS a
    WHERE a.source = %(source)s AND a.name = %(name)s AND %(user_id)s::uuid IS NULL
),
written AS (
    INSERT INTO ai_usage_assignments AS a (source, name, user_id)
    SELECT %(source)s, %(name)s, %(user_id)s::uuid
    WHERE %(user_id)s::uuid IS NOT NULL
    ON CONFLICT (source, name) DO UPDATE SET user_id = excluded.user_id, updated_at = now()
    WHERE a.user_id <> excluded.user_id
),
remembered AS (
    INSERT INTO ai_usage_assigned_users (source, name, user_id)
    SELECT %(source)s, %(name)s, %(user_id)s::uuid
    WHERE %(user_id)s::uuid IS NOT NULL
    ON CONFLICT DO NOTHING
),
audited AS (
    SELECT CASE
            WHEN before.user_id IS NULL THEN 'create'
            WHEN c.user_id IS NULL THEN 'delete'
            ELSE 'update'
        END AS action,
        'ai_usage_assignment' AS resource_type, c.source || '/' || c.name AS resource_id,
        NULL::uuid AS organization_id, NULL::uuid AS group_id,
        coalesce(c.user_id, before.user_id) AS user_id,
        CASE WHEN before.user_id IS NOT NULL THEN
            jsonb_build_object('source', c.source, 'name', c.name, 'user_id', before.user_id)
        END AS before,
        CASE WHEN c.user_id IS NOT NULL THEN
            jsonb_build_object('source', c.source, 'name', c.name, 'user_id', c.user_id)
        END AS after
    FROM (VALUES (%(source)s::text, %(name)s::text, %(user_id)s::uuid)) AS c (source, name, user_id)
    LEFT JOIN before ON true
    WHERE before.user_id IS DISTINCT FROM c.user_id
),
entries AS (
    -- include: audit_entries
)
SELECT CASE WHEN u.id IS NOT NULL THEN jsonb_build_object('id', u.id, 'username', u.username) END
    AS "user"
FROM (VALUES (%(user_id)s::uuid)) AS c (user_id)
LEFT JOIN users AS u ON u.id = c.user_id;
