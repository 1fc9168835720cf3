-- name: insert_organizations
-- needs: update directory
-- Insert the new organizations, and return their ids. A trigger adds the Everyone group of each.
INSERT INTO organizations (name, external_id)
SELECT e ->> 'name', e ->> 'external_id'
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

-- name: insert_groups
-- needs: update directory
-- Insert new groups, and return their ids.
INSERT INTO groups (organization_id, name, external_id)
SELECT o.id, listed.name, listed.external_id
FROM unnest(%(organizations)s::text[], %(names)s::text[], %(external_ids)s::text[])
    AS listed (organization, name, external_id)
JOIN organizations AS o ON o.name = listed.organization AND o.deleted_at IS NULL
RETURNING id;

-- name: set_external_ids_of_organizations
-- needs: update directory
-- Set the external ids that the document gives.
UPDATE organizations AS o SET external_id = e ->> 'external_id'
FROM jsonb_array_elements(%(document)s::jsonb) AS e
WHERE o.name = e ->> 'name' AND o.deleted_at IS NULL AND e ? 'external_id'
    AND o.external_id IS DISTINCT FROM e ->> 'external_id';

-- name: set_external_ids_of_groups
-- needs: update directory
-- Set the external ids of groups.
UPDATE groups AS g SET external_id = listed.external_id
FROM unnest(%(group_ids)s::uuid[], %(external_ids)s::text[]) AS listed (id, external_id)
WHERE g.id = listed.id AND g.external_id IS DISTINCT FROM listed.external_id;
