-- Why: a person who signs in is a user whom the directory names, and never one with a similar name.

-- Who a user is for an identity provider. `sub` is unique for its issuer (OpenID Connect).
CREATE TABLE user_identities (
    issuer text NOT NULL
        CONSTRAINT user_identities_issuer_length CHECK (char_length(issuer) BETWEEN 1 AND 255),
    sub text NOT NULL
        CONSTRAINT user_identities_sub_length CHECK (char_length(sub) BETWEEN 1 AND 255),
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (issuer, sub)
);

CREATE INDEX user_identities_user_id_idx ON user_identities (user_id);

REVOKE ALL ON user_identities FROM PUBLIC, allowance_routes, allowance_jobs, allowance_directory;

GRANT SELECT (issuer, sub, user_id), INSERT (issuer, sub, user_id), DELETE ON user_identities
TO allowance_directory;
GRANT SELECT (display_name) ON users TO allowance_directory;
