-- Why: admins set the budgets of an organization, and read what is spent and held. A budget ends
-- with its group, its user or its organization.

-- The terms of a budget, as responses and the audit log have them.
CREATE FUNCTION ai_budget_terms(b ai_budgets) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT jsonb_build_object(
        'name', b.name,
        'scope', CASE b.scope
            WHEN 'group' THEN jsonb_build_object('type', b.scope, 'group_id', b.group_id)
            WHEN 'user' THEN jsonb_build_object('type', b.scope, 'user_id', b.user_id)
            WHEN 'label' THEN jsonb_build_object(
                'type', b.scope, 'key', b.label_key, 'value', b.label_value
            )
            ELSE jsonb_build_object('type', b.scope)
        END,
        'per', b.per,
        'models', b.models,
        'limit_micros', b.limit_micros,
        'period', jsonb_build_object(
            'unit', b.period_unit, 'time_zone', b.time_zone, 'week_starts', b.week_starts,
            'year_starts', b.year_starts
        ),
        'enforcement', b.enforcement,
        'thresholds', b.thresholds,
        'starts_at', to_char(b.starts_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'ends_at', to_char(b.ends_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'rollover_micros', b.rollover_micros
    )
$$;

CREATE FUNCTION ai_budget_document(b ai_budgets) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT ai_budget_terms(b) || jsonb_build_object(
        'id', b.id, 'organization_id', b.organization_id, 'created_at', b.created_at,
        'updated_at', b.updated_at, 'ended_at', b.ended_at
    )
$$;

-- Lock the budgets of an organization for a change, and what a new budget is about: its end then
-- waits for the budget, or the budget sees it. Rows come first, as in 0009_locks.sql.
CREATE FUNCTION lock_ai_budgets(p_organization_id uuid, p_group_id uuid, p_user_id uuid)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM FROM organizations AS o WHERE o.id = p_organization_id FOR SHARE;
    PERFORM FROM groups AS g WHERE g.id = p_group_id FOR KEY SHARE;
    PERFORM FROM users AS u WHERE u.id = p_user_id FOR SHARE;
    PERFORM pg_advisory_xact_lock(ai_budgets_lock_key(p_organization_id));
    RETURN true;
END
$$;

-- End the budgets of a deleted group, user or organization, each with its audit entry. The running
-- import names the actor; otherwise it is the login.
CREATE FUNCTION end_ai_budgets() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_group_id uuid := CASE WHEN tg_table_name = 'groups' THEN old.id END;
    v_user_id uuid := CASE WHEN tg_table_name = 'users' THEN old.id END;
    v_organization_id uuid := CASE WHEN tg_table_name = 'organizations' THEN old.id END;
BEGIN
    WITH ended AS (
        UPDATE ai_budgets AS b
        SET ended_at = clock_timestamp(),
            updated_at = greatest(clock_timestamp(), b.updated_at + interval '1 microsecond'),
            revision = b.revision + 1
        WHERE b.ended_at IS NULL AND (
            b.group_id = v_group_id OR b.user_id = v_user_id
            OR b.organization_id = v_organization_id
        )
        RETURNING b AS budget
    )
    INSERT INTO audit_log (
        actor_name, action, resource_type, resource_id, organization_id, group_id, user_id, before,
        request_id
    )
    SELECT coalesce(r.actor_name, session_user::text), 'delete', 'organization_ai_budget',
        (e.budget).id::text, (e.budget).organization_id, (e.budget).group_id, (e.budget).user_id,
        ai_budget_terms(e.budget), coalesce(r.request_id, '')
    FROM ended AS e
    LEFT JOIN running_import AS r ON r.transaction_id = pg_current_xact_id();
    RETURN NULL;
END
$$;

CREATE TRIGGER groups_end_ai_budgets AFTER DELETE ON groups
FOR EACH ROW EXECUTE FUNCTION end_ai_budgets();
CREATE TRIGGER users_end_ai_budgets AFTER UPDATE OF status ON users
FOR EACH ROW WHEN (new.status = 'deleted' AND old.status <> 'deleted')
EXECUTE FUNCTION end_ai_budgets();
CREATE TRIGGER organizations_end_ai_budgets AFTER UPDATE OF deleted_at ON organizations
FOR EACH ROW WHEN (new.deleted_at IS NOT NULL AND old.deleted_at IS NULL)
EXECUTE FUNCTION end_ai_budgets();

-- What a subject of a budget may spend, has spent and holds in the period that contains a time.
-- Without a subject only the period. NULL: the period has no start or end.
CREATE FUNCTION ai_budget_figures(
    p_budget_id uuid, p_subject text, p_at timestamptz, OUT period_start timestamptz,
    OUT period_end timestamptz, OUT limit_micros numeric, OUT spent_micros numeric,
    OUT reserved_micros numeric
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    b ai_budgets;
    period record;
BEGIN
    SELECT each.* INTO b FROM ai_budgets AS each WHERE each.id = p_budget_id;
    SELECT p.starts, p.ends INTO period FROM ai_budget_period(b, p_at) AS p;
    period_start := nullif(period.starts, '-infinity');
    period_end := nullif(period.ends, 'infinity');
    IF p_subject IS NULL THEN
        RETURN;
    END IF;
    limit_micros := ai_budget_limit_in_effect(b, p_subject, p_at);
    spent_micros := ai_budget_spent_in(b, p_subject, period.starts, period.ends);
    -- Expired holds count in a counter until its next writer. Here they do not. A hold counts in
    -- the current period.
    SELECT coalesce(sum(h.amount_micros), 0) INTO reserved_micros
    FROM ai_budget_holds AS h
    WHERE h.budget_id = p_budget_id AND h.subject = p_subject AND h.expires_at > now()
        AND period.ends > now();
END
$$;

-- A page of the subjects of a budget that is per member or per value: those that have a counter,
-- the members of its group or organization, and the values that were used in the period.
CREATE FUNCTION ai_budget_subjects(
    p_budget_id uuid, p_at timestamptz, p_user_ids uuid [], p_after text, p_limit bigint
) RETURNS TABLE (subject text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    b ai_budgets;
    period record;
BEGIN
    SELECT each.* INTO b FROM ai_budgets AS each WHERE each.id = p_budget_id;
    SELECT p.starts, p.ends INTO period FROM ai_budget_period(b, p_at) AS p;
    IF b.per = 'value' THEN
        RETURN QUERY
        SELECT c.subject FROM ai_budget_counters AS c
        WHERE c.budget_id = b.id AND (p_after IS NULL OR c.subject > p_after)
        UNION
        SELECT v.value FROM (
            SELECT DISTINCT coalesce(coalesce(e.labels, l.labels) ->> b.label_key, '')
                COLLATE "C" AS value
            FROM ai_usage_quarter_hourly AS q
            LEFT JOIN ai_label_sets AS l ON l.id = q.label_set_id
            LEFT JOIN ai_usage AS e ON q.label_set_id = ai_other_label_set()
                AND e.organization_id = q.organization_id AND e.label_set_id = q.label_set_id
                AND e.occurred_at >= q.starts_at
                AND e.occurred_at < q.starts_at + interval '15 minutes'
            WHERE q.organization_id = b.organization_id
                AND q.starts_at > greatest(period.starts, b.starts_at) - interval '15 minutes'
                AND q.starts_at < least(period.ends, b.ends_at, b.ended_at)
                AND (
                    b.model_patterns IS NULL
                    OR q.provider || '/' || q.model ILIKE ANY(b.model_patterns)
                )
        ) AS v
        WHERE p_after IS NULL OR v.value > p_after
        ORDER BY 1
        LIMIT p_limit;
    ELSIF b.per = 'member' THEN
        RETURN QUERY
        SELECT c.subject FROM ai_budget_counters AS c
        WHERE c.budget_id = b.id AND (p_after IS NULL OR c.subject > p_after)
            AND (p_user_ids IS NULL OR c.subject = ANY(p_user_ids::text []))
        UNION
        SELECT m.user_id::text COLLATE "C" FROM (
            SELECT om.user_id FROM organization_members AS om
            WHERE b.group_id IS NULL AND om.organization_id = b.organization_id
            UNION ALL
            SELECT v.user_id FROM group_members_expanded AS v WHERE v.group_id = b.group_id
        ) AS m
        WHERE (p_after IS NULL OR m.user_id::text COLLATE "C" > p_after)
            AND (p_user_ids IS NULL OR m.user_id = ANY(p_user_ids))
        ORDER BY 1
        LIMIT p_limit;
    END IF;
END
$$;

REVOKE ALL ON FUNCTION ai_budget_terms(ai_budgets), ai_budget_document(ai_budgets),
lock_ai_budgets(uuid, uuid, uuid), end_ai_budgets(),
ai_budget_figures(uuid, text, timestamptz),
ai_budget_subjects(uuid, timestamptz, uuid [], text, bigint)
FROM PUBLIC;
GRANT SELECT ON ai_budgets TO allowance_routes;
GRANT SELECT (organization_id, group_id, ended_at) ON ai_budgets TO allowance_directory;
GRANT INSERT (
    organization_id, name, scope, group_id, user_id, label_key, label_value, per, models,
    model_patterns, limit_micros, period_unit, time_zone, week_starts, year_starts, enforcement,
    thresholds, starts_at, ends_at, rollover_micros, created_at, updated_at
),
UPDATE (
    name, limit_micros, enforcement, thresholds, starts_at, ends_at, rollover_micros, revision,
    updated_at, ended_at
) ON ai_budgets TO allowance_routes;
GRANT INSERT (budget_id, since, limit_micros) ON ai_budget_limits TO allowance_routes;
GRANT EXECUTE ON FUNCTION ai_budget_terms(ai_budgets), ai_budget_document(ai_budgets),
lock_ai_budgets(uuid, uuid, uuid), ai_budget_figures(uuid, text, timestamptz),
ai_budget_subjects(uuid, timestamptz, uuid [], text, bigint) TO allowance_routes;
