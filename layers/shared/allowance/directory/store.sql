-- fragment: organizations_as_shown
SELECT
    o.id, o.name, o.is_default, o.created_at, o.updated_at, o.name AS display_name
FROM organizations AS o
WHERE o.deleted_at IS NULL
    AND (%(after_name)s::text IS NULL OR o.name > %(after_name)s::text)

-- name: list_organizations
-- needs: read group in %(everywhere)s
-- Return the first organizations after a name. `everywhere` is null: the caller may read the groups
-- of all.
-- include: organizations_as_shown
    AND %(everywhere)s::uuid IS NULL
ORDER BY o.name
LIMIT %(limit)s;

-- name: list_organizations_of_groups
-- needs: read group each %(group_ids)s
-- Return the first organizations, after a name, that have one of the groups.
-- include: organizations_as_shown
    AND o.id IN (SELECT g.organization_id FROM groups AS g WHERE g.id = ANY(%(group_ids)s::uuid[]))
ORDER BY o.name
LIMIT %(limit)s;

-- name: list_other_organizations
-- needs: read group in %(everywhere)s
-- Return the first organizations by name, without those of the caller. `everywhere` is null: the
-- caller may read the groups of all. One row more than the limit shows that there are others.
SELECT o.id, o.name, '{}'::text[] AS roles
FROM organizations AS o
WHERE o.deleted_at IS NULL
    AND %(everywhere)s::uuid IS NULL
    AND o.id <> ALL(%(organization_ids)s::uuid[])
ORDER BY o.name
LIMIT %(limit)s + 1;

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
-- needs: read group each %(group_ids)s in %(organization_id)s
-- A page of an organization's groups, by name: of all groups, or of the given ones. One row more
-- than the page shows that another page exists.
SELECT g.id, g.name, g.organization_id, o.name AS organization_name,
    CASE WHEN b.group_id IS NOT NULL THEN jsonb_build_object(
        'group_id', b.group_id, 'spend_limit_micros', b.spend_limit_micros,
        'created_at', b.created_at, 'updated_at', b.updated_at
    ) END AS budget
FROM groups AS g
JOIN organizations AS o ON o.id = g.organization_id
LEFT JOIN group_ai_budgets AS b ON b.group_id = g.id
WHERE g.organization_id = %(organization_id)s AND o.deleted_at IS NULL
    AND (%(group_ids)s::uuid[] IS NULL OR g.id = ANY(%(group_ids)s::uuid[]))
    AND (%(after_name)s::text IS NULL OR g.name > %(after_name)s::text)
ORDER BY g.name
LIMIT %(limit)s + 1;
