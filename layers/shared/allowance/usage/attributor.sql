-- name: list_due_assignments
-- needs: update ai_usage
-- Names that are assigned to a user and have usage without one, in the order of names. All of it is
-- the user's.
SELECT a.source, a.name, a.user_id, '2020-01-01 00:00:00+00'::timestamptz AS since
FROM ai_usage_assignments AS a
WHERE (a.source, a.name) > (%(after_source)s::text, %(after_name)s::text)
    AND EXISTS (
        SELECT 1 FROM ai_usage_unattributed AS n
        WHERE n.source = a.source AND n.name = a.name AND n.usage_id IS NOT NULL
    )
ORDER BY a.source, a.name
LIMIT %(limit)s::bigint;

-- name: list_unattributed_names
-- needs: update ai_usage
-- The names that have usage without a user, in their order. The index finds each next one, however
-- much usage a name has.
WITH RECURSIVE names AS (
    (
        SELECT n.source, n.name FROM ai_usage_unattributed AS n
        WHERE (n.source, n.name) > (%(after_source)s::text, %(after_name)s::text)
            AND n.usage_id IS NOT NULL
        ORDER BY n.source, n.name
        LIMIT 1
    )
    UNION ALL
    SELECT later.source, later.name
    FROM names AS b
    CROSS JOIN LATERAL (
        SELECT n.source, n.name FROM ai_usage_unattributed AS n
        WHERE (n.source, n.name) > (b.source, b.name) AND n.usage_id IS NOT NULL
        ORDER BY n.source, n.name
        LIMIT 1
    ) AS later
)
SELECT n.source, n.name FROM names AS n
LIMIT %(limit)s::bigint;

-- name: list_bookings_of_users
-- needs: update ai_usage
-- Of names and the users who have them in the directory, those with usage that occurred after the
-- user was created.
SELECT c.source, c.name, c.user_id, u.created_at AS since
FROM unnest(%(sources)s::text [], %(names)s::text [], %(user_ids)s::uuid [])
    AS c (source, name, user_id)
JOIN users AS u ON u.id = c.user_id
WHERE EXISTS (
    SELECT 1 FROM ai_usage_unattributed AS n
    WHERE n.source = c.source AND n.name = c.name AND n.occurred_at >= u.created_at
            AND n.usage_id IS NOT NULL
)
ORDER BY c.source, c.name;
