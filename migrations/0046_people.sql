-- Why: people look for people. The lists of users and of members search by a part of a name or an
-- address.

-- Trigrams find a part of three characters or more. The extension has a schema of its own: its
-- functions are no part of our schema. Some servers do not offer it. There a search reads every
-- user, with the same result.
DO $$
BEGIN
    CREATE SCHEMA extensions;
    CREATE EXTENSION pg_trgm SCHEMA extensions;
    CREATE INDEX users_search_text_idx ON users USING gin (search_text extensions.gin_trgm_ops);
EXCEPTION
    WHEN undefined_file OR insufficient_privilege OR feature_not_supported THEN
        RAISE WARNING 'There is no pg_trgm: searches for users have no index (%)', sqlerrm;
END
$$;

GRANT SELECT (user_name, display_name, created_at, updated_at, search_text) ON users
TO allowance_routes;
GRANT SELECT (created_at, updated_at) ON organizations TO allowance_routes;
GRANT SELECT (created_at) ON group_members TO allowance_routes;
