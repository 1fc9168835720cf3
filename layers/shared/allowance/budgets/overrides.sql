-- name: get_user_budget_override
-- needs: read user %(user_id)s
-- Return the override of a user. In a deleted organization it counts for nothing.
SELECT v.user_id, v.group_id, v.spend_limit_micros, v.created_at, v.updated_at
FROM user_ai_budget_overrides AS v
JOIN organizations AS o ON o.id = v.organization_id
WHERE v.user_id = %(user_id)s AND o.deleted_at IS NULL;

-- name: find_group_for_override
-- needs: update user %(user_id)s
-- Return the group that the override of a user shall count for, as the rule needs it.
SELECT g.id, g.organization_id
FROM users AS u
JOIN groups AS g ON g.id = %(group_id)s
JOIN organizations AS o ON o.id = g.organization_id
WHERE u.id = %(user_id)s AND o.deleted_at IS NULL;

-- name: find_group_of_override
-- needs: update user %(user_id)s
-- Return the group that the override of a user counts for, as the rule needs it.
SELECT v.group_id AS id, v.organization_id
FROM user_ai_budget_overrides AS v
JOIN organizations AS o ON o.id = v.organization_id
WHERE v.user_id = %(user_id)s AND o.deleted_at IS NULL;

-- name: lock_user_in_group
-- needs: update user %(user_id)s
-- needs: update group %(group_id)s
-- Lock what an override hangs on: the first statement of a batch that writes one. The order (group,
-- user, membership of the organization, membership of the group) is the order of an import and of a
-- cascade, so that no two writers wait in a circle. The lock on the user makes the audit entries a
-- chain; the locks on the memberships keep them until the override is there.
WITH locked_group AS MATERIALIZED (
    SELECT g.id, g.organization_id
    FROM groups AS g
    WHERE g.id = %(group_id)s
    FOR KEY SHARE OF g
),
locked_user AS MATERIALIZED (
    SELECT u.id, lg.id AS group_id, lg.organization_id
    FROM locked_group AS lg
    JOIN organizations AS o ON o.id = lg.organization_id AND o.deleted_at IS NULL
    JOIN users AS u ON u.id = %(user_id)s
    FOR NO KEY UPDATE OF u
),
locked_organization_member AS MATERIALIZED (
    SELECT om.user_id, lu.group_id
    FROM locked_user AS lu
    JOIN organization_members AS om
        ON om.organization_id = lu.organization_id AND om.user_id = lu.id
    FOR KEY SHARE OF om
),
locked_group_member AS MATERIALIZED (
    SELECT gm.group_id
    FROM locked_organization_member AS lom
    JOIN group_members AS gm ON gm.group_id = lom.group_id AND gm.user_id = lom.user_id
    FOR KEY SHARE OF gm
)
SELECT lu.group_id AS id, lu.organization_id
FROM locked_user AS lu
LEFT JOIN locked_group_member AS lgm ON lgm.group_id = lu.group_id;

-- name: upsert_user_budget_override
-- needs: update user %(user_id)s
-- needs: update group %(group_id)s
-- Create or replace the override of a locked user, with its audit entry. No row: the precondition
-- forbids it. `updated_at` names the version, so it moves even when the clock does not.
WITH before AS (
    SELECT v.group_id, v.spend_limit_micros, v.updated_at
    FROM user_ai_budget_overrides AS v
    WHERE v.user_id = %(user_id)s
),
written AS (
    INSERT INTO user_ai_budget_overrides AS v (
        user_id, group_id, organization_id, spend_limit_micros, created_at, updated_at
    )
    SELECT %(user_id)s::uuid, g.id, g.organization_id, %(spend_limit_micros)s, moment.now,
        moment.now
    FROM groups AS g
    CROSS JOIN (SELECT clock_timestamp() AS now OFFSET 0) AS moment
    LEFT JOIN before ON true
    WHERE g.id = %(group_id)s
        -- include: precondition
    ON CONFLICT (user_id) DO UPDATE
    SET group_id = excluded.group_id,
        organization_id = excluded.organization_id,
        spend_limit_micros = excluded.spend_limit_micros,
        updated_at = greatest(excluded.updated_at, v.updated_at + interval '1 microsecond')
    RETURNING v.user_id, v.group_id, v.organization_id, v.spend_limit_micros, v.created_at,
        v.updated_at
),
audited AS (
    SELECT CASE WHEN before.updated_at IS NULL THEN 'create' ELSE 'update' END AS action,
        'user_ai_budget_override' AS resource_type, w.user_id::text AS resource_id,
        w.organization_id, w.group_id, w.user_id,
        CASE WHEN before.updated_at IS NOT NULL THEN jsonb_build_object(
            'group_id', before.group_id, 'spend_limit_micros', before.spend_limit_micros
        ) END AS before,
        jsonb_build_object(
            'group_id', w.group_id, 'spend_limit_micros', w.spend_limit_micros
        ) AS after
    FROM written AS w
    LEFT JOIN before ON true
),
entries AS (
    -- include: audit_entries
)
SELECT w.user_id, w.group_id, w.spend_limit_micros, w.created_at, w.updated_at
FROM written AS w;

-- name: delete_user_budget_override
-- needs: update user %(user_id)s
-- needs: update group %(group_id)s
-- Remove the override of a locked user, with its audit entry, unless the precondition forbids it or
-- the override counts for another group by now. Return whether it is gone; no row: there was none.
WITH before AS (
    SELECT v.user_id, v.updated_at
    FROM user_ai_budget_overrides AS v
    WHERE v.user_id = %(user_id)s
),
removed AS (
    DELETE FROM user_ai_budget_overrides AS v
    USING before
    WHERE v.user_id = before.user_id
        AND v.group_id = %(group_id)s
        -- include: precondition
    RETURNING v.user_id, v.group_id, v.organization_id, v.spend_limit_micros
),
audited AS (
    SELECT 'delete' AS action, 'user_ai_budget_override' AS resource_type,
        r.user_id::text AS resource_id, r.organization_id, r.group_id, r.user_id,
        jsonb_build_object(
            'group_id', r.group_id, 'spend_limit_micros', r.spend_limit_micros
        ) AS before,
        NULL::jsonb AS after
    FROM removed AS r
),
entries AS (
    -- include: audit_entries
)
SELECT EXISTS (SELECT 1 FROM removed) AS removed
FROM before;
