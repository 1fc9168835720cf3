-- Why: the audit log records every change: the actor, the time, and the values before and after.

-- Append-only: the application inserts and reads entries. It cannot update or delete them. There
-- are no foreign keys, because an entry outlives the object that it names.
CREATE TABLE audit_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor_id uuid,
    actor_name text NOT NULL,
    action text NOT NULL
        CONSTRAINT audit_log_action CHECK (action IN ('create', 'update', 'delete')),
    resource_type text NOT NULL,
    resource_id text NOT NULL,
    organization_id uuid,
    group_id uuid,
    user_id uuid,
    before jsonb,
    after jsonb,
    request_id text NOT NULL
);

-- One index for each filter of GET /api/v2/audit, newest entry first.
CREATE INDEX audit_log_organization_id_id_idx ON audit_log (organization_id, id);
CREATE INDEX audit_log_group_id_id_idx ON audit_log (group_id, id);
CREATE INDEX audit_log_user_id_id_idx ON audit_log (user_id, id);
CREATE INDEX audit_log_actor_id_id_idx ON audit_log (actor_id, id);

-- A server may have default privileges that grant more. This file and the later ones revoke them
-- wherever a missing right protects the data.
REVOKE ALL ON audit_log FROM PUBLIC, allowance_routes, allowance_jobs, allowance_directory;
GRANT SELECT ON audit_log TO allowance_routes;
GRANT INSERT ON audit_log TO allowance_routes, allowance_jobs, allowance_directory;
