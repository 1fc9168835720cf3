-- name: match_organizations
-- needs: update directory
-- Return the organizations that entries may mean, each with what of the entry it has.
SELECT e.place, m.by, m.id, m.name, m.external_id
FROM jsonb_to_recordset(%(entries)s::jsonb) AS e (
    place bigint, name text, id uuid, external_id text, renamed_from text
)
CROSS JOIN LATERAL (
    SELECT 'id' AS by, o.id, o.name, o.external_id
    FROM organizations AS o
    WHERE o.id = e.id AND o.deleted_at IS NULL
    UNION ALL
    SELECT 'renamed_from', o.id, o.name, o.external_id
    FROM organizations AS o
    WHERE o.name = e.renamed_from AND o.deleted_at IS NULL
    UNION ALL
    SELECT 'external_id', o.id, o.name, o.external_id
    FROM organizations AS o
    WHERE o.external_id = e.external_id AND o.deleted_at IS NULL
    UNION ALL
    SELECT 'name', o.id, o.name, o.external_id
    FROM organizations AS o
    WHERE o.name = e.name AND o.deleted_at IS NULL
) AS m
ORDER BY e.place;

-- name: match_groups
-- needs: update directory
-- Return the groups that entries may mean, each with what of the entry it has. Nobody renames
-- Everyone.
SELECT e.place, m.by, m.id, m.name, m.external_id
FROM jsonb_to_recordset(%(entries)s::jsonb) AS e (
    place bigint, name text, id uuid, external_id text, renamed_from text
)
JOIN organizations AS o ON o.name = %(organization)s AND o.deleted_at IS NULL
CROSS JOIN LATERAL (
    SELECT 'id' AS by, g.id, g.name, g.external_id
    FROM groups AS g
    WHERE g.id = e.id AND g.organization_id = o.id AND g.id <> o.id
    UNION ALL
    SELECT 'renamed_from', g.id, g.name, g.external_id
    FROM groups AS g
    WHERE g.organization_id = o.id AND g.name = e.renamed_from
    UNION ALL
    SELECT 'external_id', g.id, g.name, g.external_id
    FROM groups AS g
    WHERE g.organization_id = o.id AND g.external_id = e.external_id
    UNION ALL
    SELECT 'name', g.id, g.name, g.external_id
    FROM groups AS g
    WHERE g.organization_id = o.id AND g.name = e.name
) AS m
ORDER BY e.place;

-- name: match_users
-- needs: update directory
-- Return the users that entries may mean, each with what of the entry it has. An external id means
-- a member of one of the entry's organizations, or anybody if the entry has none.
SELECT e.place, m.by, m.id, m.username AS name, m.external_id
FROM jsonb_to_recordset(%(entries)s::jsonb) AS e (
    place bigint, name text, id uuid, external_id text, renamed_from text, organizations text []
)
CROSS JOIN LATERAL (
    SELECT 'id' AS by, u.id, u.username, u.external_id FROM users AS u WHERE u.id = e.id
    UNION ALL
    SELECT 'renamed_from', u.id, u.username, u.external_id
    FROM users AS u
    WHERE u.username = e.renamed_from
    UNION ALL
    SELECT 'external_id', u.id, u.username, u.external_id
    FROM users AS u
    WHERE u.external_id = e.external_id AND u.status <> 'deleted'
        AND (
            cardinality(e.organizations) = 0
            OR EXISTS (
                SELECT 1
                FROM organization_members AS om
                JOIN organizations AS o ON o.id = om.organization_id AND o.deleted_at IS NULL
                WHERE om.user_id = u.id AND o.name = ANY(e.organizations)
            )
        )
    UNION ALL
    SELECT 'name', u.id, u.username, u.external_id FROM users AS u WHERE u.username = e.name
) AS m
ORDER BY e.place;

-- name: rename_organizations
-- needs: update directory
-- Set the names of organizations.
UPDATE organizations AS o SET name = listed.name
FROM unnest(%(renamed_ids)s::uuid[], %(names)s::text[]) AS listed (id, name)
WHERE o.id = listed.id;

-- name: rename_groups
-- needs: update directory
-- Set the names of groups.
UPDATE groups AS g SET name = listed.name
FROM unnest(%(renamed_ids)s::uuid[], %(names)s::text[]) AS listed (id, name)
WHERE g.id = listed.id;

-- name: rename_users
-- needs: update directory
-- Set the usernames of users.
UPDATE users AS u SET username = listed.name, updated_at = now()
FROM unnest(%(renamed_ids)s::uuid[], %(names)s::text[]) AS listed (id, name)
WHERE u.id = listed.id;
