-- name: known_organizations
-- needs: update directory
-- Return the organizations to which a document refers, with all of their groups, by name.
SELECT
    coalesce(
        (
            SELECT jsonb_object_agg(o.name, o.id)
            FROM organizations AS o
            WHERE o.name = ANY(%(organizations)s) AND o.deleted_at IS NULL
        ),
        '{}'
    ) AS organizations,
    ARRAY(
        SELECT o.id
        FROM organizations AS o
        WHERE o.id = ANY(%(organization_ids)s) AND o.deleted_at IS NULL
    ) AS organization_ids,
    coalesce(
        (
            SELECT jsonb_object_agg(o.name || '/' || g.name, g.id)
            FROM groups AS g
            JOIN organizations AS o ON o.id = g.organization_id
            WHERE o.name = ANY(%(organizations)s) AND o.deleted_at IS NULL
        ),
        '{}'
    ) AS groups;

-- name: known_accounts
-- needs: update directory
-- Return users by username, and the users that have one of the addresses or user names, or an
-- address of the first.
WITH named AS MATERIALIZED (
    SELECT u.id, u.username, u.user_name, u.email, u.status
    FROM users AS u
    WHERE u.username = ANY(%(usernames)s)
)
SELECT n.id, n.username, n.user_name, n.email, n.status FROM named AS n
UNION
SELECT u.id, u.username, u.user_name, u.email, u.status
FROM users AS u
WHERE lower(u.user_name) = ANY(%(user_names)s::text[])
UNION
SELECT u.id, u.username, u.user_name, u.email, u.status
FROM users AS u
WHERE u.status <> 'deleted' AND lower(u.email) = ANY(
    ARRAY(SELECT lower(n.email) FROM named AS n WHERE n.email IS NOT NULL)
    || %(emails)s::text[]
);

-- name: known_tokens
-- needs: update directory
-- Return those of the named tokens that exist.
SELECT u.username, t.name
FROM unnest(%(token_users)s::text[], %(token_names)s::text[]) AS listed (username, name)
JOIN users AS u ON u.username = listed.username
JOIN api_tokens AS t ON t.user_id = u.id AND t.name = listed.name;
