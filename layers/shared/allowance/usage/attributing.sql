-- name: list_unattributed_of_name
-- needs: update ai_usage
-- A page of the usages of a name in a source that have no user, the earliest first.
SELECT uuid_send(u.key_digest) AS key_digest, u.named_group,
    (
        SELECT count(*) FROM ai_usage_revisions AS r WHERE r.key_digest = u.key_digest
    ) AS changes
FROM ai_usage_unattributed AS u
WHERE u.source = %(source)s AND u.name = %(name)s
    AND u.occurred_at >= %(since)s::timestamptz AND u.usage_id IS NOT NULL
ORDER BY u.occurred_at, u.key_digest
LIMIT %(limit)s::bigint;
