-- name: list_model_aliases
-- needs: read ai_model_price
-- Return aliases, sorted by provider and model. One row more than a page shows that another page
-- exists.
SELECT a.provider, a.model,
    CASE WHEN NOT a.free THEN
        jsonb_build_object('provider', a.target_provider, 'model', a.target_model)
    END AS target,
    a.free, a.created_at, a.updated_at
FROM ai_model_aliases AS a
WHERE NOT a.removed
    AND (%(provider)s::text IS NULL OR lower(a.provider) = lower(%(provider)s::text COLLATE "C"))
    AND (
        %(after_provider)s::text IS NULL
        OR (a.provider, a.model) > (%(after_provider)s::text, %(after_model)s::text)
    )
ORDER BY a.provider, a.model
LIMIT %(limit)s::bigint;

-- name: set_model_alias
-- needs: update ai_model_price
-- Create or replace an alias, with its audit entry, unless something forbids it. Return the alias,
-- or what forbids it. The target is the row whose price the name has now. The price book is
-- locked, so the entries of an alias form a chain, and no other alias comes in between. A new
-- target has a new `change_id`, which RerateUsage looks for.
WITH asked AS (
    SELECT %(provider)s COLLATE "C" AS provider, %(model)s COLLATE "C" AS model,
        %(target_provider)s::text COLLATE "C" AS target_provider,
        %(target_model)s::text COLLATE "C" AS target_model, %(free)s::boolean AS free
),
candidates AS (
    SELECT c.of_target, c.provider COLLATE "C" AS provider, c.model COLLATE "C" AS model,
        c.is_sellers, c.rank
    FROM unnest(
        %(of_target)s::boolean [], %(providers)s::text [], %(models)s::text [],
        %(are_sellers)s::boolean []
    ) WITH ORDINALITY AS c (of_target, provider, model, is_sellers, rank)
),
priced AS (
    SELECT DISTINCT ON (c.of_target) c.of_target, p.provider, p.model,
        c.is_sellers AND p.source = 'custom' AS is_first
    FROM candidates AS c
    CROSS JOIN LATERAL (
        SELECT DISTINCT v.provider, v.model
        FROM ai_model_price_versions AS v
        WHERE lower(v.provider) = lower(c.provider) AND lower(v.model) = lower(c.model)
    ) AS known
    CROSS JOIN LATERAL (
        SELECT v.provider, v.model, v.source FROM ai_model_prices_at(now()) AS v
        WHERE v.provider = known.provider AND v.model = known.model
        ORDER BY v.source
        LIMIT 1
    ) AS p
    ORDER BY c.of_target, is_first DESC, c.rank, p.provider <> c.provider OR p.model <> c.model,
        p.provider, p.model
),
before AS (
    SELECT a.provider, a.model, a.target_provider, a.target_model, a.free, a.updated_at
    FROM ai_model_aliases AS a
    JOIN asked ON lower(a.provider) = lower(asked.provider)
        AND lower(a.model) = lower(asked.model)
    WHERE NOT a.removed
),
checked AS (
    SELECT asked.provider, asked.model, target.provider AS target_provider,
        target.model AS target_model, asked.free,
        replaced.provider || '/' || replaced.model AS replaces,
        coalesce(replaced.is_first, false) AS gives_way,
        coalesce(
            (lower(asked.provider), lower(asked.model)) IN (
                (lower(target.provider), lower(target.model)),
                (lower(asked.target_provider), lower(asked.target_model))
            ),
            false
        ) AS is_circular,
        (
            SELECT a.provider || '/' || a.model FROM ai_model_aliases AS a
            WHERE NOT a.removed AND (lower(a.provider), lower(a.model)) IN (
                (lower(target.provider), lower(target.model)),
                (lower(asked.target_provider), lower(asked.target_model))
            )
            LIMIT 1
        ) AS target_alias,
        (
            SELECT a.provider || '/' || a.model FROM ai_model_aliases AS a
            WHERE lower(a.target_provider) = lower(asked.provider)
                AND lower(a.target_model) = lower(asked.model)
            LIMIT 1
        ) AS led_here
    FROM asked
    LEFT JOIN priced AS target ON target.of_target
    LEFT JOIN priced AS replaced ON NOT replaced.of_target
),
written AS (
    INSERT INTO ai_model_aliases AS a (
        provider, model, target_provider, target_model, free, created_at, updated_at
    )
    SELECT c.provider, c.model, c.target_provider, c.target_model, c.free, moment.now, moment.now
    FROM checked AS c
    CROSS JOIN (SELECT clock_timestamp() AS now OFFSET 0) AS moment
    LEFT JOIN before ON true
    WHERE (c.free OR c.target_model IS NOT NULL) AND NOT c.is_circular
        AND c.target_alias IS NULL AND c.led_here IS NULL
        AND (%(confirm)s OR NOT (c.free OR c.replaces IS NOT NULL))
        -- include: precondition
    ON CONFLICT (lower(provider), lower(model)) DO UPDATE
    SET target_provider = excluded.target_provider, target_model = excluded.target_model,
        free = excluded.free, removed = false,
        change_id = CASE
            WHEN (a.target_provider, a.target_model, a.free, a.removed) IS DISTINCT FROM
                (excluded.target_provider, excluded.target_model, excluded.free, false)
                THEN excluded.change_id
            ELSE a.change_id
        END,
        created_at = CASE WHEN a.removed THEN excluded.created_at ELSE a.created_at END,
        updated_at = greatest(excluded.updated_at, a.updated_at + interval '1 microsecond')
    RETURNING a.provider, a.model, a.target_provider, a.target_model, a.free, a.created_at,
        a.updated_at
),
audited AS (
    SELECT CASE WHEN before.updated_at IS NULL THEN 'create' ELSE 'update' END AS action,
        'ai_model_alias' AS resource_type, w.provider || '/' || w.model AS resource_id,
        NULL::uuid AS organization_id, NULL::uuid AS group_id, NULL::uuid AS user_id,
        CASE WHEN before.updated_at IS NOT NULL THEN jsonb_build_object(
            'provider', before.target_provider, 'model', before.target_model, 'free', before.free
        ) END AS before,
        jsonb_build_object(
            'provider', w.target_provider, 'model', w.target_model, 'free', w.free
        ) AS after
    FROM written AS w
    LEFT JOIN before ON true
),
entries AS (
    -- include: audit_entries
)
SELECT c.free OR c.target_model IS NOT NULL AS is_priced, c.is_circular, c.target_alias, c.led_here,
    c.replaces, c.gives_way,
    CASE WHEN w.provider IS NOT NULL THEN jsonb_build_object(
        'provider', w.provider, 'model', w.model,
        'target', CASE WHEN NOT w.free THEN
            jsonb_build_object('provider', w.target_provider, 'model', w.target_model)
        END,
        'free', w.free, 'created_at', w.created_at, 'updated_at', w.updated_at
    ) END AS alias
FROM checked AS c
LEFT JOIN written AS w ON true;

-- name: remove_model_alias
-- needs: update ai_model_price
-- Remove an alias, with its audit entry, unless the precondition forbids it. Return whether it is
-- gone; no row: there was none.
WITH before AS (
    SELECT a.provider, a.model, a.target_provider, a.target_model, a.free, a.updated_at
    FROM ai_model_aliases AS a
    WHERE lower(a.provider) = lower(%(provider)s COLLATE "C")
        AND lower(a.model) = lower(%(model)s COLLATE "C") AND NOT a.removed
),
written AS (
    UPDATE ai_model_aliases AS a
    SET removed = true, free = false, target_provider = NULL, target_model = NULL,
        change_id = DEFAULT,
        updated_at = greatest(clock_timestamp(), a.updated_at + interval '1 microsecond')
    FROM before
    WHERE a.provider = before.provider AND a.model = before.model
        -- include: precondition
    RETURNING a.provider, a.model
),
audited AS (
    SELECT 'delete' AS action, 'ai_model_alias' AS resource_type,
        w.provider || '/' || w.model AS resource_id, NULL::uuid AS organization_id,
        NULL::uuid AS group_id, NULL::uuid AS user_id,
        jsonb_build_object(
            'provider', b.target_provider, 'model', b.target_model, 'free', b.free
        ) AS before,
        NULL::jsonb AS after
    FROM written AS w
    CROSS JOIN before AS b
),
entries AS (
    -- include: audit_entries
)
SELECT EXISTS (SELECT FROM written) AS removed
FROM before;
