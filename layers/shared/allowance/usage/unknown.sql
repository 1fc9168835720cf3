-- name: find_source_rules
-- needs: create or update ai_usage
-- What sources say about users who are not known, and the organization of their usage. One that is
-- deleted counts as none.
SELECT s.source, s.unknown_users,
    coalesce(o.id, '00000000-0000-0000-0000-000000000000')::text AS organization_id
FROM ai_usage_sources AS s
LEFT JOIN organizations AS o ON o.id = s.organization_id AND o.deleted_at IS NULL
WHERE s.source = ANY(%(sources)s::text []);

-- name: find_assigned_users
-- needs: create or update ai_usage
-- The users to whom names of sources are assigned, and what their spend counts against now.
WITH named AS (
    SELECT n.source || E'\n' || n.name AS name, u.id, u.primary_group_id
    FROM unnest(%(sources)s::text [], %(names)s::text []) AS n (source, name)
    JOIN ai_usage_assignments AS a ON a.source = n.source AND a.name = n.name
    JOIN users AS u ON u.id = a.user_id
),
    -- include: attributions_of_named
