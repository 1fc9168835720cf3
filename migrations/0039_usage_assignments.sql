-- Why: gateways name people as the directory does not. An owner says once whose usage a name is.

-- The user of a name that a source sends and the directory does not know. No foreign key: the row
-- of a user stays.
CREATE TABLE ai_usage_assignments (
    source text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    user_id uuid NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source, name)
);

-- Every user to whom a name was ever assigned. What was booked or reserved by the name stays with
-- that user, whatever the name means by then.
CREATE TABLE ai_usage_assigned_users (
    source text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    user_id uuid NOT NULL,
    PRIMARY KEY (source, name, user_id)
);

REVOKE ALL ON ai_usage_assignments, ai_usage_assigned_users
FROM PUBLIC, allowance_routes, allowance_jobs, allowance_directory;
GRANT SELECT (source, name, user_id), INSERT (source, name, user_id), UPDATE (user_id, updated_at),
DELETE ON ai_usage_assignments TO allowance_routes;
GRANT SELECT (source, name, user_id) ON ai_usage_assignments TO allowance_jobs;
GRANT SELECT (source, name, user_id), INSERT (source, name, user_id) ON ai_usage_assigned_users
TO allowance_routes;
GRANT SELECT (source, name, user_id) ON ai_usage_assigned_users TO allowance_jobs;
-- The list of names, and what an assignment books.
GRANT SELECT (
    source, name, named_group, usage_id, organization_id, occurred_at, usage_count,
    unpriced_usage_count, cost_micros
) ON ai_usage_unattributed TO allowance_routes;
-- A name that appears in the directory gets no usage from before its user was created.
GRANT SELECT (created_at) ON users TO allowance_jobs;
