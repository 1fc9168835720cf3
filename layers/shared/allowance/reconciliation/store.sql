-- name: lock_vendor_usage
-- needs: update ai_usage
-- Lock the reports of an organization: the first statement of a batch that changes them. The next
-- statement takes its own snapshot and sees what the writers before it left. No row: the
-- organization is gone.
SELECT pg_advisory_xact_lock(hashtextextended('ai_vendor_usage ' || o.id::text, 0)) IS NOT NULL
    AS is_locked
FROM organizations AS o
WHERE o.id = %(organization_id)s AND o.deleted_at IS NULL;

-- name: set_vendor_usage
-- needs: update ai_usage
-- Store the rows of a report, with an audit entry for each vendor that changes. A column that a row
-- does not name stays. A row that has nothing left is removed. Returns each row's result.
WITH given AS MATERIALIZED (
    SELECT r.place, r.vendor, r.account, r.model, r.day, r.has_tokens, r.tokens, r.has_requests,
        r.requests, r.has_cost, r.cost_micros
    FROM organizations AS o
    CROSS JOIN jsonb_to_recordset(%(rows)s::jsonb) AS r (
        place bigint, vendor text, account text, model text, day date, has_tokens boolean,
        tokens jsonb, has_requests boolean, requests bigint, has_cost boolean, cost_micros numeric
    )
    WHERE o.id = %(organization_id)s AND o.deleted_at IS NULL
),
merged AS MATERIALIZED (
    SELECT g.place, g.vendor, g.account, g.model, g.day, v.vendor IS NOT NULL AS was_there,
        n.tokens, n.requests, n.cost_micros,
        v.tokens AS old_tokens, v.requests AS old_requests, v.cost_micros AS old_cost_micros,
        CASE WHEN num_nonnulls(n.tokens, n.requests) > 0 THEN
            CASE WHEN g.has_tokens OR g.has_requests THEN now() ELSE v.usage_reported_at END
        END AS usage_reported_at,
        CASE WHEN n.cost_micros IS NOT NULL THEN
            CASE WHEN g.has_cost THEN now() ELSE v.cost_reported_at END
        END AS cost_reported_at,
        CASE
            WHEN (n.tokens, n.requests, n.cost_micros)
                IS NOT DISTINCT FROM (v.tokens, v.requests, v.cost_micros) THEN 'unchanged'
            WHEN num_nonnulls(n.tokens, n.requests, n.cost_micros) = 0 THEN 'removed'
            WHEN v.vendor IS NULL THEN 'created'
            ELSE 'replaced'
        END AS status
    FROM given AS g
    LEFT JOIN ai_vendor_usage AS v ON v.organization_id = %(organization_id)s AND v.day = g.day
        AND v.vendor = g.vendor AND v.account = g.account AND v.model = g.model
    CROSS JOIN LATERAL (
        SELECT CASE WHEN g.has_tokens THEN nullif(g.tokens, 'null') ELSE v.tokens END AS tokens,
            CASE WHEN g.has_requests THEN g.requests ELSE v.requests END AS requests,
            CASE WHEN g.has_cost THEN g.cost_micros ELSE v.cost_micros END AS cost_micros
    ) AS n
),
written AS (
    INSERT INTO ai_vendor_usage (
        organization_id, day, vendor, account, model, tokens, requests, cost_micros,
        usage_reported_at, cost_reported_at
    )
    SELECT %(organization_id)s, m.day, m.vendor, m.account, m.model, m.tokens, m.requests,
        m.cost_micros, m.usage_reported_at, m.cost_reported_at
    FROM merged AS m
    WHERE num_nonnulls(m.tokens, m.requests, m.cost_micros) > 0
    ON CONFLICT (organization_id, day, vendor, account, model) DO UPDATE
    SET tokens = excluded.tokens, requests = excluded.requests,
        cost_micros = excluded.cost_micros, usage_reported_at = excluded.usage_reported_at,
        cost_reported_at = excluded.cost_reported_at
),
gone AS (
    DELETE FROM ai_vendor_usage AS v
    USING merged AS m
    WHERE m.status = 'removed' AND v.organization_id = %(organization_id)s AND v.day = m.day
        AND v.vendor = m.vendor AND v.account = m.account AND v.model = m.model
),
audited AS (
    SELECT CASE
            WHEN bool_and(m.status = 'created') THEN 'create'
            WHEN bool_and(m.status = 'removed') THEN 'delete'
            ELSE 'update'
        END AS action,
        'ai_vendor_usage' AS resource_type, m.vendor AS resource_id,
        %(organization_id)s::uuid AS organization_id, NULL::uuid AS group_id,
        NULL::uuid AS user_id,
        CASE WHEN bool_or(m.was_there) THEN jsonb_build_object(
            'vendor', m.vendor, 'first_day', min(m.day), 'last_day', max(m.day),
            'rows', count(*) FILTER (WHERE m.was_there), 'requests', sum(m.old_requests),
            'tokens', sum(ai_vendor_tokens(m.old_tokens)),
            'cost_usd', trim_scale(sum(m.old_cost_micros) * 0.000001)::text
        ) END AS before,
        CASE WHEN bool_or(m.status <> 'removed') THEN jsonb_build_object(
            'vendor', m.vendor, 'first_day', min(m.day), 'last_day', max(m.day),
            'rows', count(*) FILTER (WHERE m.status <> 'removed'), 'requests', sum(m.requests),
            'tokens', sum(ai_vendor_tokens(m.tokens)),
            'cost_usd', trim_scale(sum(m.cost_micros) * 0.000001)::text
        ) END AS after
    FROM merged AS m
    WHERE m.status <> 'unchanged'
    GROUP BY m.vendor
),
entries AS (
    -- include: audit_entries
)
SELECT m.status, m.vendor, nullif(m.account, '') AS account, nullif(m.model, '') AS model, m.day
FROM merged AS m
ORDER BY m.place;
