-- name: get_user_budget_override
-- A user's own limit, if there is one. In a deleted organization it counts for nothing.
SELECT v.user_id, v.group_id, v.spend_limit_micros, v.created_at, v.updated_at
FROM user_ai_budget_overrides AS v
JOIN organizations AS o ON o.id = v.organization_id
WHERE v.user_id = %(user_id)s AND o.deleted_at IS NULL;

-- name: find_group
-- A group that a body names, as the rule needs it.
SELECT g.id, g.organization_id
FROM groups AS g
JOIN organizations AS o ON o.id = g.organization_id
WHERE g.id = %(group_id)s AND o.deleted_at IS NULL;

-- name: group_of_user_budget_override
-- The group that a user's own limit counts for, as the rule needs it.
SELECT v.group_id AS id, v.organization_id
FROM user_ai_budget_overrides AS v
JOIN organizations AS o ON o.id = v.organization_id
WHERE v.user_id = %(user_id)s AND o.deleted_at IS NULL;

-- name: lock_user_in_group
-- First of a batch that writes an override: in the order in which an import of the directory and a
-- cascade lock (group, user, membership of the organization, of the group), so that neither waits
-- for the other in a circle. The user's row makes the audit entries a chain; the memberships cannot
-- go before the override is there.
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
    JOIN organization_members AS om ON om.organization_id = lu.organization_id
        AND om.user_id = lu.id
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
-- Sets the limit of a locked user and writes down from what to what, unless the precondition
-- forbids it (no row). `updated_at` always moves, even when a clock does not: it names the version.
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
        AND (NOT %(must_exist)s OR before.updated_at IS NOT NULL)
        AND (NOT %(must_be_absent)s OR before.updated_at IS NULL)
        AND (%(versions)s::timestamptz[] IS NULL
            OR coalesce(before.updated_at = ANY(%(versions)s::timestamptz[]), false))
        AND coalesce(before.updated_at <> ALL(%(excluded_versions)s::timestamptz[]), true)
    ON CONFLICT (user_id) DO UPDATE
    SET group_id = excluded.group_id,
        organization_id = excluded.organization_id,
        spend_limit_micros = excluded.spend_limit_micros,
        updated_at = greatest(excluded.updated_at, v.updated_at + interval '1 microsecond')
    RETURNING v.user_id, v.group_id, v.organization_id, v.spend_limit_micros, v.created_at,
        v.updated_at
),
entry AS (
    INSERT INTO audit_log (
        actor_id, actor_name, action, resource_type, resource_id, organization_id, group_id,
        user_id, before, after, request_id
    )
    SELECT
        %(actor_id)s, %(actor_name)s, CASE WHEN before.updated_at IS NULL THEN 'create'
        ELSE 'update' END, 'user_ai_budget_override', w.user_id, w.organization_id, w.group_id,
        w.user_id,
        CASE WHEN before.updated_at IS NOT NULL THEN
            jsonb_build_object('group_id', before.group_id, 'spend_limit_micros',
            before.spend_limit_micros)
        END,
        jsonb_build_object('group_id', w.group_id, 'spend_limit_micros', w.spend_limit_micros),
        %(request_id)s
    FROM written AS w
    LEFT JOIN before ON true
)
SELECT w.user_id, w.group_id, w.spend_limit_micros, w.created_at, w.updated_at
FROM written AS w;

-- name: delete_user_budget_override
-- Removes the limit of a locked user and writes down what it was, unless the precondition forbids
-- it or it counts for another group by now. Answers whether it is gone; no row means that there was
-- none.
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
        AND NOT %(must_be_absent)s
        AND (%(versions)s::timestamptz[] IS NULL
            OR before.updated_at = ANY(%(versions)s::timestamptz[]))
        AND before.updated_at <> ALL(%(excluded_versions)s::timestamptz[])
    RETURNING v.user_id, v.group_id, v.organization_id, v.spend_limit_micros
),
entry AS (
    INSERT INTO audit_log (
        actor_id, actor_name, action, resource_type, resource_id, organization_id, group_id,
        user_id, before, request_id
    )
    SELECT
        %(actor_id)s, %(actor_name)s, 'delete', 'user_ai_budget_override', r.user_id,
        r.organization_id, r.group_id, r.user_id,
        jsonb_build_object('group_id', r.group_id, 'spend_limit_micros', r.spend_limit_micros),
        %(request_id)s
    FROM removed AS r
)
SELECT EXISTS (SELECT 1 FROM removed) AS removed
FROM before;
