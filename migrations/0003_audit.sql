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

-- Two indexes for each filter of GET /api/v2/audit: for a reader of all organizations, and for a
-- reader of some. So a page reads its own entries only, however many others there are.
-- NULLS LAST means nothing for a column that is never NULL. But it is the order of these indexes,
-- and not of the primary key, which the planner would otherwise use: that finds few entries among
-- many only by reading them all.
CREATE INDEX audit_log_organization_idx ON audit_log (organization_id, id DESC NULLS LAST);
CREATE INDEX audit_log_group_idx ON audit_log (group_id, id DESC NULLS LAST)
WHERE group_id IS NOT NULL;
CREATE INDEX audit_log_organization_group_idx
ON audit_log (organization_id, group_id, id DESC NULLS LAST) WHERE group_id IS NOT NULL;
CREATE INDEX audit_log_user_idx ON audit_log (user_id, id DESC NULLS LAST)
WHERE user_id IS NOT NULL;
CREATE INDEX audit_log_organization_user_idx
ON audit_log (organization_id, user_id, id DESC NULLS LAST) WHERE user_id IS NOT NULL;
-- A system actor has a name and no id.
CREATE INDEX audit_log_actor_idx
ON audit_log (coalesce(actor_id::text, actor_name), id DESC NULLS LAST);
CREATE INDEX audit_log_organization_actor_idx
ON audit_log (organization_id, coalesce(actor_id::text, actor_name), id DESC NULLS LAST);
-- A group and a user together. A group is in one organization.
CREATE INDEX audit_log_group_user_idx
ON audit_log (group_id, user_id, id DESC NULLS LAST)
WHERE group_id IS NOT NULL AND user_id IS NOT NULL;
CREATE INDEX audit_log_group_actor_idx
ON audit_log (group_id, coalesce(actor_id::text, actor_name), id DESC NULLS LAST)
WHERE group_id IS NOT NULL;

-- A server may have default privileges that grant more. This file and the later ones revoke them
-- wherever a missing right protects the data.
REVOKE ALL ON audit_log FROM PUBLIC, allowance_app;
GRANT SELECT, INSERT ON audit_log TO allowance_app;
