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
SELECT u.name, u.named_group, u.user_id::text AS user_id,
    -- include: attribution_of_usage
FROM (
    SELECT array_agg(n.source || E'\n' || n.name) AS names, array_agg(u.id) AS ids,
        array_agg(u.primary_group_id) AS primary_group_ids
    FROM unnest(%(sources)s::text [], %(names)s::text []) AS n (source, name)
    JOIN ai_usage_assignments AS a ON a.source = n.source AND a.name = n.name
    JOIN users AS u ON u.id = a.user_id
) AS assigned
CROSS JOIN LATERAL ai_attributions_of_names(
    assigned.names, assigned.ids, assigned.primary_group_ids, %(users_of_groups)s::text [],
    %(named_groups)s::text []
) AS u;

-- name: find_users_assigned_once
-- needs: create or update ai_usage
-- Which of these users each name was assigned to at any time.
SELECT a.source, a.name, a.user_id::text AS user_id
FROM unnest(%(sources)s::text [], %(names)s::text [], %(user_ids)s::uuid [])
    AS n (source, name, user_id)
JOIN ai_usage_assigned_users AS a ON a.source = n.source AND a.name = n.name
    AND a.user_id = n.user_id;
