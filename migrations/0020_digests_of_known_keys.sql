-- Why: what was recorded before there were digests is known by them, too. It takes some 11 s for a
-- million keys, while which nobody waits: whoever records meanwhile keeps the digests by a trigger.
SET LOCAL statement_timeout = '10min';

INSERT INTO ai_usage_digests (key_digest, content_sha256, usage_id, cost_micros, recorded_at)
SELECT ai_usage_key_digest(k.source, k.id), k.content_sha256, k.usage_id, k.cost_micros, k.recorded_at
FROM ai_usage_keys AS k
ON CONFLICT (key_digest) DO NOTHING;
