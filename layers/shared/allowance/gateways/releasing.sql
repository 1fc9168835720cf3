-- name: find_holds_of_calls
-- needs: create ai_usage
-- The reservations that a gateway made with these keys, and the model that each is for.
SELECT r.id AS reservation_id, r.granted_at, r.key_digest, r.user_id, r.state, r.model
FROM ai_reservations AS r
WHERE r.key_digest = ANY(%(key_digests)s::uuid [])
    AND r.granted_at > now() - interval '2 months';
