-- name: reserve_ai_spend
-- needs: create ai_usage
-- Decide on a call, and hold its estimate if it is admitted. The statement is in
-- migrations/0018_reserving.sql, because no login may change what is held.
SELECT r.outcome, r.facts
FROM reserve_ai_spend(
    %(key_digest)s::uuid, %(content_sha256)s::bytea, %(maker_id)s::uuid, %(user_id)s::uuid,
    %(provider)s::text, %(model)s::text, %(variant)s::text, %(estimate_micros)s::numeric,
    make_interval(secs => %(ttl_seconds)s::bigint), %(dry_run)s::boolean, %(price)s::jsonb
) AS r;
