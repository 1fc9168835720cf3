-- name: list_audit
-- needs: read audit_log in each %(organization_ids)s
-- A page of the audit log, newest first; one row more than the page tells whether there is another.
SELECT
    a.id, a.created_at, jsonb_build_object('id', a.actor_id, 'username', a.actor_name) AS actor,
    a.action, a.resource_type, a.resource_id, a.organization_id, a.group_id, a.user_id, a.before,
    a.after, a.request_id, a.token_id
FROM audit_log AS a
WHERE (%(organization_ids)s::uuid[] IS NULL OR a.organization_id =
    ANY(%(organization_ids)s::uuid[]))
    AND (%(group_id)s::uuid IS NULL OR a.group_id = %(group_id)s::uuid)
    AND (
        (%(user_id)s::uuid IS NULL AND %(username)s::text IS NULL)
        OR a.actor_id = coalesce(%(user_id)s::uuid,
            (SELECT u.id FROM users AS u WHERE u.username = %(username)s))
        -- A system actor has a name and no id.
        OR (a.actor_id IS NULL AND a.actor_name = %(username)s)
        OR a.user_id = coalesce(%(user_id)s::uuid,
            (SELECT u.id FROM users AS u WHERE u.username = %(username)s))
    )
    AND (%(after)s::bigint IS NULL OR a.id < %(after)s::bigint)
ORDER BY a.id DESC
LIMIT %(limit)s + 1;
