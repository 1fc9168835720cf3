-- fragment: changeable_budgets
        -- The group that a budget is about is one that the caller may update. For a user that is
        -- any group of the user.
        AND (
            %(group_ids)s::uuid [] IS NULL
            OR CASE b.scope
                WHEN 'user' THEN EXISTS (
                    SELECT 1 FROM group_members_expanded AS m
                    WHERE m.organization_id = b.organization_id AND m.user_id = b.user_id
                        AND m.group_id = ANY(%(group_ids)s::uuid [])
                )
                ELSE coalesce(b.group_id, b.organization_id) = ANY(%(group_ids)s::uuid [])
            END
        )

-- name: check_time_zone
-- needs: update group each %(group_ids)s in %(organization_id)s
-- Return whether the database knows a time zone by this name, which is no path and no setting of
-- the server. Before the locks: it reads files. The rights of the caller select nothing.
SELECT %(time_zone)s = 'UTC' OR EXISTS (
    SELECT 1 FROM pg_timezone_names AS z
    WHERE z.name = %(time_zone)s AND z.name !~ '^(posix|right)/'
) AS is_known
FROM (SELECT %(organization_id)s::uuid, %(group_ids)s::uuid []) AS of_caller;

-- name: lock_organization_budgets
-- needs: update group each %(group_ids)s in %(organization_id)s
-- Lock the budgets of an organization: the first statement of a batch that changes one. The next
-- statement sees what the writers before it left, and no usage is recorded meanwhile.
SELECT lock_ai_budgets(%(organization_id)s, %(group_id)s::uuid, %(user_id)s::uuid) AS locked
FROM (SELECT %(group_ids)s::uuid []) AS of_caller;

-- name: create_organization_budget
-- needs: update group each %(group_ids)s in %(organization_id)s
-- Create a budget, with its limit in the history and its audit entry, or return what forbids it.
WITH checked AS (
    SELECT
        EXISTS (
            SELECT 1 FROM organizations AS o
            WHERE o.id = %(organization_id)s AND o.deleted_at IS NULL
        )
        AND (
            %(group_ids)s::uuid [] IS NULL
            OR CASE %(scope)s::text
                WHEN 'user' THEN EXISTS (
                    SELECT 1 FROM group_members_expanded AS m
                    WHERE m.organization_id = %(organization_id)s
                        AND m.user_id = %(user_id)s::uuid
                        AND m.group_id = ANY(%(group_ids)s::uuid [])
                )
                ELSE coalesce(%(group_id)s::uuid, %(organization_id)s)
                    = ANY(%(group_ids)s::uuid [])
            END
        ) AS may_create,
        EXISTS (
            SELECT 1 FROM ai_budgets AS b
            WHERE b.organization_id = %(organization_id)s AND b.ended_at IS NULL
                AND b.name = %(name)s::text
        ) AS has_name,
        (
            SELECT count(*) FROM ai_budgets AS b
            WHERE b.organization_id = %(organization_id)s AND b.ended_at IS NULL
        ) >= %(most)s AS has_too_many,
        %(scope)s::text <> 'group' OR EXISTS (
            SELECT 1 FROM groups AS g
            WHERE g.id = %(group_id)s::uuid AND g.organization_id = %(organization_id)s
        ) AS knows_group,
        %(scope)s::text <> 'user' OR EXISTS (
            SELECT 1 FROM organization_members AS om
            JOIN users AS u ON u.id = om.user_id AND u.status <> 'deleted'
            WHERE om.user_id = %(user_id)s::uuid AND om.organization_id = %(organization_id)s
        ) AS knows_user
),
written AS (
    INSERT INTO ai_budgets AS b (
        organization_id, name, scope, group_id, user_id, label_key, label_value, per, models,
        model_patterns, limit_micros, period_unit, time_zone, week_starts, year_starts, enforcement,
        thresholds, starts_at, ends_at, rollover_micros, created_at, updated_at
    )
    SELECT %(organization_id)s, %(name)s, %(scope)s, %(group_id)s, %(user_id)s, %(label_key)s,
        %(label_value)s, %(per)s, %(models)s, %(model_patterns)s, %(limit_micros)s,
        %(period_unit)s, %(time_zone)s, %(week_starts)s, %(year_starts)s, %(enforcement)s,
        %(budget_thresholds)s, %(starts_at)s, %(ends_at)s, %(rollover_micros)s, t.now, t.now
    FROM checked AS c
    CROSS JOIN (SELECT clock_timestamp() AS now OFFSET 0) AS t
    WHERE c.may_create AND c.knows_group AND c.knows_user AND NOT c.has_name
        AND NOT c.has_too_many
    RETURNING b AS budget
),
limits AS (
    INSERT INTO ai_budget_limits (budget_id, since, limit_micros)
    SELECT (w.budget).id, (w.budget).created_at, (w.budget).limit_micros FROM written AS w
),
audited AS (
    SELECT 'create' AS action, 'organization_ai_budget' AS resource_type,
        (w.budget).id::text AS resource_id, (w.budget).organization_id, (w.budget).group_id,
        (w.budget).user_id, NULL::jsonb AS before, ai_budget_terms(w.budget) AS after
    FROM written AS w
),
entries AS (
    -- include: audit_entries
)
SELECT (SELECT ai_budget_document(w.budget) FROM written AS w) AS budget, c.may_create, c.has_name,
    c.has_too_many, c.knows_group, c.knows_user
FROM checked AS c;

-- name: change_organization_budget
-- needs: update group each %(group_ids)s in %(organization_id)s
-- Change a budget in force, with its limit in the history and its audit entry, or return what
-- forbids it. No row: there is none. `updated_at` names the version, so it moves even when the
-- clock does not. Dates that are over decided what counts, which counters have already.
WITH before AS (
    SELECT b AS budget, b.id, b.updated_at
    FROM ai_budgets AS b
    WHERE b.organization_id = %(organization_id)s AND b.ended_at IS NULL
        AND (b.id = %(budget_id)s::uuid OR b.name = %(budget_name)s::text)
        -- include: changeable_budgets
),
checked AS (
    SELECT before.id,
        EXISTS (
            SELECT 1 FROM ai_budgets AS b
            WHERE b.organization_id = %(organization_id)s AND b.ended_at IS NULL
                AND b.name = %(name)s::text AND b.id <> before.id
        ) AS has_name,
        ARRAY(
            SELECT f.field
            FROM (VALUES
                (
                    'scope',
                    (
                        (before.budget).scope, (before.budget).group_id, (before.budget).user_id,
                        (before.budget).label_key, (before.budget).label_value
                    ) IS DISTINCT FROM (
                        %(scope)s::text, %(group_id)s::uuid, %(user_id)s::uuid,
                        %(label_key)s::text, %(label_value)s::text
                    )
                ),
                ('per', (before.budget).per <> %(per)s::text),
                ('models', (before.budget).models <> %(models)s::text []),
                (
                    'period',
                    (
                        (before.budget).period_unit, (before.budget).time_zone,
                        (before.budget).week_starts, (before.budget).year_starts
                    ) IS DISTINCT FROM (
                        %(period_unit)s::text, %(time_zone)s::text, %(week_starts)s::bigint,
                        %(year_starts)s::bigint
                    )
                )
            ) AS f (field, differs)
            WHERE f.differs
        ) AS fixed,
        ARRAY(
            SELECT f.field
            FROM (VALUES
                (
                    'starts_at',
                    (before.budget).starts_at IS DISTINCT FROM %(starts_at)s::timestamptz
                    AND NOT coalesce(
                        least((before.budget).starts_at, %(starts_at)s::timestamptz) > now()
                        AND (before.budget).starts_at IS NOT NULL
                        AND %(starts_at)s::timestamptz IS NOT NULL,
                        false
                    )
                ),
                (
                    'ends_at',
                    (before.budget).ends_at IS DISTINCT FROM %(ends_at)s::timestamptz
                    AND coalesce(
                        least((before.budget).ends_at, %(ends_at)s::timestamptz) <= now(), false
                    )
                )
            ) AS f (field, is_over)
            WHERE f.is_over
        ) AS over
    FROM before
),
written AS (
    UPDATE ai_budgets AS b
    SET name = %(name)s,
        limit_micros = %(limit_micros)s,
        enforcement = %(enforcement)s,
        thresholds = %(budget_thresholds)s,
        starts_at = %(starts_at)s,
        ends_at = %(ends_at)s,
        rollover_micros = %(rollover_micros)s,
        revision = b.revision + 1,
        updated_at = greatest(clock_timestamp(), b.updated_at + interval '1 microsecond')
    FROM before
    JOIN checked AS c ON c.id = before.id
    WHERE b.id = before.id AND b.ended_at IS NULL AND NOT c.has_name AND c.fixed = '{}'
        AND c.over = '{}'
        -- include: precondition
    RETURNING b AS budget
),
limits AS (
    INSERT INTO ai_budget_limits (budget_id, since, limit_micros)
    SELECT (w.budget).id, (w.budget).updated_at, (w.budget).limit_micros
    FROM written AS w
    CROSS JOIN before
    WHERE (w.budget).limit_micros <> (before.budget).limit_micros
),
audited AS (
    SELECT 'update' AS action, 'organization_ai_budget' AS resource_type,
        (w.budget).id::text AS resource_id, (w.budget).organization_id, (w.budget).group_id,
        (w.budget).user_id, ai_budget_terms(before.budget) AS before,
        ai_budget_terms(w.budget) AS after
    FROM written AS w
    CROSS JOIN before
),
entries AS (
    -- include: audit_entries
)
SELECT (SELECT ai_budget_document(w.budget) FROM written AS w) AS budget, c.has_name, c.fixed,
    c.over
FROM checked AS c;

-- name: end_organization_budget
-- needs: update group each %(group_ids)s in %(organization_id)s
-- End a budget in force, with its audit entry, unless the precondition forbids it. Return whether
-- it has ended; no row: there was none.
WITH before AS (
    SELECT b.id, b.updated_at
    FROM ai_budgets AS b
    WHERE b.organization_id = %(organization_id)s AND b.ended_at IS NULL
        AND (b.id = %(budget_id)s::uuid OR b.name = %(budget_name)s::text)
        -- include: changeable_budgets
),
removed AS (
    UPDATE ai_budgets AS b
    SET ended_at = clock_timestamp(),
        revision = b.revision + 1,
        updated_at = greatest(clock_timestamp(), b.updated_at + interval '1 microsecond')
    FROM before
    WHERE b.id = before.id AND b.ended_at IS NULL
        -- include: precondition
    RETURNING b AS budget
),
audited AS (
    SELECT 'delete' AS action, 'organization_ai_budget' AS resource_type,
        (r.budget).id::text AS resource_id, (r.budget).organization_id, (r.budget).group_id,
        (r.budget).user_id, ai_budget_terms(r.budget) AS before, NULL::jsonb AS after
    FROM removed AS r
),
entries AS (
    -- include: audit_entries
)
SELECT EXISTS (SELECT 1 FROM removed) AS removed
FROM before;
