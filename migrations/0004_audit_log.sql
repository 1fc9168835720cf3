-- Why: who changed what, when, from what to what. Append-only: the application may add and read
-- entries, never change or remove one. No foreign keys: an entry outlives what it speaks of.
CREATE TABLE audit_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor_id uuid,
    actor_name text NOT NULL,
    action text NOT NULL CONSTRAINT audit_log_action CHECK (action IN ('create', 'update', 'delete')),
    resource_type text NOT NULL,
    resource_id text NOT NULL,
    organization_id uuid,
    group_id uuid,
    user_id uuid,
    before jsonb,
    after jsonb,
    request_id text NOT NULL
);

-- The filters of GET /api/v2/audit, newest first.
CREATE INDEX audit_log_organization_id_id_idx ON audit_log (organization_id, id);
CREATE INDEX audit_log_group_id_id_idx ON audit_log (group_id, id);
CREATE INDEX audit_log_user_id_id_idx ON audit_log (user_id, id);
CREATE INDEX audit_log_actor_id_id_idx ON audit_log (actor_id, id);

-- Default privileges may have been widened on some servers: say what is not granted.
REVOKE ALL ON audit_log FROM PUBLIC, allowance_app;
GRANT SELECT, INSERT ON audit_log TO allowance_app;
