-- name: get_group_budget
-- needs: read group %(group_id)s
-- Return the budget of a group.
SELECT b.group_id, b.spend_limit_micros, b.created_at, b.updated_at
FROM group_ai_budgets AS b
WHERE b.group_id = %(group_id)s;

-- name: lock_group
-- needs: update group %(group_id)s
-- Lock the budget of a group: the first statement of a batch that changes it. The next statement
-- takes its own snapshot and sees what the writers before it left. No row: there is no such group.
SELECT l.id, l.organization_id FROM lock_group_ai_budget(%(group_id)s) AS l;

-- name: upsert_group_budget
-- needs: update group %(group_id)s
-- Create or replace the budget of a locked group, with its audit entry. No row: the precondition
-- forbids it. `updated_at` names the version, so it moves even when the clock does not.
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
        -- include: precondition
    ON CONFLICT (group_id) DO UPDATE
    SET spend_limit_micros = excluded.spend_limit_micros,
        updated_at = greatest(excluded.updated_at, b.updated_at + interval '1 microsecond')
    RETURNING b.group_id, b.spend_limit_micros, b.created_at, b.updated_at
),
audited AS (
    SELECT CASE WHEN before.updated_at IS NULL THEN 'create' ELSE 'update' END AS action,
        'group_ai_budget' AS resource_type, w.group_id::text AS resource_id, g.organization_id,
        w.group_id, NULL::uuid AS user_id,
        CASE WHEN before.updated_at IS NOT NULL THEN
            jsonb_build_object('spend_limit_micros', before.spend_limit_micros)
        END AS before,
        jsonb_build_object('spend_limit_micros', w.spend_limit_micros) AS after
    FROM written AS w
    JOIN groups AS g ON g.id = w.group_id
    LEFT JOIN before ON true
),
entries AS (
    -- include: audit_entries
)
SELECT w.group_id, w.spend_limit_micros, w.created_at, w.updated_at
FROM written AS w;

-- name: delete_group_budget
-- needs: update group %(group_id)s
-- Remove the budget of a locked group, with its audit entry, unless the precondition forbids it.
-- Return whether it is gone; no row: there was none.
WITH before AS (
    SELECT b.group_id, b.updated_at
    FROM group_ai_budgets AS b
    WHERE b.group_id = %(group_id)s
),
removed AS (
    DELETE FROM group_ai_budgets AS b
    USING before
    WHERE b.group_id = before.group_id
        -- include: precondition
    RETURNING b.group_id, b.spend_limit_micros
),
audited AS (
    SELECT 'delete' AS action, 'group_ai_budget' AS resource_type,
        r.group_id::text AS resource_id, g.organization_id, r.group_id, NULL::uuid AS user_id,
        jsonb_build_object('spend_limit_micros', r.spend_limit_micros) AS before,
        NULL::jsonb AS after
    FROM removed AS r
    JOIN groups AS g ON g.id = r.group_id
),
entries AS (
    -- include: audit_entries
)
SELECT EXISTS (SELECT 1 FROM removed) AS removed
FROM before;
