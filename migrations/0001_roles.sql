-- Why: the functions log in as a role that owns nothing, so a stolen login changes no schema. Its
-- timeouts belong to the role, so no session sends a SET.

-- A role belongs to the cluster: another database of the same cluster may have created it already.
DO $$
BEGIN
    CREATE ROLE allowance_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT;
EXCEPTION
    WHEN duplicate_object THEN NULL;
END
$$;

-- Lock < statement < Lambda (10 s) < gateway (30 s): each layer times out before the layer that
-- waits for it.
ALTER ROLE allowance_app SET lock_timeout = '2s';
ALTER ROLE allowance_app SET statement_timeout = '5s';
ALTER ROLE allowance_app SET idle_in_transaction_session_timeout = '10s';
ALTER ROLE allowance_app SET timezone = 'UTC';

REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO allowance_app;
