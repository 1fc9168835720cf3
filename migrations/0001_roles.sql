-- Why: the functions log in as roles that own nothing, each with the rights of its functions only.
-- So a stolen login changes no schema, and a route changes no directory.

-- allowance_routes: the functions of routes. allowance_jobs: the jobs. allowance_directory: imports
-- of the directory, whose tables nothing else writes. Their time limits are in
-- allowance.database.role_settings, and Migrate sets them. A role belongs to the cluster: another
-- database of the same cluster may have created it already.
DO $$
DECLARE
    login text;
BEGIN
    FOREACH login IN ARRAY ARRAY['allowance_routes', 'allowance_jobs', 'allowance_directory'] LOOP
        BEGIN
            EXECUTE format(
                'CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT', login
            );
        EXCEPTION
            WHEN duplicate_object THEN NULL;
        END;
    END LOOP;
    -- By default everybody may connect to a database and create temporary tables in it.
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format(
        'GRANT CONNECT ON DATABASE %I TO allowance_routes, allowance_jobs, allowance_directory',
        current_database()
    );
END
$$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO allowance_routes, allowance_jobs, allowance_directory;

-- By default everybody may call a new function.
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
