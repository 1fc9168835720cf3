-- Why: the audit log records every change: the actor, the time, and the values before and after.

-- Append-only: the functions insert and read entries. They cannot update or delete them. There
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
    request_id text NOT NULL,
    -- The token with which a user made the change. A system actor has none.
    token_id text
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

-- The kinds of entries: few types, and three actions. The rarest kind is found among any others.
CREATE INDEX audit_log_kind_idx ON audit_log (resource_type, action, id DESC NULLS LAST);
CREATE INDEX audit_log_organization_kind_idx
ON audit_log (organization_id, resource_type, action, id DESC NULLS LAST);
CREATE INDEX audit_log_actor_kind_idx
ON audit_log (coalesce(actor_id::text, actor_name), resource_type, action, id DESC NULLS LAST);
CREATE INDEX audit_log_organization_actor_kind_idx
ON audit_log (
    organization_id, coalesce(actor_id::text, actor_name), resource_type, action,
    id DESC NULLS LAST
);
-- The first and the last entry of a time.
CREATE INDEX audit_log_created_at_idx ON audit_log (created_at);

-- Refuse an entry in the name of another. In a session of routes the actor is the token's user. In
-- a session of jobs or of the directory it is one of their system actors, which are those of
-- allowance.rbac.system. Only the owner of the table may write in any name. The end of an override
-- whose time is over has an actor of its own: whichever session meets the override writes it.
CREATE FUNCTION check_audit_actors() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    system_actors text [];
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM written AS w
        WHERE NOT coalesce(
            w.actor_name = 'override-expirer' AND w.actor_id IS NULL AND w.token_id IS NULL
            AND w.action = 'delete' AND w.resource_type = 'user_ai_budget_override'
            AND (w.before ->> 'expires_at')::timestamptz <= clock_timestamp(),
            false
        )
    ) THEN
        RETURN NULL;
    END IF;
    IF session_user = 'allowance_routes' THEN
        IF NOT EXISTS (
            SELECT 1 FROM written AS w
            WHERE NOT EXISTS (
                SELECT 1
                FROM api_tokens AS t
                JOIN users AS u ON u.id = t.user_id
                WHERE t.id = w.token_id AND u.id = w.actor_id AND u.username = w.actor_name
            )
        ) THEN
            RETURN NULL;
        END IF;
    ELSIF session_user IN ('allowance_jobs', 'allowance_directory') THEN
        system_actors := CASE session_user
            WHEN 'allowance_jobs' THEN ARRAY[
                'price-seeder', 'usage-ingester', 'usage-importer', 'usage-rerater',
                'usage-attributor', 'alert-deliverer', 'spend-exporter', 'usage-expirer',
                'override-expirer'
            ]
            ELSE ARRAY['directory-importer']
        END;
        IF NOT EXISTS (
            SELECT 1 FROM written AS w
            WHERE w.actor_id IS NOT NULL OR w.token_id IS NOT NULL
                OR w.actor_name <> ALL(system_actors)
        ) THEN
            RETURN NULL;
        END IF;
    ELSIF pg_has_role(
        session_user, (SELECT c.relowner FROM pg_class AS c WHERE c.oid = tg_relid), 'USAGE'
    ) THEN
        RETURN NULL;
    END IF;
    RAISE insufficient_privilege USING MESSAGE = 'the actor of an audit entry is another';
END
$$;

CREATE TRIGGER audit_log_actors AFTER INSERT ON audit_log
REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION check_audit_actors();

-- One row: the import that runs, by its transaction. Triggers take the actor and the request from
-- it. A setting of the transaction would pin the session of a proxy.
CREATE TABLE running_import (
    id boolean PRIMARY KEY DEFAULT true CONSTRAINT running_import_one_row CHECK (id),
    transaction_id xid8,
    actor_name text,
    request_id text
);
INSERT INTO running_import (id) VALUES (true);

-- A server may have default privileges that grant more. This file and the later ones revoke them
-- wherever a missing right protects the data.
REVOKE ALL ON audit_log, running_import
FROM PUBLIC, allowance_routes, allowance_jobs, allowance_directory;
GRANT SELECT ON audit_log TO allowance_routes;
GRANT INSERT (
    actor_id, actor_name, action, resource_type, resource_id, organization_id, group_id, user_id,
    before, after, request_id, token_id
) ON audit_log TO allowance_routes, allowance_jobs, allowance_directory;
GRANT UPDATE (transaction_id, actor_name, request_id) ON running_import TO allowance_directory;
