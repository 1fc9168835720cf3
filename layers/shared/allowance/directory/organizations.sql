-- name: insert_organizations
-- needs: update directory
-- Insert the new organizations, and return their ids. A trigger adds the Everyone group of each.
INSERT INTO organizations (name)
SELECT e ->> 'name'
FROM jsonb_array_elements(%(document)s::jsonb) AS e
WHERE NOT coalesce((e ->> 'deleted')::boolean, false)
    AND NOT EXISTS (
        SELECT 1 FROM organizations AS o WHERE o.name = e ->> 'name' AND o.deleted_at IS NULL
    )
RETURNING id;

-- name: clear_default_organization
-- needs: update directory
-- Clear the default before another is set: there is at most one.
UPDATE organizations AS o SET is_default = false
FROM jsonb_array_elements(%(document)s::jsonb) AS e
WHERE o.is_default AND (e ->> 'is_default')::boolean <> (e ->> 'name' = o.name)
    AND ((e ->> 'is_default')::boolean OR e ->> 'name' = o.name);

-- name: set_default_organization
-- needs: update directory
-- Set the default organization of the document, if it has one.
UPDATE organizations AS o SET is_default = true
FROM jsonb_array_elements(%(document)s::jsonb) AS e
WHERE o.name = e ->> 'name' AND o.deleted_at IS NULL AND (e ->> 'is_default')::boolean
    AND NOT o.is_default;

-- name: delete_organizations
-- needs: update directory
-- Mark organizations as deleted. Rows that refer to them stay readable in the database, and have no
-- effect. The name is free again.
UPDATE organizations AS o SET deleted_at = now(), is_default = false
WHERE o.name = ANY(%(names)s::text[]) AND o.deleted_at IS NULL;

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

-- name: insert_groups
-- needs: update directory
-- Insert new groups, and return their ids.
INSERT INTO groups (organization_id, name)
SELECT o.id, listed.name
FROM unnest(%(organizations)s::text[], %(names)s::text[]) AS listed (organization, name)
JOIN organizations AS o ON o.name = listed.organization AND o.deleted_at IS NULL
RETURNING id;
