-- name: list_held_changes
-- needs: update ai_model_price
-- Return the changes that wait for an owner, with the terms in effect and the proposed terms. One
-- row more than a page shows that another page exists.
SELECT h.id, h.provider, h.model, h.effective_from, h.before, h.proposed, h.reasons, h.by_source,
    h.sources, h.origin, h.created_at
FROM ai_model_price_changes_held AS h
WHERE h.decision IS NULL
    AND (%(provider)s::text IS NULL OR lower(h.provider) = lower(%(provider)s::text COLLATE "C"))
    AND (%(model)s::text IS NULL OR lower(h.model) = lower(%(model)s::text COLLATE "C"))
    AND (
        %(after_id)s::uuid IS NULL
        OR (h.provider, h.model, h.created_at, h.id)
        > (
            SELECT a.provider, a.model, a.created_at, a.id
            FROM ai_model_price_changes_held AS a WHERE a.id = %(after_id)s::uuid
        )
    )
ORDER BY h.provider, h.model, h.created_at, h.id
LIMIT %(limit)s + 1;

-- name: decide_held_change
-- needs: update ai_model_price
-- Approve or reject a waiting change, with its audit entries. An approval creates a version from
-- the change's own time, or else from now on. It supersedes the model's other proposals for that
-- time. Return whether this request decided it, and any earlier decision. No row: no such change.
WITH moment AS (SELECT clock_timestamp() AS now OFFSET 0),
asked AS (
    SELECT h.id, h.provider, h.model, h.effective_from, h.proposed, h.sources, h.in_book,
        h.decision, h.decided_at, h.decided_by_name, ai_model_price_terms(p.version) AS before,
        s.starts
    FROM ai_model_price_changes_held AS h
    CROSS JOIN moment
    CROSS JOIN LATERAL (
        SELECT
            CASE
                -- Not before the price that the proposal was compared with. Later approved or
                -- applied versions stay in place.
                WHEN h.effective_from IS NOT NULL THEN greatest(h.effective_from, (
                    SELECT v.effective_from FROM ai_model_price_versions AS v
                    WHERE v.provider = h.provider AND v.model = h.model AND v.source = 'default'
                        AND v.effective_from <= greatest(h.effective_from, h.created_at)
                        AND v.recorded_at <= h.created_at
                    ORDER BY v.effective_from DESC, v.id DESC
                    LIMIT 1
                ))
                WHEN EXISTS (
                    SELECT 1 FROM ai_model_prices_at(moment.now) AS v
                    WHERE v.provider = h.provider AND v.model = h.model AND v.source = 'default'
                ) THEN moment.now
                ELSE '-infinity'
            END AS starts
    ) AS s
    LEFT JOIN LATERAL (
        SELECT v AS version FROM ai_model_prices_at(s.starts) AS v
        WHERE v.provider = h.provider AND v.model = h.model AND v.source = 'default'
    ) AS p ON true
    WHERE h.id = %(held_id)s
),
decided AS (
    UPDATE ai_model_price_changes_held AS h
    SET decision = CASE WHEN h.id = a.id THEN %(decision)s ELSE 'superseded' END,
        decided_at = moment.now, decided_by = %(actor_id)s, decided_by_name = %(actor_name)s
    FROM asked AS a
    CROSS JOIN moment
    WHERE a.decision IS NULL AND h.decision IS NULL
        AND (h.id = a.id OR (
            %(decision)s = 'approved' AND h.provider = a.provider AND h.model = a.model
            AND h.effective_from IS NOT DISTINCT FROM a.effective_from
        ))
    RETURNING h.id
),
written AS (
    INSERT INTO ai_model_price_versions AS w (
        provider, model, source, effective_from, input_price, output_price, cache_read_price,
        cache_write_price, cache_write_1h_price, unit_prices, tiers, variants, in_book, sources,
        origin
    )
    SELECT a.provider, a.model, 'default', a.starts, (a.proposed ->> 'input_price')::bigint,
        (a.proposed ->> 'output_price')::bigint, (a.proposed ->> 'cache_read_price')::bigint,
        (a.proposed ->> 'cache_write_price')::bigint,
        (a.proposed ->> 'cache_write_1h_price')::bigint, a.proposed -> 'unit_prices',
        a.proposed -> 'tiers', a.proposed -> 'variants', a.in_book, a.sources,
        'held change ' || a.id || ', approved by ' || %(actor_name)s
    FROM asked AS a
    WHERE a.decision IS NULL AND %(decision)s = 'approved'
    RETURNING w.effective_from
),
audited AS (
    SELECT e.action, e.resource_type, e.resource_id, NULL::uuid AS organization_id,
        NULL::uuid AS group_id, NULL::uuid AS user_id, e.before, e.after
    FROM asked AS a
    CROSS JOIN LATERAL (
        SELECT 1 AS n, 'update' AS action, 'ai_model_price_change' AS resource_type,
            a.id::text AS resource_id, jsonb_build_object('decision', NULL) AS before,
            jsonb_build_object(
                'decision', %(decision)s::text, 'provider', a.provider, 'model', a.model,
                'proposed', a.proposed
            ) AS after
        UNION ALL
        SELECT 2, CASE WHEN a.before IS NULL THEN 'create' ELSE 'update' END, 'ai_model_price',
            a.provider || '/' || a.model, a.before,
            a.proposed || jsonb_build_object(
                'source', 'default', 'effective_from', nullif(w.effective_from, '-infinity')
            )
        FROM written AS w
    ) AS e
    WHERE a.decision IS NULL
    ORDER BY e.n
),
entries AS (
    -- include: audit_entries
)
SELECT a.decision IS NULL AS done, a.decision, a.decided_at, a.decided_by_name
FROM asked AS a;

-- name: lock_price_book
-- needs: update ai_model_price
-- Lock the price book: the first statement of a batch that changes prices. Other writers wait here,
-- so the next statement's snapshot includes their writes. Return the location and entity tag of the
-- last book.
SELECT b.location, b.etag
FROM ai_price_book AS b
FOR NO KEY UPDATE;
