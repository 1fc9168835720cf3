-- Why: a user's own limit, in place of that of the user's groups; and the one answer to "which
-- budget is in effect".

-- What a foreign key needs so that an override's organization is its group's. There are few groups:
-- it takes no time.
-- squawk-ignore require-concurrent-index-creation
CREATE UNIQUE INDEX groups_id_organization_id_key ON groups (id, organization_id);

-- The user is a member of the group for as long as the override is there: of the group's
-- organization, and, but for Everyone, whose members have no row, of the group. Leaving either
-- takes the override along. The names of the constraints are those that allowance.database.database
-- knows.
CREATE TABLE user_ai_budget_overrides (
    user_id uuid PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    group_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    membership_group_id uuid GENERATED ALWAYS AS (nullif(group_id, organization_id)) STORED,
    spend_limit_micros bigint NOT NULL
        CONSTRAINT user_ai_budget_overrides_spend_limit_micros CHECK (spend_limit_micros BETWEEN 0 AND 1000000000000),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT user_ai_budget_overrides_group FOREIGN KEY (group_id, organization_id)
        REFERENCES groups (id, organization_id) ON DELETE CASCADE,
    CONSTRAINT user_ai_budget_overrides_organization_membership FOREIGN KEY (organization_id, user_id)
        REFERENCES organization_members (organization_id, user_id) ON DELETE CASCADE,
    CONSTRAINT user_ai_budget_overrides_group_membership FOREIGN KEY (membership_group_id, user_id)
        REFERENCES group_members (group_id, user_id) ON DELETE CASCADE
);

-- What is taken away finds its overrides, and so does the spend of a group.
CREATE INDEX user_ai_budget_overrides_group_id_organization_id_idx
ON user_ai_budget_overrides (group_id, organization_id);
CREATE INDEX user_ai_budget_overrides_organization_id_user_id_idx ON user_ai_budget_overrides (organization_id, user_id);
CREATE INDEX user_ai_budget_overrides_membership_group_id_user_id_idx
ON user_ai_budget_overrides (membership_group_id, user_id);

-- An override that goes with a membership or a group leaves an entry too. Who took the membership
-- away says so in settings of its transaction; else it is the login.
CREATE FUNCTION audit_override_removed_with_membership() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_log (
        actor_name, action, resource_type, resource_id, organization_id, group_id, user_id, before, request_id
    )
    VALUES (
        coalesce(nullif(current_setting('allowance.actor_name', true), ''), session_user::text), 'delete',
        'user_ai_budget_override', old.user_id::text, old.organization_id, old.group_id, old.user_id,
        jsonb_build_object('group_id', old.group_id, 'spend_limit_micros', old.spend_limit_micros),
        coalesce(current_setting('allowance.request_id', true), '')
    );
    RETURN NULL;
END
$$;

-- Depth 0 is a statement that deletes the override itself, and writes its own entry.
CREATE TRIGGER user_ai_budget_overrides_removed AFTER DELETE ON user_ai_budget_overrides
FOR EACH ROW WHEN (pg_trigger_depth() > 0) EXECUTE FUNCTION audit_override_removed_with_membership();

-- The budget in effect for a user: the override; else the highest budget of the user's groups, ties
-- going to the earliest organization membership, then to the lowest group id; else no limit, and
-- spend counts for the Everyone group of the default organization, if the user is in it, else of
-- the earliest joined one. Nothing counts in a deleted organization. Always one row; without any
-- organization its columns are null. Plain SQL, so that a lateral join over many users is planned
-- as one query. `allowance.budgets.effective` says the same in Python.
CREATE FUNCTION ai_effective_budget(p_user_id uuid)
RETURNS TABLE (group_id uuid, spend_limit_micros bigint, limit_source text)
LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT best.group_id, best.spend_limit_micros, best.limit_source
    FROM (VALUES (true)) AS always (one)
    LEFT JOIN LATERAL (
        SELECT
            m.group_id,
            coalesce(v.spend_limit_micros, b.spend_limit_micros) AS spend_limit_micros,
            CASE WHEN v.user_id IS NOT NULL THEN 'user_override' WHEN b.group_id IS NOT NULL THEN 'group' END
                AS limit_source
        FROM (
            SELECT om.organization_id AS group_id, om.organization_id, om.joined_at
            FROM organization_members AS om
            WHERE om.user_id = p_user_id
            UNION ALL
            SELECT gm.group_id, om.organization_id, om.joined_at
            FROM group_members AS gm
            JOIN groups AS g ON g.id = gm.group_id AND g.id <> g.organization_id
            JOIN organization_members AS om ON om.organization_id = g.organization_id AND om.user_id = gm.user_id
            WHERE gm.user_id = p_user_id
        ) AS m
        JOIN organizations AS o ON o.id = m.organization_id AND o.deleted_at IS NULL
        LEFT JOIN group_ai_budgets AS b ON b.group_id = m.group_id
        LEFT JOIN user_ai_budget_overrides AS v ON v.user_id = p_user_id AND v.group_id = m.group_id
        ORDER BY
            v.user_id IS NULL,
            b.spend_limit_micros DESC NULLS LAST,
            b.group_id IS NULL AND m.group_id <> m.organization_id,
            b.group_id IS NULL AND NOT o.is_default,
            m.joined_at,
            m.group_id
        LIMIT 1
    ) AS best ON true
$$;

GRANT SELECT, INSERT, UPDATE, DELETE ON user_ai_budget_overrides TO allowance_app;
