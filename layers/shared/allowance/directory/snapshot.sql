-- fragment: directory_resources
    -- Return a part of the directory, one row per object, in the form of the audit log. Who is in a
    -- group is in the memberships of the users: a group of thousands has a small entry.
    SELECT
        'organization' AS resource_type, o.id::text AS resource_id, o.id AS organization_id,
        NULL::uuid AS group_id, NULL::uuid AS user_id,
        jsonb_build_object('name', o.name, 'is_default', o.is_default)
        || jsonb_strip_nulls(jsonb_build_object('external_id', o.external_id)) AS state
    FROM organizations AS o
    WHERE o.deleted_at IS NULL AND (
        o.name = ANY(%(organizations)s::text[])
        OR (o.is_default AND cardinality(%(organizations)s::text[]) > 0)
    )
    UNION ALL
    SELECT
        'group', g.id::text, o.id, g.id, NULL,
        jsonb_build_object('name', g.name)
        || jsonb_strip_nulls(jsonb_build_object('external_id', g.external_id))
    FROM groups AS g
    JOIN organizations AS o ON o.id = g.organization_id
    WHERE g.id = ANY(%(group_ids)s::uuid[]) AND o.deleted_at IS NULL
    UNION ALL
    SELECT
        'group_ai_budget', g.id::text, g.organization_id, g.id, NULL,
        jsonb_build_object('spend_limit_micros', b.spend_limit_micros)
    FROM group_ai_budgets AS b
    JOIN groups AS g ON g.id = b.group_id
    WHERE b.group_id = ANY(%(budget_group_ids)s::uuid[])
    UNION ALL
    SELECT
        'user', u.id::text, NULL, NULL, u.id,
        jsonb_build_object(
            'username', u.username,
            'email', u.email,
            'status', u.status,
            'roles', u.roles
        )
        || coalesce(
            (
                SELECT jsonb_build_object('primary_group', o.name || '/' || g.name)
                FROM groups AS g
                JOIN organizations AS o ON o.id = g.organization_id
                WHERE g.id = u.primary_group_id
            ),
            '{}'
        )
        || jsonb_strip_nulls(jsonb_build_object(
            'user_name', u.user_name, 'external_id', u.external_id,
            'display_name', u.display_name,
            'identities', (
                SELECT jsonb_agg(
                    jsonb_build_object('issuer', i.issuer, 'sub', i.sub) ORDER BY i.issuer, i.sub
                )
                FROM user_identities AS i
                WHERE i.user_id = u.id
            )
        ))
        || coalesce(%(handed_over)s::jsonb -> u.username, '{}')
    FROM users AS u
    WHERE u.username = ANY(%(usernames)s::text[])
    UNION ALL
    SELECT
        'organization_member', u.id::text, om.organization_id, NULL, u.id,
        jsonb_build_object(
            'roles', om.roles,
            'groups', ARRAY(
                SELECT g.name
                FROM group_members AS gm
                JOIN groups AS g ON g.id = gm.group_id
                WHERE gm.user_id = om.user_id AND gm.organization_id = om.organization_id
                ORDER BY g.name
            )
        )
    FROM users AS u
    JOIN organization_members AS om ON om.user_id = u.id
    WHERE u.username = ANY(%(usernames)s::text[])
    UNION ALL
    SELECT
        'api_token', t.id, NULL, NULL, t.user_id,
        jsonb_build_object(
            'name', t.name, 'scope', t.scope, 'expires_at', t.expires_at,
            'revoked', t.revoked_at IS NOT NULL
        )
    FROM (
        SELECT t.id
        FROM users AS u
        JOIN api_tokens AS t ON t.user_id = u.id
        WHERE u.username = ANY(%(token_owners)s::text[])
        UNION
        SELECT t.id
        FROM unnest(%(token_users)s::text[], %(token_names)s::text[]) AS listed (username, name)
        JOIN users AS u ON u.username = listed.username
        JOIN api_tokens AS t ON t.user_id = u.id AND t.name = listed.name
    ) AS listed
    JOIN api_tokens AS t ON t.id = listed.id

-- name: directory_state
-- needs: update directory
-- Return a part of the directory as JSON, before a step of an import changes it.
SELECT coalesce(
    jsonb_agg(jsonb_build_object(
        'resource_type', r.resource_type, 'resource_id', r.resource_id,
        'organization_id', r.organization_id, 'group_id', r.group_id, 'user_id', r.user_id,
        'state', r.state
    )),
    '[]'
)::text AS state
FROM (
    -- include: directory_resources
) AS r;

-- name: write_directory_audit
-- needs: update directory
-- Write one audit entry for each difference between a part of the directory before, as JSON, and
-- the same part now.
WITH earlier AS (
    SELECT
        e.resource_type, e.resource_id, e.organization_id, e.group_id, e.user_id, e.state
    FROM jsonb_to_recordset(%(state)s::jsonb) AS e (
        resource_type text, resource_id text, organization_id uuid, group_id uuid, user_id uuid,
        state jsonb
    )
),
later AS (
    -- include: directory_resources
),
audited AS (
    SELECT
        CASE
            WHEN e.state IS NULL THEN 'create' WHEN l.state IS NULL THEN 'delete' ELSE 'update'
        END AS action,
        coalesce(e.resource_type, l.resource_type) AS resource_type,
        coalesce(e.resource_id, l.resource_id) AS resource_id,
        coalesce(e.organization_id, l.organization_id) AS organization_id,
        coalesce(e.group_id, l.group_id) AS group_id,
        coalesce(e.user_id, l.user_id) AS user_id,
        e.state AS before,
        l.state AS after
    FROM earlier AS e
    FULL JOIN later AS l
        ON l.resource_type = e.resource_type
        AND l.resource_id = e.resource_id
        AND coalesce(l.organization_id::text, '') = coalesce(e.organization_id::text, '')
    WHERE e.state IS DISTINCT FROM l.state
    ORDER BY 2, 3, 4
)
-- include: audit_entries
