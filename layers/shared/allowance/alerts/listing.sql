-- name: list_alerts
-- needs: read group_member each %(user_ids)s in %(organization_id)s
-- needs: read group each %(group_ids)s in %(organization_id)s
-- A page of an organization's alerts: those about users and groups that the caller may read; no
-- list: about all. The newest first; one row more than the page tells whether there is another.
SELECT a.id, a.kind, a.budget_kind, a.budget_id, a.budget_name, a.subject, a.organization_id,
    a.group_id, g.name AS group_name, a.threshold_percent, a.limit_micros, a.limit_source,
    a.spent_micros, a.reserved_micros, nullif(a.period_start, '-infinity') AS period_start,
    nullif(a.period_end, 'infinity') AS period_end, a.models, a.model_count, a.raised_at,
    CASE WHEN a.user_id IS NOT NULL THEN
        jsonb_build_object('id', a.user_id, 'username', u.username)
    END AS "user",
    a.delivered_at
FROM ai_alerts AS a
LEFT JOIN users AS u ON u.id = a.user_id
LEFT JOIN groups AS g ON g.id = a.group_id
WHERE a.organization_id = %(organization_id)s
    AND CASE
        WHEN a.user_id IS NOT NULL
            THEN %(user_ids)s::uuid [] IS NULL OR a.user_id = ANY(%(user_ids)s::uuid [])
        ELSE %(group_ids)s::uuid [] IS NULL OR a.group_id = ANY(%(group_ids)s::uuid [])
    END
    AND (%(since)s::timestamptz IS NULL OR a.raised_at >= %(since)s::timestamptz)
    AND (%(before)s::timestamptz IS NULL OR a.raised_at < %(before)s::timestamptz)
    AND (
        %(named_username)s::text IS NULL
        OR u.id = %(named_user_id)s::uuid OR u.username = %(named_username)s::text
    )
    AND (%(after_alert)s::uuid IS NULL OR a.id < %(after_alert)s::uuid)
ORDER BY a.id DESC
LIMIT %(limit)s::bigint + 1;
