-- Why: a budget limits the spend of each member of a group. An override replaces it for one user.
-- The functions decide which budget is in effect, so that every query agrees.

-- The limit is per member of the group and period. No row: no limit. 0: all spend is blocked.
CREATE TABLE group_ai_budgets (
    group_id uuid PRIMARY KEY REFERENCES groups (id) ON DELETE CASCADE,
    spend_limit_micros bigint NOT NULL CONSTRAINT group_ai_budgets_spend_limit_micros
        CHECK (spend_limit_micros BETWEEN 0 AND 1000000000000),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- The user is a member of the group for as long as the override exists. Leaving the group or its
-- organization deletes the override. From `expires_at` on it counts for nothing, by the clock of
-- the database alone; a job, or the next write, deletes the row. Members of Everyone have no row in
-- group_members: for that group `membership_group_id` is NULL, and only the membership of the
-- organization counts. The layer maps the names of the two membership constraints to errors.
CREATE TABLE user_ai_budget_overrides (
    user_id uuid PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    group_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    membership_group_id uuid GENERATED ALWAYS AS (nullif(group_id, organization_id)) STORED,
    spend_limit_micros bigint NOT NULL CONSTRAINT user_ai_budget_overrides_spend_limit_micros
        CHECK (spend_limit_micros BETWEEN 0 AND 1000000000000),
    -- NULL: it does not end by itself.
    expires_at timestamptz CONSTRAINT user_ai_budget_overrides_expires_at
        CHECK (expires_at < 'infinity'),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT user_ai_budget_overrides_group FOREIGN KEY (group_id, organization_id)
        REFERENCES groups (id, organization_id) ON DELETE CASCADE,
    CONSTRAINT user_ai_budget_overrides_organization_membership
        FOREIGN KEY (organization_id, user_id)
        REFERENCES organization_members (organization_id, user_id) ON DELETE CASCADE,
    CONSTRAINT user_ai_budget_overrides_group_membership
        FOREIGN KEY (membership_group_id, user_id)
        REFERENCES group_members (group_id, user_id) ON DELETE CASCADE
);

-- A cascading deletion finds the overrides by these indexes. The first one also serves the spend of
-- a group.
CREATE INDEX user_ai_budget_overrides_group_id_organization_id_idx
ON user_ai_budget_overrides (group_id, organization_id);
CREATE INDEX user_ai_budget_overrides_organization_id_user_id_idx
ON user_ai_budget_overrides (organization_id, user_id);
CREATE INDEX user_ai_budget_overrides_membership_group_id_user_id_idx
ON user_ai_budget_overrides (membership_group_id, user_id);

CREATE INDEX user_ai_budget_overrides_expires_at_idx ON user_ai_budget_overrides (expires_at)
WHERE expires_at IS NOT NULL;

-- The terms of an override in the audit log.
CREATE FUNCTION ai_override_terms(
    p_group_id uuid, p_spend_limit_micros bigint, p_expires_at timestamptz
) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object(
        'group_id', p_group_id, 'spend_limit_micros', p_spend_limit_micros, 'expires_at',
        to_char(p_expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    ))
$$;

-- Delete the override of a user if its time is over, with the audit entry of its end. Returns
-- whether it was. The caller holds the lock of the row, or waits for it here.
CREATE FUNCTION end_expired_override(p_user_id uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    WITH ended AS (
        DELETE FROM user_ai_budget_overrides AS v
        WHERE v.user_id = p_user_id AND v.expires_at <= clock_timestamp()
        RETURNING v.user_id, v.group_id, v.organization_id, v.spend_limit_micros, v.expires_at
    )
    INSERT INTO audit_log (
        actor_name, action, resource_type, resource_id, organization_id, group_id, user_id, before,
        request_id
    )
    SELECT 'override-expirer', 'delete', 'user_ai_budget_override', e.user_id::text,
        e.organization_id, e.group_id, e.user_id,
        ai_override_terms(e.group_id, e.spend_limit_micros, e.expires_at), ''
    FROM ended AS e;
    RETURN FOUND;
END
$$;

-- Delete up to `p_limit` overrides whose time is over. Rows that another session holds are left: it
-- ends them, or the next run does. Returns the users.
CREATE FUNCTION end_expired_overrides(p_limit bigint) RETURNS SETOF uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RETURN QUERY
    WITH over AS MATERIALIZED (
        SELECT v.user_id FROM user_ai_budget_overrides AS v
        WHERE v.expires_at <= clock_timestamp()
        ORDER BY v.expires_at
        LIMIT p_limit
        FOR UPDATE SKIP LOCKED
    )
    SELECT o.user_id FROM over AS o WHERE end_expired_override(o.user_id);
END
$$;

-- The audit entry of an override that a cascade deletes. The running import names the actor;
-- otherwise it is the login. If its time was over, it ended by itself.
CREATE FUNCTION audit_override_removed_with_membership() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    import running_import;
BEGIN
    SELECT r.* INTO import FROM running_import AS r
    WHERE r.transaction_id = pg_current_xact_id();
    INSERT INTO audit_log (
        actor_name, action, resource_type, resource_id, organization_id, group_id, user_id, before,
        request_id
    )
    VALUES (
        CASE
            WHEN old.expires_at <= clock_timestamp() THEN 'override-expirer'
            ELSE coalesce(import.actor_name, session_user::text)
        END,
        'delete', 'user_ai_budget_override', old.user_id::text, old.organization_id, old.group_id,
        old.user_id, ai_override_terms(old.group_id, old.spend_limit_micros, old.expires_at),
        coalesce(import.request_id, '')
    );
    RETURN NULL;
END
$$;

-- At depth 0 a statement deletes the override itself and writes its own entry.
CREATE TRIGGER user_ai_budget_overrides_removed AFTER DELETE ON user_ai_budget_overrides
FOR EACH ROW WHEN (pg_trigger_depth() > 0)
EXECUTE FUNCTION audit_override_removed_with_membership();

-- The budget in effect for each given user, one row per user:
-- 1. The override, until it expires.
-- 2. Else the highest budget of the user's groups. On a tie the earliest organization membership
--    wins, then the lowest group id.
-- 3. Else no limit. Spend counts for the Everyone group of the default organization, if the user is
--    a member, else for the organization joined first.
-- Deleted organizations do not count. A user without an organization gets NULLs.
-- `allowance.budgets.effective` is the same rule in Python.
CREATE FUNCTION ai_effective_budgets(p_user_ids uuid [])
RETURNS TABLE (user_id uuid, group_id uuid, spend_limit_micros bigint, limit_source text)
LANGUAGE sql STABLE AS $$
    SELECT a.user_id, best.group_id, best.spend_limit_micros, best.limit_source
    FROM (SELECT DISTINCT each.user_id FROM unnest(p_user_ids) AS each (user_id)) AS a
    LEFT JOIN (
        SELECT DISTINCT ON (m.user_id)
            m.user_id,
            m.group_id,
            coalesce(v.spend_limit_micros, b.spend_limit_micros) AS spend_limit_micros,
            CASE
                WHEN v.user_id IS NOT NULL THEN 'user_override'
                WHEN b.group_id IS NOT NULL THEN 'group'
            END AS limit_source
        FROM (
            SELECT om.user_id, om.organization_id AS group_id, om.organization_id, om.joined_at
            FROM organization_members AS om
            WHERE om.user_id = ANY(p_user_ids)
            UNION ALL
            SELECT gm.user_id, gm.group_id, gm.organization_id, om.joined_at
            FROM group_members AS gm
            JOIN organization_members AS om
                ON om.user_id = gm.user_id AND om.organization_id = gm.organization_id
            WHERE gm.user_id = ANY(p_user_ids)
        ) AS m
        JOIN organizations AS o ON o.id = m.organization_id AND o.deleted_at IS NULL
        LEFT JOIN group_ai_budgets AS b ON b.group_id = m.group_id
        LEFT JOIN user_ai_budget_overrides AS v
            ON v.user_id = m.user_id AND v.group_id = m.group_id
            AND (v.expires_at IS NULL OR v.expires_at > now())
        ORDER BY
            m.user_id,
            v.user_id IS NULL,
            b.spend_limit_micros DESC NULLS LAST,
            b.group_id IS NULL AND m.group_id <> m.organization_id,
            b.group_id IS NULL AND NOT o.is_default,
            m.joined_at,
            m.group_id
    ) AS best ON best.user_id = a.user_id
$$;

-- The budget in effect for one user, by the same rule: always one row. A decision on a call needs
-- it in a third of the time that the function for many takes: it sorts this user's groups only.
CREATE FUNCTION ai_effective_budget(p_user_id uuid)
RETURNS TABLE (group_id uuid, spend_limit_micros bigint, limit_source text, organization_id uuid)
LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT best.group_id, best.spend_limit_micros, best.limit_source, best.organization_id
    FROM (VALUES (1)) AS always
    LEFT JOIN (
        SELECT
            m.group_id,
            coalesce(v.spend_limit_micros, b.spend_limit_micros) AS spend_limit_micros,
            CASE
                WHEN v.user_id IS NOT NULL THEN 'user_override'
                WHEN b.group_id IS NOT NULL THEN 'group'
            END AS limit_source,
            om.organization_id
        FROM organization_members AS om
        JOIN organizations AS o ON o.id = om.organization_id AND o.deleted_at IS NULL
        CROSS JOIN LATERAL (
            SELECT om.organization_id AS group_id
            UNION ALL
            SELECT gm.group_id FROM group_members AS gm
            WHERE gm.user_id = p_user_id AND gm.organization_id = om.organization_id
        ) AS m
        LEFT JOIN group_ai_budgets AS b ON b.group_id = m.group_id
        LEFT JOIN user_ai_budget_overrides AS v
            ON v.user_id = p_user_id AND v.group_id = m.group_id
            AND (v.expires_at IS NULL OR v.expires_at > now())
        WHERE om.user_id = p_user_id
        ORDER BY
            v.user_id IS NULL,
            b.spend_limit_micros DESC NULLS LAST,
            b.group_id IS NULL AND m.group_id <> om.organization_id,
            b.group_id IS NULL AND NOT o.is_default,
            om.joined_at,
            m.group_id
        LIMIT 1
    ) AS best ON TRUE
$$;

REVOKE ALL ON group_ai_budgets, user_ai_budget_overrides
FROM PUBLIC, allowance_routes, allowance_jobs, allowance_directory;
GRANT SELECT (group_id, spend_limit_micros) ON group_ai_budgets
TO allowance_routes, allowance_directory;
GRANT SELECT (created_at, updated_at) ON group_ai_budgets TO allowance_routes;
GRANT INSERT (group_id, spend_limit_micros, created_at, updated_at),
UPDATE (spend_limit_micros, updated_at), DELETE ON group_ai_budgets TO allowance_routes;
GRANT SELECT (user_id, group_id, spend_limit_micros, expires_at) ON user_ai_budget_overrides
TO allowance_routes;
GRANT SELECT (organization_id, created_at, updated_at),
INSERT (
    user_id, group_id, organization_id, spend_limit_micros, expires_at, created_at, updated_at
),
UPDATE (group_id, organization_id, spend_limit_micros, expires_at, created_at, updated_at), DELETE
ON user_ai_budget_overrides TO allowance_routes;
GRANT EXECUTE ON FUNCTION ai_effective_budgets(uuid []) TO allowance_routes;
GRANT EXECUTE ON FUNCTION ai_effective_budget(uuid) TO allowance_routes;
REVOKE ALL ON FUNCTION end_expired_override(uuid), end_expired_overrides(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION end_expired_overrides(bigint) TO allowance_jobs;
GRANT EXECUTE ON FUNCTION ai_override_terms(uuid, bigint, timestamptz) TO allowance_routes;
