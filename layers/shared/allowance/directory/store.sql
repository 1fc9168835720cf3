-- name: get_group
-- needs: read group %(group_id)s
-- Return a group with the name of its organization and its budget.
SELECT g.id, g.name, g.organization_id, o.name AS organization_name,
    CASE WHEN b.group_id IS NOT NULL THEN jsonb_build_object(
        'group_id', b.group_id, 'spend_limit_micros', b.spend_limit_micros,
        'created_at', b.created_at, 'updated_at', b.updated_at
    ) END AS budget
FROM groups AS g
JOIN organizations AS o ON o.id = g.organization_id
LEFT JOIN group_ai_budgets AS b ON b.group_id = g.id
WHERE g.id = %(group_id)s AND o.deleted_at IS NULL;

-- name: list_groups
-- needs: read group each row id in organization_id
-- Return every group of an organization; the gate filters them. Collation C gives the same order of
-- names in every locale.
SELECT g.id, g.name, g.organization_id, o.name AS organization_name,
    CASE WHEN b.group_id IS NOT NULL THEN jsonb_build_object(
        'group_id', b.group_id, 'spend_limit_micros', b.spend_limit_micros,
        'created_at', b.created_at, 'updated_at', b.updated_at
    ) END AS budget
FROM groups AS g
JOIN organizations AS o ON o.id = g.organization_id
LEFT JOIN group_ai_budgets AS b ON b.group_id = g.id
WHERE g.organization_id = %(organization_id)s AND o.deleted_at IS NULL
ORDER BY g.name COLLATE "C", g.id;
