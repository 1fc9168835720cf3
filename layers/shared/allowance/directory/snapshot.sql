-- name: known_directory
-- needs: update directory
-- Return the rows to which a document refers, by name with their ids.
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
    ) AS groups,
    coalesce(
        (
            SELECT jsonb_agg(jsonb_build_object(
                'id', u.id, 'username', u.username, 'email', u.email, 'status', u.status
            ))
            FROM users AS u
            WHERE u.username = ANY(%(usernames)s)
                OR lower(u.email) = ANY(%(emails)s)
                OR lower(u.email) IN (
                    SELECT lower(n.email) FROM users AS n WHERE n.username = ANY(%(usernames)s)
                )
        ),
        '[]'
    ) AS accounts,
    ARRAY(
        SELECT u.username || '/' || t.name
        FROM api_tokens AS t
        JOIN users AS u ON u.id = t.user_id
        WHERE u.username = ANY(%(usernames)s)
    ) AS tokens;

-- name: directory_snapshot
-- needs: update directory
-- Return everything that an import may change, in the form of the audit log. The import takes one
-- snapshot before and one after; each difference is a change. The only budgets are those of deleted
-- groups, which are locked: concurrent requests may change the other budgets.
SELECT
    'organization' AS resource_type, o.id::text AS resource_id, o.id AS organization_id,
    NULL::uuid AS group_id, NULL::uuid AS user_id,
    jsonb_build_object('name', o.name, 'is_default', o.is_default) AS state
FROM organizations AS o
WHERE o.deleted_at IS NULL AND (o.name = ANY(%(organizations)s) OR o.is_default)
UNION ALL
SELECT
    'group', g.id::text, o.id, g.id, NULL,
    jsonb_build_object('name', g.name) || CASE
        WHEN g.id = ANY(%(dropped)s::uuid[]) THEN jsonb_build_object('members', ARRAY(
            SELECT u.username
            FROM group_members AS gm
            JOIN users AS u ON u.id = gm.user_id
            WHERE gm.group_id = g.id
            ORDER BY u.username
        ))
        ELSE '{}'
    END
FROM groups AS g
JOIN organizations AS o ON o.id = g.organization_id
WHERE o.deleted_at IS NULL AND o.name = ANY(%(organizations)s)
UNION ALL
SELECT
    'group_ai_budget', g.id::text, o.id, g.id, NULL,
    jsonb_build_object('spend_limit_micros', b.spend_limit_micros)
FROM group_ai_budgets AS b
JOIN groups AS g ON g.id = b.group_id
JOIN organizations AS o ON o.id = g.organization_id
WHERE g.id = ANY(%(dropped)s::uuid[])
UNION ALL
SELECT
    'user', u.id::text, NULL, NULL, u.id,
    jsonb_build_object(
        'username', u.username, 'email', u.email, 'status', u.status, 'roles', u.roles
    )
FROM users AS u
WHERE u.username = ANY(%(usernames)s)
UNION ALL
SELECT
    'organization_member', u.id::text, o.id, NULL, u.id,
    jsonb_build_object(
        'roles', om.roles,
        'groups', ARRAY(
            SELECT g.name
            FROM group_members AS gm
            JOIN groups AS g ON g.id = gm.group_id
            WHERE gm.user_id = u.id AND g.organization_id = o.id
            ORDER BY g.name
        )
    )
FROM organization_members AS om
JOIN users AS u ON u.id = om.user_id
JOIN organizations AS o ON o.id = om.organization_id
WHERE u.username = ANY(%(usernames)s)
UNION ALL
SELECT
    'api_token', t.id, NULL, NULL, u.id,
    jsonb_build_object(
        'name', t.name, 'scope', t.scope, 'expires_at', t.expires_at,
        'revoked', t.revoked_at IS NOT NULL
    )
FROM api_tokens AS t
JOIN users AS u ON u.id = t.user_id
WHERE u.username = ANY(%(usernames)s);
