-- name: find_named_reservations
-- needs: create or update ai_usage
-- The reservations that a batch names, by their ids or by the digests of their makers' keys.
SELECT r.id AS reservation_id, r.key_digest, r.maker_id, r.user_id, r.state, r.granted_at
FROM unnest(%(reservation_ids)s::uuid [], %(granted_ats)s::timestamptz []) AS n (id, granted_at)
JOIN ai_reservations AS r ON r.granted_at = n.granted_at AND r.id = n.id
UNION
SELECT r.id, r.key_digest, r.maker_id, r.user_id, r.state, r.granted_at
FROM ai_reservations AS r
WHERE r.key_digest = ANY(%(reservation_keys)s::uuid [])
    AND r.granted_at > now() - interval '2 months';
