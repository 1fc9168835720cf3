-- name: find_audit_times
-- needs: read audit_log in each %(organization_ids)s
-- Return the ids between which the entries of a time are; null where no entry limits them. Ids
-- follow the clock, but for entries that are written at the same time. An hour is more than enough
-- for these, and the list compares the times too.
SELECT
    (
        SELECT a.id FROM audit_log AS a
        WHERE a.created_at < %(since)s::timestamptz - interval '1 hour'
            AND cardinality(%(organization_ids)s::uuid[]) IS DISTINCT FROM 0
        ORDER BY a.created_at DESC LIMIT 1
    ) AS above,
    (
        SELECT a.id FROM audit_log AS a
        WHERE a.created_at >= %(until)s::timestamptz + interval '1 hour'
        ORDER BY a.created_at LIMIT 1
    ) AS below;

-- name: list_audit
-- needs: read audit_log in each %(organization_ids)s
-- A page of the audit log, newest first; one row more than the page tells whether there is another.
-- The index of a filter gives at most a page of entries for each organization that the caller may
-- read, and each kind (a type and an action) that a filter leaves; the page is the newest of these.
-- No organizations: of all, and those of none. The migration of the table explains NULLS LAST.
WITH named AS (
    SELECT coalesce(
        %(user_id)s::uuid,
        (SELECT u.id FROM users AS u WHERE u.username = %(username)s::text)
    ) AS user_id
),
kinds AS (
    SELECT t.resource_type, c.action
    FROM unnest(%(resource_types)s::text[]) AS t (resource_type)
    CROSS JOIN unnest(%(actions)s::text[]) AS c (action)
    WHERE %(by_kind)s
),
readers AS (
    SELECT o.id
    FROM unnest(coalesce(%(organization_ids)s::uuid[], ARRAY[NULL]::uuid[])) AS o (id)
),
everything AS (
    SELECT a.id
    FROM audit_log AS a
    WHERE %(organization_ids)s::uuid[] IS NULL
        AND %(group_id)s::uuid IS NULL
        AND %(username)s::text IS NULL
        AND NOT %(by_kind)s
        -- include: audit_times
    ORDER BY a.id DESC
    LIMIT %(limit)s + 1
),
filtered AS (
    SELECT e.id
    FROM readers AS o
    CROSS JOIN LATERAL (
        SELECT a.id
        FROM audit_log AS a
        WHERE (%(organization_ids)s::uuid[] IS NULL OR a.organization_id = o.id)
            AND (%(group_id)s::uuid IS NULL OR a.group_id = %(group_id)s::uuid)
            -- include: audit_kinds
            -- include: audit_times
        ORDER BY a.id DESC NULLS LAST
        LIMIT %(limit)s + 1
    ) AS e
    WHERE %(username)s::text IS NULL
        AND (%(group_id)s::uuid IS NOT NULL
            OR (%(organization_ids)s::uuid[] IS NOT NULL AND NOT %(by_kind)s))
    UNION ALL
    -- Of a kind, in any group.
    SELECT e.id
    FROM readers AS o
    CROSS JOIN kinds AS k
    CROSS JOIN LATERAL (
        SELECT a.id
        FROM audit_log AS a
        WHERE (%(organization_ids)s::uuid[] IS NULL OR a.organization_id = o.id)
            AND a.resource_type = k.resource_type
            AND a.action = k.action
            -- include: audit_times
        ORDER BY a.id DESC NULLS LAST
        LIMIT %(limit)s + 1
    ) AS e
    WHERE %(username)s::text IS NULL AND %(group_id)s::uuid IS NULL
    UNION ALL
    -- Made by the user, or by a system actor of this name.
    SELECT e.id
    FROM readers AS o
    CROSS JOIN (
        SELECT n.user_id::text AS actor FROM named AS n UNION SELECT %(username)s::text
    ) AS by
    CROSS JOIN LATERAL (
        SELECT a.id
        FROM audit_log AS a
        WHERE (%(organization_ids)s::uuid[] IS NULL OR a.organization_id = o.id)
            AND coalesce(a.actor_id::text, a.actor_name) = by.actor
            AND (%(group_id)s::uuid IS NULL OR a.group_id = %(group_id)s::uuid)
            -- include: audit_kinds
            -- include: audit_times
        ORDER BY a.id DESC NULLS LAST
        LIMIT %(limit)s + 1
    ) AS e
    WHERE %(username)s::text IS NOT NULL
        AND (NOT %(by_kind)s OR %(group_id)s::uuid IS NOT NULL)
    UNION ALL
    -- The same, of a kind.
    SELECT e.id
    FROM readers AS o
    CROSS JOIN (
        SELECT n.user_id::text AS actor FROM named AS n UNION SELECT %(username)s::text
    ) AS by
    CROSS JOIN kinds AS k
    CROSS JOIN LATERAL (
        SELECT a.id
        FROM audit_log AS a
        WHERE (%(organization_ids)s::uuid[] IS NULL OR a.organization_id = o.id)
            AND coalesce(a.actor_id::text, a.actor_name) = by.actor
            AND a.resource_type = k.resource_type
            AND a.action = k.action
            -- include: audit_times
        ORDER BY a.id DESC NULLS LAST
        LIMIT %(limit)s + 1
    ) AS e
    WHERE %(username)s::text IS NOT NULL AND %(group_id)s::uuid IS NULL
    UNION ALL
    -- Concerning the user.
    SELECT e.id
    FROM readers AS o
    CROSS JOIN named AS n
    CROSS JOIN LATERAL (
        SELECT a.id
        FROM audit_log AS a
        WHERE (%(organization_ids)s::uuid[] IS NULL OR a.organization_id = o.id)
            AND a.user_id = n.user_id
            AND (%(group_id)s::uuid IS NULL OR a.group_id = %(group_id)s::uuid)
            -- include: audit_kinds
            -- include: audit_times
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

-- fragment: audit_times
AND (%(after)s::bigint IS NULL OR a.id < %(after)s::bigint)
AND (%(above)s::bigint IS NULL OR a.id > %(above)s::bigint)
AND (%(since)s::timestamptz IS NULL OR a.created_at >= %(since)s::timestamptz)
AND (%(until)s::timestamptz IS NULL OR a.created_at < %(until)s::timestamptz)

-- fragment: audit_kinds
AND (NOT %(by_kind)s OR (
    a.resource_type = ANY(%(resource_types)s::text[]) AND a.action = ANY(%(actions)s::text[])
))
