-- name: get_ai_policy
-- needs: read group %(organization_id)s
-- Return the policy of an organization; no row: it has the default of the deployment.
SELECT p.organization_id, p.unpriced, p.assumed_input_price, p.assumed_output_price, p.created_at,
    p.updated_at
FROM ai_policies AS p
WHERE p.organization_id = %(organization_id)s;

-- name: lock_ai_policy
-- needs: update group %(organization_id)s
-- Lock the policy of an organization, even if it has none yet: the first statement of a batch that
-- changes it. The next statement takes its own snapshot and sees what the writers before it left.
-- No row: the organization is gone.
SELECT pg_advisory_xact_lock(hashtextextended('ai_policies ' || o.id::text, 0)) IS NOT NULL
    AS is_locked
FROM organizations AS o
WHERE o.id = %(organization_id)s AND o.deleted_at IS NULL;

-- name: set_ai_policy
-- needs: update group %(organization_id)s
-- Create or replace the locked policy of an organization, with its audit entry. No row: the
-- precondition forbids it, or the organization is gone.
WITH before AS (
    SELECT p.updated_at, ai_policy_terms(p) AS terms
    FROM ai_policies AS p
    WHERE p.organization_id = %(organization_id)s
),
written AS (
    INSERT INTO ai_policies AS p (
        organization_id, unpriced, assumed_input_price, assumed_output_price, created_at, updated_at
    )
    SELECT o.id, %(unpriced)s, %(assumed_input_price)s, %(assumed_output_price)s, moment.now,
        moment.now
    FROM organizations AS o
    CROSS JOIN (SELECT clock_timestamp() AS now OFFSET 0) AS moment
    LEFT JOIN before ON true
    WHERE o.id = %(organization_id)s AND o.deleted_at IS NULL
        -- include: precondition
    ON CONFLICT (organization_id) DO UPDATE
    SET unpriced = excluded.unpriced, assumed_input_price = excluded.assumed_input_price,
        assumed_output_price = excluded.assumed_output_price,
        updated_at = greatest(excluded.updated_at, p.updated_at + interval '1 microsecond')
    RETURNING p.organization_id, p.unpriced, p.assumed_input_price, p.assumed_output_price,
        p.created_at, p.updated_at, ai_policy_terms(p) AS terms
),
audited AS (
    SELECT CASE WHEN before.updated_at IS NULL THEN 'create' ELSE 'update' END AS action,
        'ai_policy' AS resource_type, w.organization_id::text AS resource_id, w.organization_id,
        NULL::uuid AS group_id, NULL::uuid AS user_id, before.terms AS before, w.terms AS after
    FROM written AS w
    LEFT JOIN before ON true
),
entries AS (
    -- include: audit_entries
)
SELECT w.organization_id, w.unpriced, w.assumed_input_price, w.assumed_output_price, w.created_at,
    w.updated_at
FROM written AS w;
