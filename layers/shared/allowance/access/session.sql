-- name: authenticate
-- needs: nothing
-- Return the owner of a credential, everything that the rule needs, and the object in the path: one
-- round trip. `=` on bytea stops at the first byte that differs, so its time could reveal a prefix.
-- Both sides are therefore hashed with bytes that no caller can know (a double-HMAC comparison). A
-- suspended or deleted user counts as unknown.
WITH credential AS (
    SELECT
        t.id, t.name, t.expires_at, t.scope, t.maker_scopes, u.id AS user_id, u.username, u.email,
        u.roles
    FROM api_tokens AS t
    JOIN users AS u ON u.id = t.user_id
    WHERE t.id = %(token_id)s
        AND sha256(t.secret_sha256 || %(blind)s::bytea) =
            sha256(%(secret_sha256)s::bytea || %(blind)s::bytea)
        AND t.revoked_at IS NULL
        -- A token that is made while its maker is revoked ends too. Each maker is looked up by its
        -- key: as a join, Postgres 16 reads the whole table.
        AND NOT EXISTS (
            SELECT 1
            FROM unnest(t.makers) AS maker (id)
            WHERE (SELECT m.revoked_at FROM api_tokens AS m WHERE m.id = maker.id) IS NOT NULL
        )
        AND (t.expires_at IS NULL OR t.expires_at > now())
        AND u.status = 'active'
),
-- At most once a minute, and never waiting for another request that updates the same row.
touched AS (
    UPDATE api_tokens SET last_used_at = now()
    WHERE id IN (
        SELECT t.id
        FROM api_tokens AS t
        WHERE t.id = (SELECT c.id FROM credential AS c)
            AND (t.last_used_at IS NULL OR t.last_used_at < now() - interval '1 minute')
        FOR NO KEY UPDATE SKIP LOCKED
    )
)
SELECT
    c.user_id,
    c.username,
    c.email,
    c.roles,
    coalesce(
        (
            SELECT jsonb_agg(
                jsonb_build_object('id', o.id, 'name', o.name, 'roles', om.roles)
                ORDER BY om.joined_at, o.id
            )
            FROM organization_members AS om
            JOIN organizations AS o ON o.id = om.organization_id
            WHERE om.user_id = c.user_id AND o.deleted_at IS NULL
        ),
        '[]'
    ) AS organizations,
    -- Includes groups of deleted organizations: the rule counts a group only if the user is a
    -- member of its organization.
    ARRAY(SELECT gm.group_id FROM group_members AS gm WHERE gm.user_id = c.user_id) AS groups,
    c.id AS token_id,
    jsonb_build_object(
        'name', c.name, 'expires_at', c.expires_at, 'scope', c.scope,
        'maker_scopes', c.maker_scopes
    ) AS token,
    ARRAY(
        SELECT jsonb_build_object('id', g.id, 'organization_id', g.organization_id)
        FROM groups AS g
        WHERE g.id = ANY (ARRAY(
            SELECT CASE WHEN pg_input_is_valid(e.entry ->> 'id', 'uuid')
                THEN (e.entry ->> 'id')::uuid END
            FROM jsonb_array_elements(c.maker_scopes || coalesce(c.scope, '[]')) AS s (scope)
            CROSS JOIN jsonb_array_elements(s.scope -> 'allow_list') AS e (entry)
        ))
    ) AS scope_groups,
    (
        SELECT jsonb_build_object('id', g.id, 'organization_id', g.organization_id)
        FROM groups AS g
        JOIN organizations AS o ON o.id = g.organization_id
        WHERE g.id = %(group_id)s::uuid AND o.deleted_at IS NULL
    ) AS "group",
    (
        SELECT jsonb_build_object('id', o.id, 'name', o.name)
        FROM organizations AS o
        WHERE o.deleted_at IS NULL AND (
            o.id = %(organization_id)s::uuid
            OR o.name = %(organization_name)s::text
            OR (%(is_default)s::bool AND o.is_default)
        )
    ) AS organization,
    (
        SELECT jsonb_build_object('id', n.id, 'username', n.username)
        FROM users AS n
        WHERE n.status <> 'deleted' AND (
            n.id = %(named_user_id)s::uuid
            -- No user may have the name `me`.
            OR n.username = CASE %(named_username)s::text
                WHEN 'me' THEN c.username
                ELSE %(named_username)s::text
            END
        )
    ) AS "user",
    now() AS now
FROM credential AS c;

-- name: find_named
-- needs: nothing
-- Return what a request names otherwise: a group of the organization in the path, by its id or
-- name, and a user by user_name; and what its query names. It is sent with the query above, if
-- needed.
WITH path_organization AS (
    SELECT o.id
    FROM organizations AS o
    WHERE o.deleted_at IS NULL AND (
        o.id = %(organization_id)s::uuid
        OR o.name = %(organization_name)s::text
        OR (%(is_default)s::bool AND o.is_default)
    )
)
SELECT
    (
        SELECT jsonb_build_object('id', g.id, 'organization_id', g.organization_id)
        FROM groups AS g
        WHERE g.organization_id = (SELECT p.id FROM path_organization AS p)
            AND (g.id = %(group_id)s::uuid OR g.name = %(group_name)s::text)
    ) AS "group",
    (
        SELECT jsonb_build_object('id', u.id, 'username', u.username)
        FROM users AS u
        WHERE lower(u.user_name) = lower(%(user_name)s::text) AND u.status <> 'deleted'
    ) AS "user",
    ARRAY(
        SELECT jsonb_build_object('id', g.id, 'name', g.name)
        FROM groups AS g
        WHERE g.organization_id = (SELECT p.id FROM path_organization AS p)
            AND g.name = ANY(%(group_names)s::text[])
    ) AS groups,
    ARRAY(
        SELECT jsonb_build_object('id', u.id, 'name', u.username)
        FROM users AS u
        WHERE u.username = ANY(%(usernames)s::text[]) AND u.status <> 'deleted'
    ) AS users;

-- name: ping
-- needs: nothing
-- Return a row, if the database responds.
SELECT 'ok' AS status;
