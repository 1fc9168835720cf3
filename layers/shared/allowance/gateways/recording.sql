-- name: find_usage_times
-- needs: create ai_usage
-- The times of the usages that have these keys.
SELECT uuid_send(k.key_digest) AS key_digest, k.occurred_at
FROM ai_usage_keys AS k
WHERE k.key_digest = ANY(%(key_digests)s::uuid []);
