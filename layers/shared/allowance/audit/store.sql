-- name: list_audit
-- needs: read audit_log in each %(organization_ids)s
-- A page of the audit log, newest first; one row more than the page tells whether there is another.
-- The index of a filter gives at most a page of entries for each organization that the caller may
-- read; the page is the newest of these. No organizations: of all, and those of none. The migration
-- of the table explains NULLS LAST.
WITH named AS (
    SELECT coalesce(
        %(user_id)s::uuid,
        (SELECT u.id FROM users AS u WHERE u.username = %(username)s::text)
    ) AS user_id
),
everything AS (
    SELECT a.id
    FROM audit_log AS a
    WHERE %(organization_ids)s::uuid[] IS NULL
        AND %(group_id)s::uuid IS NULL
        AND %(username)s::text IS NULL
        AND (%(after)s::bigint IS NULL OR a.id < %(after)s::bigint)
    ORDER BY a.id DESC
    LIMIT %(limit)s + 1
),
filtered AS (
    SELECT e.id
    FROM unnest(coalesce(%(organization_ids)s::uuid[], ARRAY[NULL]::uuid[])) AS o (id)
    CROSS JOIN LATERAL (
        SELECT a.id
        FROM audit_log AS a
        WHERE (%(organization_ids)s::uuid[] IS NULL OR a.organization_id = o.id)
            AND (%(group_id)s::uuid IS NULL OR a.group_id = %(group_id)s::uuid)
            AND (%(after)s::bigint IS NULL OR a.id < %(after)s::bigint)
        ORDER BY a.id DESC NULLS LAST
        LIMIT %(limit)s + 1
    ) AS e
    WHERE %(username)s::text IS NULL
        AND (%(organization_ids)s::uuid[] IS NOT NULL OR %(group_id)s::uuid IS NOT NULL)
    UNION ALL
    -- Made by the user, or by a system actor of this name.
    SELECT e.id
    FROM unnest(coalesce(%(organization_ids)s::uuid[], ARRAY[NULL]::uuid[])) AS o (id)
    CROSS JOIN (
        SELECT n.user_id::text AS actor FROM named AS n UNION SELECT %(username)s::text
    ) AS by
    CROSS JOIN LATERAL (
        SELECT a.id
        FROM audit_log AS a
        WHERE (%(organization_ids)s::uuid[] IS NULL OR a.organization_id = o.id)
            AND coalesce(a.actor_id::text, a.actor_name) = by.actor
            AND (%(group_id)s::uuid IS NULL OR a.group_id = %(group_id)s::uuid)
            AND (%(after)s::bigint IS NULL OR a.id < %(after)s::bigint)
        ORDER BY a.id DESC NULLS LAST
        LIMIT %(limit)s + 1
    ) AS e
    WHERE %(username)s::text IS NOT NULL
    UNION ALL
    -- Concerning the user.
    SELECT e.id
    FROM unnest(coalesce(%(organization_ids)s::uuid[], ARRAY[NULL]::uuid[])) AS o (id)
    CROSS JOIN named AS n
    CROSS JOIN LATERAL (
        SELECT a.id
        FROM audit_log AS a
        WHERE (%(organization_ids)s::uuid[] IS NULL OR a.organization_id = o.id)
            AND a.user_id = n.user_id
            AND (%(group_id)s::uuid IS NULL OR a.group_id = %(group_id)s::uuid)
            AND (%(after)s::bigint IS NULL OR a.id < %(after)s::bigint)
        ORDER BY a.id DESC NULLS LAST
        LIMIT %(limit)s + 1
    ) AS e
    WHERE %(username)s::text IS NOT NULL
),
page AS (
    SELECT e.id FROM everything AS e UNION SELECT f.id FROM filtered AS f
    ORDER BY id DESC
    LIMIT %(limit)s + 1
)
SELECT
    a.id, a.created_at, jsonb_build_object('id', a.actor_id, 'username', a.actor_name) AS actor,
    a.action, a.resource_type, a.resource_id, a.organization_id, a.group_id, a.user_id, a.before,
    a.after, a.request_id, a.token_id
FROM page AS p
JOIN audit_log AS a ON a.id = p.id
ORDER BY a.id DESC;
