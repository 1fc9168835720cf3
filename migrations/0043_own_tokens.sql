-- Why: users make tokens by tokens. A new one may do no more than its makers, and ends with them.

-- A row holds the digest of the secret, never the secret. `scope` NULL permits everything that the
-- user may do; otherwise its shape is `allowance.rbac.policy.Scope`. A token that a token made
-- keeps the ids of its makers, the first one first, and the scopes of those that have one.
CREATE TABLE api_tokens (
    id text PRIMARY KEY CONSTRAINT api_tokens_id_format CHECK (id ~ '^[A-Za-z0-9]+$'),
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name text NOT NULL
        CONSTRAINT api_tokens_name_length CHECK (char_length(name) BETWEEN 1 AND 255),
    secret_sha256 bytea NOT NULL
        CONSTRAINT api_tokens_secret_sha256_length CHECK (octet_length(secret_sha256) = 32),
    scope jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    makers text [] NOT NULL DEFAULT '{}'
        CONSTRAINT api_tokens_makers_count CHECK (cardinality(makers) <= 8),
    maker_scopes jsonb NOT NULL DEFAULT '[]'
);

-- A revoked token keeps its name for the audit log, and leaves it to a new one.
CREATE UNIQUE INDEX api_tokens_user_id_name_key ON api_tokens (user_id, name)
WHERE revoked_at IS NULL;
CREATE INDEX api_tokens_user_id_name_idx ON api_tokens (user_id, name);

-- No login brings a revoked token back.
CREATE FUNCTION keep_revoked() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE insufficient_privilege USING MESSAGE = 'a revoked token stays revoked';
END
$$;
CREATE TRIGGER api_tokens_keep_revoked BEFORE UPDATE OF revoked_at ON api_tokens
FOR EACH ROW WHEN (old.revoked_at IS NOT NULL AND new.revoked_at IS DISTINCT FROM old.revoked_at)
EXECUTE FUNCTION keep_revoked();

-- Refuse a token of a route that does not extend a token of the same user: it must keep the chain
-- of the makers and their scopes, and end no later. An import makes tokens without a maker.
CREATE FUNCTION check_token_makers() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF session_user <> 'allowance_routes' OR EXISTS (
        SELECT 1
        FROM api_tokens AS m
        WHERE m.user_id = new.user_id
            AND m.revoked_at IS NULL
            AND new.makers = m.makers || m.id
            AND new.maker_scopes = m.maker_scopes
                || CASE WHEN m.scope IS NULL THEN '[]' ELSE jsonb_build_array(m.scope) END
            AND new.expires_at <= coalesce(m.expires_at, 'infinity')
    ) THEN
        RETURN NULL;
    END IF;
    RAISE insufficient_privilege USING MESSAGE = 'a token keeps the chain of its makers';
END
$$;
CREATE TRIGGER api_tokens_check_makers AFTER INSERT ON api_tokens
FOR EACH ROW EXECUTE FUNCTION check_token_makers();

-- Lock the tokens of a user, so that a revocation sees each token that is being made. Returns
-- whether the user is active: an import that deletes the user takes this lock, then revokes.
CREATE FUNCTION lock_api_tokens(p_user_id uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM FROM users AS u WHERE u.id = p_user_id FOR NO KEY UPDATE;
    PERFORM FROM users AS u WHERE u.id = p_user_id AND u.status = 'active';
    RETURN FOUND;
END
$$;

REVOKE ALL ON FUNCTION lock_api_tokens(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lock_api_tokens(uuid) TO allowance_routes;

-- allowance_directory writes tokens that an import names. Routes make and revoke tokens of people.
REVOKE ALL ON api_tokens
FROM PUBLIC, allowance_routes, allowance_jobs, allowance_directory;

GRANT SELECT (id, user_id, name, scope, expires_at, revoked_at) ON api_tokens
TO allowance_routes, allowance_directory;
GRANT SELECT (makers) ON api_tokens TO allowance_routes, allowance_directory;
GRANT SELECT (secret_sha256, created_at, last_used_at, maker_scopes) ON api_tokens
TO allowance_routes;
GRANT INSERT (id, user_id, name, secret_sha256, scope, expires_at, makers, maker_scopes),
UPDATE (last_used_at, revoked_at) ON api_tokens TO allowance_routes;
GRANT INSERT (id, user_id, name, secret_sha256, scope, expires_at), UPDATE (name, revoked_at)
ON api_tokens TO allowance_directory;
