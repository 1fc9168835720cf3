-- name: lock_groups
-- needs: update directory
-- Lock the groups that an import deletes. A concurrent change of such a group's budget finishes
-- first, so that the audit log keeps its chain.
SELECT g.id, g.organization_id
FROM groups AS g
WHERE g.id = ANY(%(group_ids)s::uuid[])
ORDER BY g.id
FOR UPDATE OF g;

-- name: lock_members_of_groups
-- needs: update directory
-- Lock the next members of groups by username. A writer of an override locks its user before the
-- memberships, so an import does too.
SELECT u.id, u.username
FROM users AS u
WHERE u.username > %(after_username)s
    AND u.id IN (
        SELECT gm.user_id FROM group_members AS gm WHERE gm.group_id = ANY(%(group_ids)s::uuid[])
    )
ORDER BY u.username
LIMIT %(limit)s
FOR NO KEY UPDATE OF u;

-- name: delete_members_of_groups
-- needs: update directory
-- Delete memberships of groups. A cascade deletes the overrides that hang on them.
DELETE FROM group_members AS gm
WHERE gm.group_id = ANY(%(group_ids)s::uuid[]) AND gm.user_id = ANY(%(user_ids)s::uuid[]);

-- name: delete_groups
-- needs: update directory
-- Delete groups that have no members, with their budgets.
DELETE FROM groups AS g WHERE g.id = ANY(%(group_ids)s::uuid[]);

-- name: list_budgeted_groups
-- needs: update directory
-- Return the groups with a budget of their members, or with a budget of the organization about
-- them. Everyone stands for the organization.
SELECT g.id
FROM groups AS g
WHERE g.id = ANY(%(group_ids)s::uuid[]) AND (
    EXISTS (SELECT 1 FROM group_ai_budgets AS b WHERE b.group_id = g.id)
    OR EXISTS (SELECT 1 FROM ai_budgets AS b WHERE b.group_id = g.id AND b.ended_at IS NULL)
    OR (
        g.id = g.organization_id
        AND EXISTS (
            SELECT 1 FROM ai_budgets AS b
            WHERE b.organization_id = g.organization_id AND b.ended_at IS NULL
        )
    )
);
