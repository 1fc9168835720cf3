-- Why: a batch of usage and a group of ten thousand ask for the budgets of many users at once;
-- asked one by one, each user costs as much as the first.

-- What a user is in is read from the index alone.
-- squawk-ignore require-concurrent-index-creation
CREATE UNIQUE INDEX organization_members_user_id_organization_id_key
ON organization_members (user_id, organization_id) INCLUDE (joined_at);
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX organization_members_user_id_idx;
-- squawk-ignore require-concurrent-index-creation
CREATE UNIQUE INDEX group_members_user_id_group_id_key ON group_members (user_id, group_id);
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX group_members_user_id_idx;

-- Who is deleted is left out of totals, and those are few.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX users_deleted_idx ON users (id) WHERE status = 'deleted';

-- The budget in effect for each of the users, a row for each that is asked for: the override; else
-- the highest budget of the user's groups, ties going to the earliest organization membership, then
-- to the lowest group id; else no limit, and spend counts for the Everyone group of the default
-- organization, if the user is in it, else of the earliest joined one. Nothing counts in a deleted
-- organization. Without any organization its columns are null. `allowance.budgets.effective` says
-- the same in Python.
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
            CASE WHEN v.user_id IS NOT NULL THEN 'user_override' WHEN b.group_id IS NOT NULL THEN 'group' END
                AS limit_source
        FROM (
            SELECT om.user_id, om.organization_id AS group_id, om.organization_id, om.joined_at
            FROM organization_members AS om
            WHERE om.user_id = ANY(p_user_ids)
            UNION ALL
            SELECT gm.user_id, gm.group_id, om.organization_id, om.joined_at
            FROM group_members AS gm
            JOIN groups AS g ON g.id = gm.group_id AND g.id <> g.organization_id
            JOIN organization_members AS om ON om.organization_id = g.organization_id AND om.user_id = gm.user_id
            WHERE gm.user_id = ANY(p_user_ids)
        ) AS m
        JOIN organizations AS o ON o.id = m.organization_id AND o.deleted_at IS NULL
        LEFT JOIN group_ai_budgets AS b ON b.group_id = m.group_id
        LEFT JOIN user_ai_budget_overrides AS v ON v.user_id = m.user_id AND v.group_id = m.group_id
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

-- The budget in effect for one user: always one row.
CREATE OR REPLACE FUNCTION ai_effective_budget(p_user_id uuid)
RETURNS TABLE (group_id uuid, spend_limit_micros bigint, limit_source text)
LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT b.group_id, b.spend_limit_micros, b.limit_source FROM ai_effective_budgets(ARRAY[p_user_id]) AS b
$$;

-- What the members whose budget in effect is the group's may spend together: each override in place
-- of the limit, deleted users left out; null of a group without a budget. It is the sum over
-- `ai_effective_budgets`, which is asked only where it is not plain: an override wins; a higher
-- budget elsewhere wins, and so does the same one of a lower id in the organization itself; of the
-- others only who is in another organization's group with the same budget may have that one.
CREATE FUNCTION ai_group_spend_limit_total(p_group_id uuid) RETURNS numeric
LANGUAGE sql STABLE AS $$
    WITH budgets AS MATERIALIZED (
        SELECT b.group_id, g.organization_id, b.spend_limit_micros
        FROM group_ai_budgets AS b
        JOIN groups AS g ON g.id = b.group_id
        JOIN organizations AS o ON o.id = g.organization_id AND o.deleted_at IS NULL
    ),
    this AS (
        SELECT b.group_id, b.organization_id, b.spend_limit_micros FROM budgets AS b WHERE b.group_id = p_group_id
    ),
    members AS (
        SELECT om.user_id
        FROM this AS t
        JOIN organization_members AS om ON om.organization_id = t.organization_id
        WHERE t.group_id = t.organization_id
        UNION ALL
        SELECT gm.user_id
        FROM this AS t
        JOIN group_members AS gm ON gm.group_id = t.group_id
        JOIN organization_members AS om ON om.organization_id = t.organization_id AND om.user_id = gm.user_id
        WHERE t.group_id <> t.organization_id
    ),
    rivals AS MATERIALIZED (
        SELECT b.group_id, b.organization_id, b.organization_id = t.organization_id AS is_neighbour,
            b.organization_id = t.organization_id OR b.spend_limit_micros > t.spend_limit_micros AS wins
        FROM this AS t
        JOIN budgets AS b ON b.spend_limit_micros > t.spend_limit_micros
            OR (
                b.spend_limit_micros = t.spend_limit_micros
                AND (b.organization_id <> t.organization_id OR b.group_id < t.group_id)
            )
    ),
    -- Who is in a rival, and whether one of those wins for sure. Each Everyone by itself, so that
    -- only the members of those are read; a row of group_members counts only with its organization,
    -- which the members of a neighbour share.
    contested AS MATERIALIZED (
        SELECT m.user_id, bool_or(m.wins) AS is_beaten
        FROM (
            SELECT om.user_id, r.wins
            FROM rivals AS r
            CROSS JOIN LATERAL (
                SELECT each.user_id FROM organization_members AS each WHERE each.organization_id = r.group_id OFFSET 0
            ) AS om
            WHERE r.group_id = r.organization_id
            UNION ALL
            SELECT gm.user_id, r.wins
            FROM rivals AS r
            JOIN group_members AS gm ON gm.group_id = r.group_id
            WHERE r.is_neighbour AND r.group_id <> r.organization_id
            UNION ALL
            SELECT gm.user_id, r.wins
            FROM rivals AS r
            JOIN group_members AS gm ON gm.group_id = r.group_id
            JOIN organization_members AS om ON om.organization_id = r.organization_id AND om.user_id = gm.user_id
            WHERE NOT r.is_neighbour AND r.group_id <> r.organization_id
        ) AS m
        JOIN members AS each ON each.user_id = m.user_id
        GROUP BY m.user_id
    ),
    asked AS (
        SELECT e.user_id, e.group_id
        FROM (SELECT ARRAY(SELECT c.user_id FROM contested AS c WHERE NOT c.is_beaten) AS user_ids) AS tied
        CROSS JOIN LATERAL ai_effective_budgets(tied.user_ids) AS e
        WHERE cardinality(tied.user_ids) > 0
    )
    SELECT CASE WHEN EXISTS (SELECT 1 FROM this) THEN (
        SELECT coalesce(sum(coalesce(v.spend_limit_micros, t.spend_limit_micros)), 0)
        FROM this AS t
        CROSS JOIN members AS m
        LEFT JOIN (
            SELECT each.user_id, each.group_id, each.spend_limit_micros
            FROM user_ai_budget_overrides AS each
            JOIN organizations AS o ON o.id = each.organization_id AND o.deleted_at IS NULL
        ) AS v ON v.user_id = m.user_id
        LEFT JOIN contested AS c ON c.user_id = m.user_id
        LEFT JOIN asked AS e ON e.user_id = m.user_id
        WHERE CASE
                WHEN v.user_id IS NOT NULL THEN v.group_id = t.group_id
                WHEN c.user_id IS NULL THEN true
                ELSE NOT c.is_beaten AND e.group_id = t.group_id
            END
            AND NOT EXISTS (SELECT 1 FROM users AS u WHERE u.id = m.user_id AND u.status = 'deleted')
    ) END
$$;
