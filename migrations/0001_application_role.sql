-- Why: the functions log in as a role that owns nothing; its timeouts live on the role, so that no
-- session needs a SET. The role is the cluster's, not the database's: another database of the same
-- cluster may have created it already.
DO $$
BEGIN
    CREATE ROLE allowance_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT;
EXCEPTION
    WHEN duplicate_object THEN NULL;
END
$$;

-- Lock before statement before Lambda (10 s) before gateway (30 s): each gives up before the one
-- that waits for it.
ALTER ROLE allowance_app SET lock_timeout = '2s';
ALTER ROLE allowance_app SET statement_timeout = '5s';
ALTER ROLE allowance_app SET idle_in_transaction_session_timeout = '10s';
ALTER ROLE allowance_app SET timezone = 'UTC';

REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO allowance_app;
