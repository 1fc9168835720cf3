-- name: list_tokens
-- needs: read api_token %(user_id)s
-- Return a page of the tokens of a user that are not revoked, by name. One row more than the page
-- shows that another page exists.
SELECT
    t.id, t.name, t.created_at, t.expires_at, t.last_used_at, t.scope, t.maker_scopes,
    (
        SELECT m.name FROM api_tokens AS m WHERE m.id = t.makers[cardinality(t.makers)]
    ) AS made_by
FROM api_tokens AS t
WHERE t.user_id = %(user_id)s AND t.revoked_at IS NULL
    AND (%(after_name)s::text IS NULL OR t.name > %(after_name)s::text)
ORDER BY t.name
LIMIT %(limit)s + 1;

-- name: lock_tokens
-- needs: create or delete api_token %(user_id)s
-- Lock the tokens of a user: the first statement of a batch that changes them. The next statement
-- takes its own snapshot and sees what the writers before it left.
SELECT lock_api_tokens(%(user_id)s) AS is_active;

-- name: create_token
-- needs: create api_token %(user_id)s
-- Make a token by the caller's token, with its audit entry. It keeps the chain of its makers and
-- their scopes. Return it, or what forbids it.
WITH maker AS (
    SELECT
        t.name,
        t.expires_at,
        t.makers || t.id AS makers,
        CASE
            WHEN t.scope IS NULL THEN t.maker_scopes
            ELSE t.maker_scopes || jsonb_build_array(t.scope)
        END AS scopes
    FROM api_tokens AS t
    JOIN users AS u ON u.id = t.user_id
    WHERE t.id = %(token_id)s AND t.user_id = %(user_id)s
        AND u.status = 'active'
        AND t.revoked_at IS NULL
        AND (t.expires_at IS NULL OR t.expires_at > now())
        AND NOT EXISTS (
            SELECT 1 FROM api_tokens AS m WHERE m.id = ANY(t.makers) AND m.revoked_at IS NOT NULL
        )
),
limits AS (
    SELECT
        EXISTS (SELECT 1 FROM maker AS m) AS maker_is_valid,
        EXISTS (
            SELECT 1 FROM maker AS m WHERE cardinality(m.makers) <= %(most_makers)s
        ) AS maker_may_make,
        (
            SELECT count(*) FROM (
                SELECT 1
                FROM api_tokens AS t
                WHERE t.user_id = %(user_id)s AND t.revoked_at IS NULL
                LIMIT %(most)s
            ) AS found
        ) < %(most)s AS has_room
),
written AS (
    INSERT INTO api_tokens (
        id, user_id, name, secret_sha256, scope, expires_at, makers, maker_scopes
    )
    SELECT
        %(new_id)s, %(user_id)s, %(name)s, %(secret_sha256)s, %(token_scope)s::jsonb,
        least(%(expires_at)s, m.expires_at), m.makers, m.scopes
    FROM maker AS m
    CROSS JOIN limits AS l
    WHERE l.maker_may_make AND l.has_room
    ON CONFLICT (user_id, name) WHERE revoked_at IS NULL DO NOTHING
    RETURNING id, user_id, name, created_at, expires_at, scope, maker_scopes
),
audited AS (
    SELECT
        'create' AS action, 'api_token' AS resource_type, w.id AS resource_id,
        NULL::uuid AS organization_id, NULL::uuid AS group_id, w.user_id, NULL::jsonb AS before,
        jsonb_build_object(
            'name', w.name, 'scope', w.scope, 'expires_at', w.expires_at, 'revoked', false,
            'made_by', m.name
        ) AS after
    FROM written AS w
    CROSS JOIN maker AS m
),
entries AS (
    -- include: audit_entries
)
SELECT
    (
        SELECT jsonb_build_object(
            'id', w.id, 'name', w.name, 'created_at', w.created_at, 'expires_at', w.expires_at,
            'last_used_at', NULL, 'scope', w.scope, 'maker_scopes', w.maker_scopes,
            'made_by', m.name
        )
        FROM written AS w
        CROSS JOIN maker AS m
    ) AS token,
    l.maker_is_valid,
    l.maker_may_make,
    EXISTS (
        SELECT 1
        FROM api_tokens AS t
        WHERE t.user_id = %(user_id)s AND t.name = %(name)s AND t.revoked_at IS NULL
    ) AS has_name
FROM limits AS l;

-- name: revoke_token
-- needs: delete api_token %(user_id)s
-- Revoke a token of a user, and the tokens that it made, with their audit entries.
WITH named AS (
    SELECT t.id
    FROM api_tokens AS t
    WHERE t.user_id = %(user_id)s AND t.name = %(name)s AND t.revoked_at IS NULL
),
revoked AS (
    UPDATE api_tokens AS t SET revoked_at = now()
    FROM named AS n
    WHERE t.user_id = %(user_id)s AND (t.id = n.id OR n.id = ANY(t.makers))
        AND t.revoked_at IS NULL
    RETURNING t.id, t.user_id, t.name, t.scope, t.expires_at
),
audited AS (
    SELECT
        'delete' AS action, 'api_token' AS resource_type, r.id AS resource_id,
        NULL::uuid AS organization_id, NULL::uuid AS group_id, r.user_id,
        jsonb_build_object(
            'name', r.name, 'scope', r.scope, 'expires_at', r.expires_at, 'revoked', false
        ) AS before,
        NULL::jsonb AS after
    FROM revoked AS r
),
entries AS (
    -- include: audit_entries
)
SELECT r.id FROM revoked AS r;
