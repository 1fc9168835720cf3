-- name: get_group_budget
-- The budget of a group, if it has one.
SELECT b.group_id, b.spend_limit_micros, b.created_at, b.updated_at
FROM group_ai_budgets AS b
WHERE b.group_id = %(group_id)s;

-- name: upsert_group_budget
-- Sets the limit of a locked group and writes down from what to what, unless the precondition
-- forbids it (no row). `updated_at` always moves, even when a clock does not: it names the version.
WITH before AS (
    SELECT b.spend_limit_micros, b.updated_at
    FROM group_ai_budgets AS b
    WHERE b.group_id = %(group_id)s
),
written AS (
    INSERT INTO group_ai_budgets AS b (group_id, spend_limit_micros, created_at, updated_at)
    SELECT g.id, %(spend_limit_micros)s, moment.now, moment.now
    FROM groups AS g
    JOIN organizations AS o ON o.id = g.organization_id AND o.deleted_at IS NULL
    CROSS JOIN (SELECT clock_timestamp() AS now OFFSET 0) AS moment
    LEFT JOIN before ON true
    WHERE g.id = %(group_id)s
        AND (NOT %(must_exist)s OR before.updated_at IS NOT NULL)
        AND (NOT %(must_be_absent)s OR before.updated_at IS NULL)
        AND (%(versions)s::timestamptz[] IS NULL
            OR coalesce(before.updated_at = ANY(%(versions)s::timestamptz[]), false))
        AND coalesce(before.updated_at <> ALL(%(excluded_versions)s::timestamptz[]), true)
    ON CONFLICT (group_id) DO UPDATE
    SET spend_limit_micros = excluded.spend_limit_micros,
        updated_at = greatest(excluded.updated_at, b.updated_at + interval '1 microsecond')
    RETURNING b.group_id, b.spend_limit_micros, b.created_at, b.updated_at
),
entry AS (
    INSERT INTO audit_log (
        actor_id, actor_name, action, resource_type, resource_id, organization_id, group_id,
        before, after, request_id
    )
    SELECT
        %(actor_id)s, %(actor_name)s, CASE WHEN before.updated_at IS NULL THEN 'create'
        ELSE 'update' END, 'group_ai_budget', w.group_id, g.organization_id, w.group_id,
        CASE WHEN before.updated_at IS NOT NULL
            THEN jsonb_build_object('spend_limit_micros', before.spend_limit_micros) END,
        jsonb_build_object('spend_limit_micros', w.spend_limit_micros),
        %(request_id)s
    FROM written AS w
    JOIN groups AS g ON g.id = w.group_id
    LEFT JOIN before ON true
)
SELECT w.group_id, w.spend_limit_micros, w.created_at, w.updated_at
FROM written AS w;

-- name: delete_group_budget
-- Removes the budget of a locked group and writes down what it was, unless the precondition forbids
-- it. Answers the budget that was there and whether it is gone now; no row means that there was
-- none.
WITH before AS (
    SELECT b.group_id, b.spend_limit_micros, b.created_at, b.updated_at
    FROM group_ai_budgets AS b
    WHERE b.group_id = %(group_id)s
),
removed AS (
    DELETE FROM group_ai_budgets AS b
    USING before
    WHERE b.group_id = before.group_id
        AND NOT %(must_be_absent)s
        AND (%(versions)s::timestamptz[] IS NULL
            OR before.updated_at = ANY(%(versions)s::timestamptz[]))
        AND before.updated_at <> ALL(%(excluded_versions)s::timestamptz[])
    RETURNING b.group_id, b.spend_limit_micros
),
entry AS (
    INSERT INTO audit_log (
        actor_id, actor_name, action, resource_type, resource_id, organization_id, group_id,
        before, request_id
    )
    SELECT
        %(actor_id)s, %(actor_name)s, 'delete', 'group_ai_budget', r.group_id, g.organization_id,
        r.group_id,
        jsonb_build_object('spend_limit_micros', r.spend_limit_micros), %(request_id)s
    FROM removed AS r
    JOIN groups AS g ON g.id = r.group_id
)
SELECT EXISTS (SELECT 1 FROM removed) AS removed
FROM before;
