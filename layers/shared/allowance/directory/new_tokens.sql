-- name: insert_tokens
-- needs: update directory
-- Insert new tokens with the hash of their secret.
INSERT INTO api_tokens (id, user_id, name, secret_sha256, scope, expires_at)
SELECT
    e ->> 'id',
    u.id,
    e ->> 'name',
    decode(e ->> 'secret_sha256', 'hex'),
    nullif(e -> 'scope', 'null'),
    (e ->> 'expires_at')::timestamptz
FROM jsonb_array_elements(%(tokens)s::jsonb) AS e
JOIN users AS u ON u.username = e ->> 'username';

-- name: revoke_tokens
-- needs: update directory
-- Revoke tokens, and the tokens that they made. A revoked token keeps its time of revocation.
UPDATE api_tokens AS t SET revoked_at = now()
FROM unnest(%(token_users)s::text[], %(token_names)s::text[]) AS listed (username, name)
JOIN users AS u ON u.username = listed.username
JOIN api_tokens AS n ON n.user_id = u.id AND n.name = listed.name
WHERE t.user_id = u.id AND (t.id = n.id OR n.id = ANY(t.makers)) AND t.revoked_at IS NULL;
