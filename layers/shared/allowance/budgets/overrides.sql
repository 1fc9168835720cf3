-- name: get_user_budget_override
-- needs: read user %(user_id)s
-- Return the override of a user. In a deleted organization, or when its time is over, it counts for
-- nothing.
SELECT v.user_id, v.group_id, v.spend_limit_micros, v.expires_at, v.created_at, v.updated_at
FROM user_ai_budget_overrides AS v
JOIN organizations AS o ON o.id = v.organization_id
WHERE v.user_id = %(user_id)s AND o.deleted_at IS NULL
    AND (v.expires_at IS NULL OR v.expires_at > now());

-- name: find_groups_of_override
-- needs: update user %(user_id)s
-- Return the groups that a write of an override concerns, as the rule needs them: the given one, if
-- any, and the one that the override counts for. Groups of deleted organizations are left out.
SELECT g.id, g.organization_id
FROM groups AS g
JOIN organizations AS o ON o.id = g.organization_id
WHERE o.deleted_at IS NULL AND g.id IN (
    %(group_id)s::uuid,
    (
        SELECT v.group_id FROM user_ai_budget_overrides AS v
        WHERE v.user_id = %(user_id)s AND (v.expires_at IS NULL OR v.expires_at > now())
    )
);

-- name: lock_override_in_group
-- needs: update user %(user_id)s
-- needs: update group %(group_id)s
-- Lock the override of a user and the memberships that it needs: the first statement of a batch
-- that writes it. The next statements take their own snapshots and see what others left.
SELECT lock_user_ai_budget_override(%(user_id)s, %(group_id)s) AS is_there;

-- name: lock_override
-- needs: update user %(user_id)s
-- Lock the override of a user: the first statement of a batch that removes it.
SELECT lock_user_ai_budget_override(%(user_id)s, NULL) AS is_there;

-- name: upsert_user_budget_override
-- needs: update user %(user_id)s
-- needs: update group %(group_id)s
-- needs: update group each %(group_ids)s
-- Create or replace a locked override, with its audit entries. No row: the precondition forbids it,
-- or the override counts for a group that is not given. An override in a deleted organization
-- counts as none. `updated_at` names the version, so it moves even when the clock does not.
WITH held AS (
    SELECT v.group_id, v.organization_id, v.spend_limit_micros, v.expires_at, v.created_at,
        v.updated_at,
        o.deleted_at
    FROM user_ai_budget_overrides AS v
    JOIN organizations AS o ON o.id = v.organization_id
    WHERE v.user_id = %(user_id)s
),
before AS (
    SELECT h.group_id, h.created_at, h.updated_at FROM held AS h WHERE h.deleted_at IS NULL
),
written AS (
    INSERT INTO user_ai_budget_overrides AS v (
        user_id, group_id, organization_id, spend_limit_micros, expires_at, created_at, updated_at
    )
    SELECT %(user_id)s::uuid, g.id, g.organization_id, %(spend_limit_micros)s,
        %(expires_at)s::timestamptz, coalesce(before.created_at, moment.now), moment.now
    FROM groups AS g
    JOIN organizations AS o ON o.id = g.organization_id AND o.deleted_at IS NULL
    CROSS JOIN (SELECT clock_timestamp() AS now OFFSET 0) AS moment
    LEFT JOIN before ON true
    WHERE g.id = %(group_id)s
        AND coalesce(before.group_id = ANY(%(group_ids)s::uuid[]), true)
        -- include: precondition
    ON CONFLICT (user_id) DO UPDATE
    SET group_id = excluded.group_id,
        organization_id = excluded.organization_id,
        spend_limit_micros = excluded.spend_limit_micros,
        expires_at = excluded.expires_at,
        created_at = excluded.created_at,
        updated_at = greatest(excluded.updated_at, v.updated_at + interval '1 microsecond')
    RETURNING v.user_id, v.group_id, v.organization_id, v.spend_limit_micros, v.expires_at,
        v.created_at, v.updated_at
),
-- Leaving a group ends the override there, and joining another begins one. Each organization reads
-- its own entry, and the filter by group finds both.
audited AS (
    SELECT e.action, 'user_ai_budget_override' AS resource_type, w.user_id::text AS resource_id,
        e.organization_id, e.group_id, w.user_id,
        CASE
            WHEN e.action <> 'create'
                THEN ai_override_terms(h.group_id, h.spend_limit_micros, h.expires_at)
        END AS before,
        CASE
            WHEN e.action <> 'delete'
                THEN ai_override_terms(w.group_id, w.spend_limit_micros, w.expires_at)
        END AS after
    FROM written AS w
    LEFT JOIN held AS h ON true
    CROSS JOIN LATERAL (
        SELECT 1 AS n, 'delete' AS action, h.organization_id, h.group_id
        WHERE h.group_id <> w.group_id
        UNION ALL
        SELECT 2, CASE WHEN h.group_id = w.group_id THEN 'update' ELSE 'create' END,
            w.organization_id, w.group_id
    ) AS e
    ORDER BY e.n
),
entries AS (
    -- include: audit_entries
)
SELECT w.user_id, w.group_id, w.spend_limit_micros, w.expires_at, w.created_at, w.updated_at
FROM written AS w;

-- name: delete_user_budget_override
-- needs: update user %(user_id)s
-- needs: update group each %(group_ids)s
-- Remove a locked override, with its audit entry, unless the precondition forbids it or it counts
-- for a group that is not given. Return whether it is gone; no row: there was none.
WITH before AS (
    SELECT v.user_id, v.updated_at
    FROM user_ai_budget_overrides AS v
    JOIN organizations AS o ON o.id = v.organization_id
    WHERE v.user_id = %(user_id)s AND o.deleted_at IS NULL
),
removed AS (
    DELETE FROM user_ai_budget_overrides AS v
    USING before
    WHERE v.user_id = before.user_id
        AND v.group_id = ANY(%(group_ids)s::uuid[])
        -- include: precondition
    RETURNING v.user_id, v.group_id, v.organization_id, v.spend_limit_micros, v.expires_at
),
audited AS (
    SELECT 'delete' AS action, 'user_ai_budget_override' AS resource_type,
        r.user_id::text AS resource_id, r.organization_id, r.group_id, r.user_id,
        ai_override_terms(r.group_id, r.spend_limit_micros, r.expires_at) AS before,
        NULL::jsonb AS after
    FROM removed AS r
),
entries AS (
    -- include: audit_entries
)
SELECT EXISTS (SELECT 1 FROM removed) AS removed
FROM before;
