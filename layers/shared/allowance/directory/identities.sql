-- name: delete_identities
-- needs: update directory
-- Delete the identities that the users' lists omit.
DELETE FROM user_identities AS i
USING jsonb_array_elements(%(users)s::jsonb) AS e
JOIN users AS u ON u.username = e ->> 'username'
WHERE i.user_id = u.id
    AND NOT e -> 'identities' @> jsonb_build_array(
        jsonb_build_object('issuer', i.issuer, 'sub', i.sub)
    );

-- name: insert_identities
-- needs: update directory
-- Insert the identities of users who are not deleted, and return those that another user has. Two
-- users of the list may give the same one: the first gets it.
WITH listed AS MATERIALIZED (
    SELECT
        e.place - 1 AS "user", i.place - 1 AS place, u.id AS user_id,
        i.entry ->> 'issuer' AS issuer, i.entry ->> 'sub' AS sub
    FROM jsonb_array_elements(%(users)s::jsonb) WITH ORDINALITY AS e (entry, place)
    CROSS JOIN jsonb_array_elements(e.entry -> 'identities') WITH ORDINALITY AS i (entry, place)
    JOIN users AS u ON u.username = e.entry ->> 'username' AND u.status <> 'deleted'
),
firsts AS (
    SELECT DISTINCT ON (l.issuer, l.sub) l.issuer, l.sub, l.user_id
    FROM listed AS l
    ORDER BY l.issuer, l.sub, l."user"
),
inserted AS (
    INSERT INTO user_identities (issuer, sub, user_id)
    SELECT f.issuer, f.sub, f.user_id FROM firsts AS f
    ON CONFLICT (issuer, sub) DO NOTHING
)
SELECT l."user", l.place, u.username
FROM listed AS l
JOIN firsts AS f ON f.issuer = l.issuer AND f.sub = l.sub
LEFT JOIN user_identities AS before ON before.issuer = l.issuer AND before.sub = l.sub
JOIN users AS u ON u.id = coalesce(before.user_id, f.user_id)
WHERE u.id <> l.user_id
ORDER BY l."user", l.place;
