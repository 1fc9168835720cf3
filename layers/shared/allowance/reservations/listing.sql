-- name: list_reservations
-- needs: read user %(caller_id)s
-- needs: read group_member in each %(organization_ids)s
-- A page of the reservations that the caller made, of those for the caller, and of those in
-- organizations whose members' spend the caller may read; no organizations: of all. The latest
-- first; one row more than the page tells whether there is another. An open one that has expired
-- holds nothing.
SELECT r.id AS reservation_id,
    CASE WHEN r.state = 'held' AND r.expires_at <= now() THEN 'expired' ELSE r.state END
        AS state,
    jsonb_build_object('id', u.id, 'username', u.username) AS "user",
    nullif(r.group_id, '00000000-0000-0000-0000-000000000000') AS group_id, r.provider,
    r.model, r.variant, r.estimate_micros, coalesce(h.amount_micros, 0) AS reserved_micros,
    r.settled_micros, greatest(r.settled_micros - r.estimate_micros, 0) AS overrun_micros,
    r.granted_at, r.expires_at, r.closed_at
FROM ai_reservations AS r
JOIN users AS u ON u.id = r.user_id
LEFT JOIN ai_reservation_holds AS h
    ON h.user_id = r.user_id AND h.expires_at = r.expires_at AND h.reservation_id = r.id
    AND h.expires_at > now()
WHERE (
        %(reservation_id)s::uuid IS NULL
        OR (r.granted_at = %(granted_at)s::timestamptz AND r.id = %(reservation_id)s::uuid)
    )
    AND (
        %(named_username)s::text IS NULL
        OR u.id = %(named_user_id)s::uuid OR u.username = %(named_username)s::text
    )
    AND (
        %(reservation_state)s::text IS NULL
        OR %(reservation_state)s::text
        = CASE WHEN r.state = 'held' AND r.expires_at <= now() THEN 'expired' ELSE r.state END
    )
    AND (
        %(after_reservation)s::uuid IS NULL
        OR (r.granted_at, r.id) < (%(after_granted_at)s::timestamptz, %(after_reservation)s::uuid)
    )
    AND (
        %(organization_ids)s::uuid [] IS NULL
        OR r.maker_id = %(caller_id)s::uuid OR r.user_id = %(caller_id)s::uuid
        OR r.organization_id = ANY(%(organization_ids)s::uuid [])
    )
ORDER BY r.granted_at DESC, r.id DESC
LIMIT %(limit)s::bigint + 1;
