-- name: lock_leaving_users
-- needs: update directory
-- Lock the users who lose a membership or an override in an import: after the groups that it
-- deletes, and before anything that hangs on a user. It is the order of `0009_locks.sql`, in which
-- a writer of an override locks too, so the two never wait in a circle.
WITH listed AS MATERIALIZED (
    SELECT u.id AS user_id, m.name, m.groups
    FROM jsonb_to_recordset(%(document)s::jsonb -> 'users') AS e (
        username text, organizations jsonb
    )
    JOIN users AS u ON u.username = e.username
    LEFT JOIN LATERAL jsonb_to_recordset(e.organizations) AS m (name text, groups jsonb) ON true
    WHERE jsonb_typeof(e.organizations) = 'array'
),
leaving AS (
    SELECT v.user_id
    FROM user_ai_budget_overrides AS v
    WHERE v.group_id = ANY(%(dropped)s::uuid[])
    UNION
    SELECT om.user_id
    FROM (SELECT DISTINCT each.user_id FROM listed AS each) AS l
    JOIN organization_members AS om ON om.user_id = l.user_id
    JOIN organizations AS o ON o.id = om.organization_id
    WHERE NOT EXISTS (
        SELECT 1 FROM listed AS each
        WHERE each.user_id = om.user_id AND each.name = o.name AND o.deleted_at IS NULL
    )
    UNION
    SELECT gm.user_id
    FROM listed AS l
    JOIN organizations AS o ON o.name = l.name AND o.deleted_at IS NULL
    JOIN group_members AS gm ON gm.user_id = l.user_id AND gm.organization_id = o.id
    JOIN groups AS g ON g.id = gm.group_id
    WHERE NOT l.groups ? g.name
)
SELECT u.id
FROM users AS u
WHERE u.id IN (SELECT l.user_id FROM leaving AS l)
ORDER BY u.id
FOR NO KEY UPDATE OF u;
