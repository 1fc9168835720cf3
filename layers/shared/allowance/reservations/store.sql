-- name: reserve_ai_spend
-- needs: create ai_usage
-- Decide on a call, and hold its estimate if it is admitted. The statement is in
-- migrations/0030_reserving.sql, because no login may change what is held.
SELECT reserve_ai_spend(
    %(key_digest)s::uuid, %(content_sha256)s::bytea, %(maker_id)s::uuid, %(user_id)s::uuid,
    %(group_id)s::uuid, %(is_in_group)s::boolean, %(provider)s::text, %(model)s::text,
    %(variant)s::text, %(labels)s::jsonb, %(estimate_micros)s::numeric,
    %(estimated_input)s::numeric, %(estimated_output)s::numeric,
    %(unpriced_default)s::jsonb,
    %(ttl_seconds)s::bigint, %(dry_run)s::boolean, %(price)s::jsonb,
    %(organization_id)s::uuid
) AS facts;
