-- name: free_names
-- needs: update directory
-- Clear addresses and user names, so that other users of the same document can have them.
UPDATE users AS u
SET email = CASE WHEN u.username = ANY(%(of_emails)s::text[]) THEN NULL ELSE u.email END,
    user_name = CASE
        WHEN u.username = ANY(%(of_user_names)s::text[]) THEN NULL
        ELSE u.user_name
    END
WHERE u.username = ANY(%(of_emails)s::text[] || %(of_user_names)s::text[]);

-- name: insert_users
-- needs: update directory
-- Insert the new users.
INSERT INTO users (username, user_name, external_id, display_name, email, status, roles)
SELECT
    e ->> 'username',
    e ->> 'user_name',
    e ->> 'external_id',
    e ->> 'display_name',
    e ->> 'email',
    e ->> 'status',
    ARRAY(SELECT jsonb_array_elements_text(e -> 'roles'))
FROM jsonb_array_elements(%(users)s::jsonb) AS e
ON CONFLICT (username) DO NOTHING;

-- name: update_users
-- needs: update directory
-- Set the final user names, addresses and statuses, and what else the document gives.
UPDATE users AS u
SET user_name = e ->> 'user_name',
    email = e ->> 'email',
    status = e ->> 'status',
    external_id = CASE WHEN e ? 'external_id' THEN e ->> 'external_id' ELSE u.external_id END,
    display_name = CASE WHEN e ? 'display_name' THEN e ->> 'display_name' ELSE u.display_name END,
    roles = CASE
        WHEN e ? 'roles' THEN ARRAY(SELECT jsonb_array_elements_text(e -> 'roles'))
        ELSE u.roles
    END,
    updated_at = now()
FROM jsonb_array_elements(%(users)s::jsonb) AS e
WHERE u.username = e ->> 'username'
    AND (
        (u.user_name, u.email, u.status)
            IS DISTINCT FROM (e ->> 'user_name', e ->> 'email', e ->> 'status')
        OR (e ? 'external_id' AND u.external_id IS DISTINCT FROM e ->> 'external_id')
        OR (e ? 'display_name' AND u.display_name IS DISTINCT FROM e ->> 'display_name')
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

-- name: delete_identities_of_deleted_users
-- needs: update directory
-- Delete the identities of users who are or were deleted: nobody signs in as them.
DELETE FROM user_identities AS i
USING jsonb_array_elements(%(users)s::jsonb) AS e
JOIN users AS u ON u.username = e ->> 'username'
WHERE i.user_id = u.id AND (e ->> 'ended')::boolean;

-- name: list_shared_names
-- needs: update directory
-- Return the names of users that other users have as another kind of name, and the external ids
-- that other members of their organizations have. Usage with such a name would belong to nobody.
WITH listed AS MATERIALIZED (
    SELECT u.id, u.username, n.field, n.value
    FROM users AS u
    CROSS JOIN LATERAL (
        VALUES
        ('username', u.username, true),
        ('user_name', u.user_name, true),
        ('email', u.email, u.status <> 'deleted'),
        ('external_id', u.external_id, u.status <> 'deleted')
    ) AS n (field, value, counts)
    WHERE u.username = ANY(%(usernames)s::text[]) AND n.counts AND n.value IS NOT NULL
)
SELECT l.username, l.field, l.value, o.username AS other
FROM listed AS l
CROSS JOIN LATERAL (
    SELECT u.id, u.username
    FROM users AS u
    WHERE lower(u.user_name) = lower(l.value)
    UNION
    SELECT u.id, u.username
    FROM users AS u
    WHERE u.external_id = l.value AND u.status <> 'deleted'
        AND (
            l.field <> 'external_id'
            OR EXISTS (
                SELECT 1
                FROM organization_members AS a
                JOIN organization_members AS b ON b.organization_id = a.organization_id
                JOIN organizations AS g ON g.id = a.organization_id AND g.deleted_at IS NULL
                WHERE a.user_id = l.id AND b.user_id = u.id
            )
        )
    UNION
    -- Neither a username nor an address is ever the other.
    SELECT u.id, u.username
    FROM users AS u
    WHERE l.field IN ('user_name', 'external_id') AND (
        u.username = CASE l.field WHEN 'user_name' THEN lower(l.value) ELSE l.value END
        OR (lower(u.email) = lower(l.value) AND u.status <> 'deleted')
        OR u.id = CASE WHEN pg_input_is_valid(l.value, 'uuid') THEN l.value::uuid END
    )
) AS o
WHERE o.id <> l.id
ORDER BY 1, 2, 4;
