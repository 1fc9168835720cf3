-- name: free_addresses
-- needs: update directory
-- Clear the addresses of users, so that other users of the same document can have them.
UPDATE users AS u SET email = NULL WHERE u.username = ANY(%(usernames)s::text[]);

-- name: insert_users
-- needs: update directory
-- Insert the new users.
INSERT INTO users (username, email, status, roles)
SELECT
    e ->> 'username',
    e ->> 'email',
    e ->> 'status',
    ARRAY(SELECT jsonb_array_elements_text(e -> 'roles'))
FROM jsonb_array_elements(%(users)s::jsonb) AS e
ON CONFLICT (username) DO NOTHING;

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
FROM jsonb_array_elements(%(users)s::jsonb) AS e
WHERE u.username = e ->> 'username'
    AND (
        (u.email, u.status) IS DISTINCT FROM (e ->> 'email', e ->> 'status')
        OR (e ? 'roles' AND to_jsonb(u.roles) <> e -> 'roles')
    );

-- name: delete_organization_members
-- needs: update directory
-- Delete the memberships of organizations that a user's list omits. A cascade deletes those of the
-- groups there, and the overrides that hang on them.
WITH leaving AS MATERIALIZED (
    SELECT om.organization_id, om.user_id
    FROM jsonb_array_elements(%(users)s::jsonb) AS e
    JOIN users AS u ON u.username = e ->> 'username'
    JOIN organization_members AS om ON om.user_id = u.id
    WHERE e ? 'organizations'
        AND NOT EXISTS (
            SELECT 1
            FROM jsonb_array_elements(e -> 'organizations') AS m
            JOIN organizations AS o ON o.name = m ->> 'name' AND o.deleted_at IS NULL
            WHERE o.id = om.organization_id
        )
    FOR NO KEY UPDATE OF u
)
DELETE FROM organization_members AS om
USING leaving AS l
WHERE om.organization_id = l.organization_id AND om.user_id = l.user_id;

-- name: delete_group_members
-- needs: update directory
-- Delete the memberships of groups that a user's list omits. An organization without a list of
-- groups keeps its memberships.
WITH leaving AS MATERIALIZED (
    SELECT gm.group_id, gm.user_id
    FROM jsonb_array_elements(%(users)s::jsonb) AS e
    CROSS JOIN jsonb_array_elements(e -> 'organizations') AS m
    JOIN users AS u ON u.username = e ->> 'username'
    JOIN organizations AS o ON o.name = m ->> 'name' AND o.deleted_at IS NULL
    JOIN group_members AS gm ON gm.user_id = u.id AND gm.organization_id = o.id
    JOIN groups AS g ON g.id = gm.group_id
    WHERE m ? 'groups' AND NOT m -> 'groups' ? g.name
    FOR NO KEY UPDATE OF u
)
DELETE FROM group_members AS gm
USING leaving AS l
WHERE gm.group_id = l.group_id AND gm.user_id = l.user_id;

-- name: insert_organization_members
-- needs: update directory
-- Insert the new memberships of organizations. Of several, the first in the list is the earliest.
INSERT INTO organization_members (organization_id, user_id, joined_at)
SELECT o.id, u.id, now() + m.place * interval '1 microsecond'
FROM jsonb_array_elements(%(users)s::jsonb) AS e
CROSS JOIN jsonb_array_elements(e -> 'organizations') WITH ORDINALITY AS m (entry, place)
JOIN users AS u ON u.username = e ->> 'username'
JOIN organizations AS o ON o.name = m.entry ->> 'name' AND o.deleted_at IS NULL
ON CONFLICT (organization_id, user_id) DO NOTHING;

-- name: update_organization_members
-- needs: update directory
-- Set the roles, if the document gives them.
UPDATE organization_members AS om
SET roles = ARRAY(SELECT jsonb_array_elements_text(m -> 'roles'))
FROM jsonb_array_elements(%(users)s::jsonb) AS e
CROSS JOIN jsonb_array_elements(e -> 'organizations') AS m
JOIN users AS u ON u.username = e ->> 'username'
JOIN organizations AS o ON o.name = m ->> 'name' AND o.deleted_at IS NULL
WHERE om.user_id = u.id AND om.organization_id = o.id AND m ? 'roles'
    AND to_jsonb(om.roles) <> m -> 'roles';

-- name: insert_group_members
-- needs: update directory
-- Insert the new memberships of groups.
INSERT INTO group_members (group_id, user_id, organization_id)
SELECT listed.group_id, u.id, listed.organization_id
FROM unnest(%(usernames)s::text[], %(group_ids)s::uuid[], %(organization_ids)s::uuid[])
    AS listed (username, group_id, organization_id)
JOIN users AS u ON u.username = listed.username
ON CONFLICT (group_id, user_id) DO NOTHING;

-- name: set_primary_groups
-- needs: update directory
-- Set the primary groups that the document gives, NULL for none, and return the users who are no
-- members of theirs. A trigger clears the primary group of a user who leaves it.
WITH given AS MATERIALIZED (
    SELECT u.id, u.username, listed.group_id
    FROM unnest(%(usernames)s::text[], %(group_ids)s::uuid[]) AS listed (username, group_id)
    JOIN users AS u ON u.username = listed.username
),
changed AS (
    UPDATE users AS u
    SET primary_group_id = g.group_id, updated_at = now()
    FROM given AS g
    WHERE u.id = g.id AND u.primary_group_id IS DISTINCT FROM g.group_id
)
SELECT g.username
FROM given AS g
WHERE g.group_id IS NOT NULL
    AND NOT EXISTS (
        SELECT 1 FROM group_members AS gm WHERE gm.group_id = g.group_id AND gm.user_id = g.id
    )
    AND NOT EXISTS (
        SELECT 1 FROM organization_members AS om
        WHERE om.organization_id = g.group_id AND om.user_id = g.id
    );

-- name: revoke_tokens_of_deleted_users
-- needs: update directory
-- Revoke the tokens of users who are or were deleted.
UPDATE api_tokens AS t SET revoked_at = now()
FROM jsonb_array_elements(%(users)s::jsonb) AS e
JOIN users AS u ON u.username = e ->> 'username'
WHERE t.user_id = u.id AND (e ->> 'ended')::boolean AND t.revoked_at IS NULL;

-- name: rename_tokens_of_revived_users
-- needs: update directory
-- Rename the revoked tokens of users who come back, so that new tokens can have the names. The rows
-- stay: they say when a token was last used.
UPDATE api_tokens AS t SET name = 'ended ' || t.id
FROM jsonb_array_elements(%(users)s::jsonb) AS e
JOIN users AS u ON u.username = e ->> 'username'
WHERE t.user_id = u.id AND (e ->> 'revived')::boolean AND t.name <> 'ended ' || t.id;
