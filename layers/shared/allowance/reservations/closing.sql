-- name: find_reservation
-- needs: create ai_usage
-- Return an open or closed reservation, and the settlement by a usage's key, if there is one.
SELECT r.maker_id, r.user_id, r.state, r.granted_at, s.content_sha256 AS settled_content_sha256,
    s.facts
FROM ai_reservations AS r
LEFT JOIN ai_reservation_settlements AS s
    ON s.granted_at = r.granted_at AND s.reservation_id = r.id
    AND s.usage_key_digest = %(usage_key_digest)s::uuid
WHERE r.granted_at = %(granted_at)s::timestamptz AND r.id = %(reservation_id)s::uuid;

-- name: release_ai_reservation
-- needs: create ai_usage
-- Release what a reservation still holds, and return its state afterwards.
SELECT release_ai_reservation(%(reservation_id)s::uuid, %(granted_at)s::timestamptz) AS state;
