-- Why: a key as text, with an index over that text, was a third of what the server did for a batch.
-- What makes a usage count once is 16 bytes now, and the names that it is made of stand where the
-- usage is. The next file but two takes over the keys that are there: this one holds its locks for
-- a moment only, in the order in which writers do.

-- Numbers of entries. The version before still draws from its own for a while: this one begins far
-- beyond it.
DO $$
BEGIN
    EXECUTE format(
        'CREATE SEQUENCE ai_usage_id_seq START %s CACHE 100',
        (SELECT coalesce(max(k.usage_id), 0) + 1000000000 FROM ai_usage_keys AS k)
    );
END
$$;

-- The first half of the SHA-256 of source, line break and id, in UTF-8: neither has a line break in
-- it.
CREATE FUNCTION ai_usage_key_digest(source text, id text) RETURNS uuid
LANGUAGE sql STABLE STRICT AS $$
    SELECT encode(substring(sha256(convert_to(source || E'\n' || id, 'UTF8')) FROM 1 FOR 16), 'hex')::uuid
$$;

-- What makes an entry count once, however often it is sent, and what was answered: kept when the
-- months of the ledger are dropped.
CREATE TABLE ai_usage_digests (
    key_digest uuid PRIMARY KEY,
    -- Of the record as it was understood: the same key with another one is a conflict.
    content_sha256 bytea NOT NULL
        CONSTRAINT ai_usage_digests_content_sha256_length CHECK (octet_length(content_sha256) = 32),
    usage_id bigint NOT NULL,
    cost_micros bigint,
    recorded_at timestamptz NOT NULL DEFAULT now()
);

REVOKE ALL ON ai_usage_digests FROM PUBLIC, allowance_app;
GRANT SELECT, INSERT ON ai_usage_digests TO allowance_app;
GRANT USAGE ON SEQUENCE ai_usage_id_seq TO allowance_app;

-- The version before writes to ai_usage_keys, until it is gone. What was recorded by this one it
-- cannot record again: it answers that as what may be tried again.
CREATE FUNCTION keep_usage_digest() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ai_usage_digests (key_digest, content_sha256, usage_id, cost_micros)
    VALUES (ai_usage_key_digest(new.source, new.id), new.content_sha256, new.usage_id, new.cost_micros)
    ON CONFLICT (key_digest) DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'a later version recorded this usage' USING ERRCODE = 'serialization_failure';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER ai_usage_keys_inserted AFTER INSERT ON ai_usage_keys FOR EACH ROW EXECUTE FUNCTION keep_usage_digest();

-- Of the entry, as its gateway calls it; null of those that were written before.
ALTER TABLE ai_usage ADD COLUMN source text COLLATE "C", ADD COLUMN source_id text COLLATE "C";
