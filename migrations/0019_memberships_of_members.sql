-- Why: who is in a group is a member of its organization, by a foreign key, so that nobody has to
-- look it up: neither what reads ten thousand members nor what adds up the budgets of a thousand
-- users.

-- No import may run meanwhile: it begins with this lock. In the order of the tables imports write
-- them, too; whoever reads does not wait.
SELECT pg_advisory_xact_lock(hashtext('allowance.directory'));
LOCK TABLE groups, group_members, organization_members IN SHARE ROW EXCLUSIVE MODE;

-- They counted for nothing, and no override depends on them.
DELETE FROM group_members AS gm
USING groups AS g
WHERE g.id = gm.group_id AND NOT EXISTS (
    SELECT 1 FROM organization_members AS om WHERE om.organization_id = g.organization_id AND om.user_id = gm.user_id
);

-- The slow part: some 4 s for 200,000 rows.
UPDATE group_members AS gm SET organization_id = g.organization_id
FROM groups AS g
WHERE g.id = gm.group_id AND gm.organization_id IS NULL;

-- What a user is in is still read from the index alone.
-- squawk-ignore require-concurrent-index-creation
CREATE UNIQUE INDEX group_members_user_id_organization_id_group_id_key
ON group_members (user_id, organization_id, group_id);

-- Leaving the organization takes the memberships of its groups along, and those their overrides.
-- The keys to the group and to the user follow from these and stay: to drop them would lock out
-- whoever reads groups and users.
ALTER TABLE group_members
-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
ADD CONSTRAINT group_members_group FOREIGN KEY (group_id, organization_id)
REFERENCES groups (id, organization_id) ON DELETE CASCADE,
-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
ADD CONSTRAINT group_members_organization_membership FOREIGN KEY (user_id, organization_id)
REFERENCES organization_members (user_id, organization_id) ON DELETE CASCADE;

-- Last, since from here on readers wait, too: 60 ms.
-- squawk-ignore adding-not-nullable-field
ALTER TABLE group_members ALTER COLUMN organization_id SET NOT NULL;
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX group_members_user_id_group_id_key;

-- As before, but that a membership says which organization it is in.
CREATE OR REPLACE FUNCTION ai_effective_budgets(p_user_ids uuid [])
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
            SELECT gm.user_id, gm.group_id, gm.organization_id, om.joined_at
            FROM group_members AS gm
            JOIN organization_members AS om ON om.user_id = gm.user_id AND om.organization_id = gm.organization_id
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

-- As before, but that whoever is listed is a member, and that of rivals only the rows of their own
-- members are read. Which of those are members here is asked by IN: a join the planner takes to be
-- of millions of rows, for which it sorts both sides, and compiles the plan where the server can.
CREATE OR REPLACE FUNCTION ai_group_spend_limit_total(p_group_id uuid) RETURNS numeric
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
        WHERE t.group_id <> t.organization_id
    ),
    rivals AS MATERIALIZED (
        SELECT b.group_id, b.organization_id,
            b.organization_id = t.organization_id OR b.spend_limit_micros > t.spend_limit_micros AS wins
        FROM this AS t
        JOIN budgets AS b ON b.spend_limit_micros > t.spend_limit_micros
            OR (
                b.spend_limit_micros = t.spend_limit_micros
                AND (b.organization_id <> t.organization_id OR b.group_id < t.group_id)
            )
    ),
    -- Who is in a rival, and whether one of those wins for sure. Each rival by itself: only its
    -- members are read.
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
            CROSS JOIN LATERAL (
                SELECT each.user_id FROM group_members AS each WHERE each.group_id = r.group_id OFFSET 0
            ) AS gm
            WHERE r.group_id <> r.organization_id
        ) AS m
        WHERE m.user_id IN (SELECT each.user_id FROM members AS each)
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
