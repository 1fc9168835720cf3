-- fragment: selected_people
            AND u.status <> 'deleted'
            AND (%(user_ids)s::uuid[] IS NULL OR u.id = ANY(%(user_ids)s::uuid[]))
            AND (%(pattern)s::text IS NULL OR u.search_text LIKE lower(%(pattern)s::text))
            AND (%(after_username)s::text IS NULL OR u.username > %(after_username)s::text)
        ORDER BY u.username
        LIMIT %(limit)s + 1

-- fragment: members_of_page
SELECT
    u.id,
    u.id AS user_id,
    u.username,
    u.user_name,
    u.email,
    u.display_name,
    coalesce(u.display_name, '') AS name,
    u.status,
    %(organization_id)s::uuid AS organization_id,
    om.roles,
    coalesce(gm.created_at, om.joined_at) AS joined_at,
    eg.id AS effective_group_id,
    CASE WHEN eg.id IS NOT NULL AND e.limit_source IS NOT NULL THEN
        jsonb_build_object(
            'spend_limit_micros', e.spend_limit_micros, 'limit_source', e.limit_source
        )
    END AS effective_budget,
    CASE WHEN eg.id IS NOT NULL THEN coalesce(s.cost_micros, 0) END AS current_spend_micros
FROM page AS p
JOIN users AS u ON u.id = p.id
JOIN organization_members AS om
    ON om.organization_id = %(organization_id)s AND om.user_id = p.id
LEFT JOIN group_members AS gm ON gm.group_id = %(group_id)s AND gm.user_id = p.id
JOIN ai_effective_budgets(ARRAY(SELECT p.id FROM page AS p)) AS e ON e.user_id = p.id
LEFT JOIN groups AS eg ON eg.id = e.group_id AND eg.organization_id = %(organization_id)s
LEFT JOIN ai_user_spend_monthly AS s ON s.user_id = p.id
    AND s.month = (%(period_start)s::timestamptz AT TIME ZONE 'UTC')::date
ORDER BY u.username

-- name: list_organization_members
-- needs: read group_member each %(user_ids)s in %(organization_id)s
-- A page of an organization's members, by username: of all, or of the given ones. One row more than
-- the page shows that another page exists. The budget in effect is not shown if it is another
-- organization's.
-- Up to 10,000 members are read and sorted. Of more, Postgres may read the users by name until the
-- page is full, which it would always do: it expects the members anywhere among the names, and not
-- all of them at the end.
WITH few AS MATERIALIZED (
    SELECT om.user_id
    FROM organization_members AS om
    WHERE om.organization_id = %(organization_id)s
    LIMIT 10001
),
page AS MATERIALIZED (
    (
        SELECT u.id
        FROM few AS f
        JOIN users AS u ON u.id = f.user_id
        WHERE (SELECT count(*) FROM few) <= 10000
            -- include: selected_people
    )
    UNION ALL
    (
        SELECT u.id
        FROM users AS u
        WHERE (SELECT count(*) FROM few) > 10000
            AND EXISTS (
                SELECT 1
                FROM organization_members AS om
                WHERE om.organization_id = %(organization_id)s AND om.user_id = u.id
            )
            -- include: selected_people
    )
)
-- include: members_of_page
;

-- name: list_group_members
-- needs: read group %(group_id)s
-- needs: read group_member each %(user_ids)s in %(organization_id)s
-- Like list_organization_members, for a group. The Everyone group has no rows of its own: its
-- members are those of the organization.
WITH few AS MATERIALIZED (
    SELECT gm.user_id
    FROM group_members AS gm
    WHERE gm.group_id = %(group_id)s AND gm.organization_id = %(organization_id)s
    LIMIT 10001
),
page AS MATERIALIZED (
    (
        SELECT u.id
        FROM few AS f
        JOIN users AS u ON u.id = f.user_id
        WHERE (SELECT count(*) FROM few) <= 10000
            -- include: selected_people
    )
    UNION ALL
    (
        SELECT u.id
        FROM users AS u
        WHERE (SELECT count(*) FROM few) > 10000
            AND EXISTS (
                SELECT 1
                FROM group_members AS gm
                WHERE gm.group_id = %(group_id)s AND gm.organization_id = %(organization_id)s
                    AND gm.user_id = u.id
            )
            -- include: selected_people
    )
)
-- include: members_of_page
;

-- fragment: users_of_page
SELECT
    u.id,
    u.username,
    u.user_name,
    u.email,
    u.display_name,
    coalesce(u.display_name, '') AS name,
    u.status,
    u.roles,
    ARRAY(
        SELECT om.organization_id
        FROM organization_members AS om
        JOIN organizations AS o ON o.id = om.organization_id AND o.deleted_at IS NULL
        WHERE om.user_id = u.id
            AND (
                %(organization_ids)s::uuid[] IS NULL
                OR om.organization_id = ANY(%(organization_ids)s::uuid[])
            )
        ORDER BY om.joined_at, om.organization_id
    ) AS organization_ids,
    u.created_at,
    u.updated_at,
    e.group_id AS effective_group_id,
    CASE WHEN e.limit_source IS NOT NULL THEN
        jsonb_build_object(
            'spend_limit_micros', e.spend_limit_micros, 'limit_source', e.limit_source
        )
    END AS effective_budget,
    coalesce(s.cost_micros, 0) AS current_spend_micros
FROM page AS p
JOIN users AS u ON u.id = p.id
JOIN ai_effective_budgets(ARRAY(SELECT p.id FROM page AS p)) AS e ON e.user_id = p.id
LEFT JOIN ai_user_spend_monthly AS s ON s.user_id = p.id
    AND s.month = (%(period_start)s::timestamptz AT TIME ZONE 'UTC')::date
ORDER BY u.username

-- name: list_users
-- needs: read user each %(user_ids)s
-- A page of users by username: of all, or of the given ones. One row more than the page shows that
-- another page exists. The organizations of a user are those that the caller sees: all, or the
-- given ones.
WITH page AS MATERIALIZED (
    (
        SELECT u.id
        FROM users AS u
        WHERE true
            -- include: selected_people
    )
)
-- include: users_of_page
;

-- name: get_user
-- needs: read user %(user_id)s
-- Return a user, as in list_users.
WITH page AS MATERIALIZED (
    SELECT u.id FROM users AS u WHERE u.id = %(user_id)s AND u.status <> 'deleted'
)
-- include: users_of_page
;
