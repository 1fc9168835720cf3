-- Why: a page of groups shows what the members of each may spend together. The budget in effect for
-- a user depends on all of the user's groups, so a total needs its own way to read few rows.

-- For each given group that has a budget, the sum of the limits of the members whose budget in
-- effect is the group's. Each override replaces the limit, and deleted users are left out. It is
-- the sum over `ai_effective_budgets` of the members.
-- There are two ways to find who has a higher budget: read the other groups of each member, or the
-- members of each higher budget. The first is cheaper for a small group among many budgets, the
-- second for a large group among few. The sizes of the tables estimate which, and need no ANALYZE:
-- `p_member_cost` is the cost of a member's other groups, in members of a higher budget.
-- OFFSET 0 makes Postgres read by the index, row by row. A group may have 3 members or 100,000, so
-- the planner expects millions of rows: compiling such a plan takes longer than running it, and to
-- sort takes longer than to hash.
CREATE FUNCTION ai_group_spend_limit_totals(p_group_ids uuid [], p_member_cost bigint DEFAULT 32)
RETURNS TABLE (group_id uuid, spend_limit_micros bigint, total_spend_limit_micros numeric)
LANGUAGE sql STABLE SET jit = off SET enable_sort = off SET work_mem = '32MB' AS $$
    WITH sizes AS MATERIALIZED (
        -- The members of all groups with a budget, if these are like other groups, and 13 more for
        -- finding each. Rows of groups and of members are about as wide, and a budget has 68 bytes.
        SELECT pg_relation_size('group_ai_budgets') / 68 * (
            13 + pg_relation_size('group_members') / greatest(pg_relation_size('groups'), 1)
        ) AS rival_members
    ),
    asked AS MATERIALIZED (
        SELECT b.group_id, g.organization_id, b.spend_limit_micros,
            p_member_cost * CASE WHEN g.id = g.organization_id THEN (
                SELECT count(*) FROM organization_members AS om
                WHERE om.organization_id = g.organization_id
            ) ELSE (SELECT count(*) FROM group_members AS gm WHERE gm.group_id = g.id) END
            <= (SELECT s.rival_members FROM sizes AS s) AS has_few_members
        FROM group_ai_budgets AS b
        JOIN groups AS g ON g.id = b.group_id
        JOIN organizations AS o ON o.id = g.organization_id AND o.deleted_at IS NULL
        WHERE b.group_id = ANY(p_group_ids)
    ),
    members AS MATERIALIZED (
        SELECT a.group_id, a.organization_id, a.spend_limit_micros, a.has_few_members, m.user_id
        FROM asked AS a
        CROSS JOIN LATERAL (
            SELECT gm.user_id FROM group_members AS gm WHERE gm.group_id = a.group_id OFFSET 0
        ) AS m
        WHERE a.group_id <> a.organization_id
        UNION ALL
        SELECT a.group_id, a.organization_id, a.spend_limit_micros, a.has_few_members, m.user_id
        FROM asked AS a
        CROSS JOIN LATERAL (
            SELECT om.user_id FROM organization_members AS om
            WHERE om.organization_id = a.group_id OFFSET 0
        ) AS m
        WHERE a.group_id = a.organization_id
    ),
    rivals AS MATERIALIZED (
        SELECT a.group_id, a.organization_id, a.spend_limit_micros, b.group_id AS rival_id,
            g.organization_id AS rival_organization_id,
            b.spend_limit_micros AS rival_limit_micros
        FROM asked AS a
        JOIN group_ai_budgets AS b ON b.spend_limit_micros >= a.spend_limit_micros
        JOIN groups AS g ON g.id = b.group_id
        JOIN organizations AS o ON o.id = g.organization_id AND o.deleted_at IS NULL
        WHERE NOT a.has_few_members AND b.group_id <> a.group_id
    ),
    -- A user of a group and of a rival, whose budget is as high or higher.
    met AS (
        SELECT m.group_id, m.organization_id, m.spend_limit_micros, m.user_id,
            own.group_id AS rival_id, own.organization_id AS rival_organization_id,
            b.spend_limit_micros AS rival_limit_micros
        FROM members AS m
        CROSS JOIN LATERAL (
            SELECT gm.group_id, gm.organization_id FROM group_members AS gm
            WHERE gm.user_id = m.user_id
            UNION ALL
            SELECT om.organization_id, om.organization_id FROM organization_members AS om
            WHERE om.user_id = m.user_id
            OFFSET 0
        ) AS own
        JOIN group_ai_budgets AS b ON b.group_id = own.group_id
            AND b.spend_limit_micros >= m.spend_limit_micros
        JOIN organizations AS o ON o.id = own.organization_id AND o.deleted_at IS NULL
        WHERE m.has_few_members
        UNION ALL
        SELECT r.group_id, r.organization_id, r.spend_limit_micros, m.user_id, r.rival_id,
            r.rival_organization_id, r.rival_limit_micros
        FROM rivals AS r
        CROSS JOIN LATERAL (
            SELECT gm.user_id FROM group_members AS gm WHERE gm.group_id = r.rival_id OFFSET 0
        ) AS m
        WHERE r.rival_id <> r.rival_organization_id
        UNION ALL
        SELECT r.group_id, r.organization_id, r.spend_limit_micros, m.user_id, r.rival_id,
            r.rival_organization_id, r.rival_limit_micros
        FROM rivals AS r
        CROSS JOIN LATERAL (
            SELECT om.user_id FROM organization_members AS om
            WHERE om.organization_id = r.rival_id OFFSET 0
        ) AS m
        WHERE r.rival_id = r.rival_organization_id
    ),
    beaten AS (
        SELECT m.group_id, m.user_id
        FROM met AS m
        WHERE m.rival_limit_micros > m.spend_limit_micros
            OR CASE WHEN m.rival_organization_id = m.organization_id THEN m.rival_id < m.group_id
                ELSE (
                    SELECT (theirs.joined_at, m.rival_id) < (ours.joined_at, m.group_id)
                    FROM organization_members AS theirs
                    JOIN organization_members AS ours ON ours.user_id = theirs.user_id
                    WHERE theirs.user_id = m.user_id
                        AND theirs.organization_id = m.rival_organization_id
                        AND ours.organization_id = m.organization_id
                )
            END
    ),
    -- Not an anti-join: with wrong estimates it could compare each member with each beaten user.
    unbeaten AS (
        SELECT m.group_id, m.user_id FROM members AS m
        EXCEPT
        SELECT b.group_id, b.user_id FROM beaten AS b
    ),
    limited_by_group AS (
        SELECT n.group_id, count(*) AS members
        FROM unbeaten AS n
        WHERE NOT EXISTS (
                SELECT 1 FROM user_ai_budget_overrides AS v
                JOIN organizations AS o ON o.id = v.organization_id AND o.deleted_at IS NULL
                WHERE v.user_id = n.user_id
                    AND (v.expires_at IS NULL OR v.expires_at > now()) OFFSET 0
            )
            AND NOT EXISTS (
                SELECT 1 FROM users AS u WHERE u.id = n.user_id AND u.status = 'deleted' OFFSET 0
            )
        GROUP BY n.group_id
    ),
    overridden AS (
        SELECT v.group_id, sum(v.spend_limit_micros) AS limit_micros
        FROM user_ai_budget_overrides AS v
        WHERE v.group_id = ANY(p_group_ids)
            AND (v.expires_at IS NULL OR v.expires_at > now())
            AND NOT EXISTS (
                SELECT 1 FROM users AS u WHERE u.id = v.user_id AND u.status = 'deleted' OFFSET 0
            )
        GROUP BY v.group_id
    )
    SELECT a.group_id, a.spend_limit_micros,
        coalesce(l.members, 0) * a.spend_limit_micros::numeric + coalesce(v.limit_micros, 0)
    FROM asked AS a
    LEFT JOIN limited_by_group AS l ON l.group_id = a.group_id
    LEFT JOIN overridden AS v ON v.group_id = a.group_id
$$;

GRANT EXECUTE ON FUNCTION ai_group_spend_limit_totals(uuid [], bigint) TO allowance_routes;
