-- name: lock_directory
-- needs: update directory
-- Allow one import at a time: two would see each other's unfinished names. The lock ends with the
-- transaction.
SELECT pg_try_advisory_xact_lock(hashtext('allowance.directory')) AS locked;

-- name: name_importer
-- needs: update directory
-- Name the actor for the triggers of this transaction. They write an audit entry when an override
-- is deleted with a membership.
UPDATE running_import
SET transaction_id = pg_current_xact_id(), actor_name = %(actor_name)s,
    request_id = %(request_id)s;

-- name: insert_organizations
-- needs: update directory
-- Insert the new organizations. A trigger adds the Everyone group of each.
INSERT INTO organizations (name)
SELECT e ->> 'name'
FROM jsonb_array_elements(%(document)s::jsonb -> 'organizations') AS e
WHERE NOT coalesce((e ->> 'deleted')::boolean, false)
    AND NOT EXISTS (
        SELECT 1 FROM organizations AS o WHERE o.name = e ->> 'name' AND o.deleted_at IS NULL
    );

-- name: delete_organizations
-- needs: update directory
-- Mark organizations as deleted. Rows that refer to them stay readable in the database, and have no
-- effect. The name is free again.
UPDATE organizations AS o SET deleted_at = now(), is_default = false
FROM jsonb_array_elements(%(document)s::jsonb -> 'organizations') AS e
WHERE o.name = e ->> 'name' AND o.deleted_at IS NULL AND (e ->> 'deleted')::boolean;

-- name: clear_default_organization
-- needs: update directory
-- Clear the default before another is set: there is at most one.
UPDATE organizations AS o SET is_default = false
FROM jsonb_array_elements(%(document)s::jsonb -> 'organizations') AS e
WHERE o.is_default AND (e ->> 'is_default')::boolean <> (e ->> 'name' = o.name)
    AND ((e ->> 'is_default')::boolean OR e ->> 'name' = o.name);

-- name: set_default_organization
-- needs: update directory
-- Set the default organization of the document, if it has one.
UPDATE organizations AS o SET is_default = true
FROM jsonb_array_elements(%(document)s::jsonb -> 'organizations') AS e
WHERE o.name = e ->> 'name' AND o.deleted_at IS NULL AND (e ->> 'is_default')::boolean
    AND NOT o.is_default;

-- name: delete_groups
-- needs: update directory
-- Delete the groups that an organization's list omits, with their budgets and memberships.
DELETE FROM groups AS g
USING jsonb_array_elements(%(document)s::jsonb -> 'organizations') AS e
JOIN organizations AS o ON o.name = e ->> 'name' AND o.deleted_at IS NULL
WHERE g.organization_id = o.id AND g.id <> o.id AND e ? 'groups' AND NOT e -> 'groups' ? g.name;

-- name: insert_groups
-- needs: update directory
-- Insert the new groups.
INSERT INTO groups (organization_id, name)
SELECT o.id, listed.group_name
FROM jsonb_array_elements(%(document)s::jsonb -> 'organizations') AS e
CROSS JOIN jsonb_array_elements_text(e -> 'groups') AS listed (group_name)
JOIN organizations AS o ON o.name = e ->> 'name' AND o.deleted_at IS NULL
ON CONFLICT (organization_id, name) DO NOTHING;

-- name: insert_users
-- needs: update directory
-- Insert the new users by name only: update_users sets the rest, for new and old users.
INSERT INTO users (username)
SELECT e ->> 'username'
FROM jsonb_array_elements(%(document)s::jsonb -> 'users') AS e
ON CONFLICT (username) DO NOTHING;

-- name: free_emails
-- needs: update directory
-- Clear each address that changes, so that another user of the same document can have it.
UPDATE users AS u SET email = NULL
FROM jsonb_array_elements(%(accounts)s::jsonb) AS e
WHERE u.username = e ->> 'username'
    AND (u.email, u.status) IS DISTINCT FROM (e ->> 'email', e ->> 'status');

-- name: update_users
-- needs: update directory
-- Set the final addresses and statuses, and the roles if the document gives them.
UPDATE users AS u
SET email = e ->> 'email',
    status = e ->> 'status',
    roles = CASE
        WHEN e ? 'roles' THEN ARRAY(SELECT jsonb_array_elements_text(e -> 'roles'))
        ELSE u.roles
    END,
    updated_at = now()
FROM jsonb_array_elements(%(accounts)s::jsonb) AS e
WHERE u.username = e ->> 'username'
    AND (
        (u.email, u.status) IS DISTINCT FROM (e ->> 'email', e ->> 'status')
        OR (e ? 'roles' AND to_jsonb(u.roles) <> e -> 'roles')
    );

-- name: delete_organization_members
-- needs: update directory
-- Delete the memberships of organizations that a user's list omits, and of their groups.
DELETE FROM organization_members AS om
USING jsonb_array_elements(%(document)s::jsonb -> 'users') AS e, users AS u
WHERE u.username = e ->> 'username' AND e ? 'organizations' AND om.user_id = u.id
    AND NOT EXISTS (
        SELECT 1
        FROM jsonb_array_elements(e -> 'organizations') AS m
        JOIN organizations AS o ON o.name = m ->> 'name' AND o.deleted_at IS NULL
        WHERE o.id = om.organization_id
    );

-- name: delete_group_members
-- needs: update directory
-- Delete the memberships of groups that a user's list omits. An organization without a list of
-- groups keeps its memberships.
DELETE FROM group_members AS gm
USING
    jsonb_array_elements(%(document)s::jsonb -> 'users') AS e,
    jsonb_array_elements(e -> 'organizations') AS m,
    users AS u,
    organizations AS o,
    groups AS g
WHERE u.username = e ->> 'username' AND o.name = m ->> 'name' AND o.deleted_at IS NULL
    AND gm.user_id = u.id AND gm.organization_id = o.id AND g.id = gm.group_id
    AND m ? 'groups' AND NOT m -> 'groups' ? g.name;

-- name: insert_organization_members
-- needs: update directory
-- Insert the new memberships of organizations. Of several, the first in the list is the earliest.
INSERT INTO organization_members (organization_id, user_id, joined_at)
SELECT o.id, u.id, now() + m.place * interval '1 microsecond'
FROM jsonb_array_elements(%(document)s::jsonb -> 'users') AS e
CROSS JOIN jsonb_array_elements(e -> 'organizations') WITH ORDINALITY AS m (entry, place)
JOIN users AS u ON u.username = e ->> 'username'
JOIN organizations AS o ON o.name = m.entry ->> 'name' AND o.deleted_at IS NULL
ON CONFLICT (organization_id, user_id) DO NOTHING;

-- name: update_organization_members
-- needs: update directory
-- Set the roles, if the document gives them.
UPDATE organization_members AS om
SET roles = ARRAY(SELECT jsonb_array_elements_text(m -> 'roles'))
FROM jsonb_array_elements(%(document)s::jsonb -> 'users') AS e
CROSS JOIN jsonb_array_elements(e -> 'organizations') AS m
JOIN users AS u ON u.username = e ->> 'username'
JOIN organizations AS o ON o.name = m ->> 'name' AND o.deleted_at IS NULL
WHERE om.user_id = u.id AND om.organization_id = o.id AND m ? 'roles'
    AND to_jsonb(om.roles) <> m -> 'roles';

-- name: insert_group_members
-- needs: update directory
-- Insert the new memberships of groups. A trigger fills in the organization.
INSERT INTO group_members (group_id, user_id)
SELECT g.id, u.id
FROM jsonb_array_elements(%(document)s::jsonb -> 'users') AS e
CROSS JOIN jsonb_array_elements(e -> 'organizations') AS m
CROSS JOIN jsonb_array_elements_text(m -> 'groups') AS listed (group_name)
JOIN users AS u ON u.username = e ->> 'username'
JOIN organizations AS o ON o.name = m ->> 'name' AND o.deleted_at IS NULL
JOIN groups AS g ON g.organization_id = o.id AND g.name = listed.group_name
ON CONFLICT (group_id, user_id) DO NOTHING;

-- name: insert_tokens
-- needs: update directory
-- Insert new tokens with the hash of their secret.
INSERT INTO api_tokens (id, user_id, name, secret_sha256, scope, expires_at)
SELECT
    e ->> 'id',
    u.id,
    e ->> 'name',
    decode(e ->> 'secret_sha256', 'hex'),
    nullif(e -> 'scope', 'null'),
    (e ->> 'expires_at')::timestamptz
FROM jsonb_array_elements(%(tokens)s::jsonb) AS e
JOIN users AS u ON u.username = e ->> 'username';

-- name: revoke_tokens
-- needs: update directory
-- Revoke tokens. A revoked token keeps its time of revocation.
UPDATE api_tokens AS t SET revoked_at = now()
FROM jsonb_array_elements(%(document)s::jsonb -> 'tokens') AS e
JOIN users AS u ON u.username = e ->> 'username'
WHERE t.user_id = u.id AND t.name = e ->> 'name' AND (e ->> 'revoked')::boolean
    AND t.revoked_at IS NULL;

-- name: lock_dropped_groups
-- needs: update directory
-- Lock the groups that the document deletes. A concurrent change of such a group's budget finishes
-- first, so that the audit log keeps its chain.
SELECT g.id, g.organization_id
FROM jsonb_array_elements(%(document)s::jsonb -> 'organizations') AS e
JOIN organizations AS o ON o.name = e ->> 'name' AND o.deleted_at IS NULL
JOIN groups AS g ON g.organization_id = o.id AND g.id <> o.id
WHERE e ? 'groups' AND NOT e -> 'groups' ? g.name
ORDER BY g.id
FOR UPDATE OF g;

-- name: write_directory_audit
-- needs: update directory
-- Write one audit entry for each change of an import.
WITH audited AS (
    SELECT
        e ->> 'action' AS action,
        e ->> 'resource_type' AS resource_type,
        e ->> 'resource_id' AS resource_id,
        (e ->> 'organization_id')::uuid AS organization_id,
        (e ->> 'group_id')::uuid AS group_id,
        (e ->> 'user_id')::uuid AS user_id,
        nullif(e -> 'before', 'null') AS before,
        nullif(e -> 'after', 'null') AS after
    FROM jsonb_array_elements(%(entries)s::jsonb) WITH ORDINALITY AS listed (e, place)
    ORDER BY listed.place
)
-- include: audit_entries
