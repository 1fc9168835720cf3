-- name: list_model_prices
-- needs: read ai_model_price
-- Return model prices at a time, sorted by provider, model and source: those in effect, of one
-- source, or all. A null limit returns all. One row more than a page shows that another page
-- exists.
SELECT p.provider, p.model, p.source, p.input_price, p.output_price, p.cache_read_price,
    p.cache_write_price, p.cache_write_1h_price, p.unit_prices, p.tiers, p.variants,
    nullif(p.effective_from, '-infinity') AS effective_from,
    CASE WHEN p.withdrawn THEN p.effective_from END AS withdrawn_at,
    p.recorded_at, p.sources, p.origin
FROM ai_model_prices_at(coalesce(%(at)s::timestamptz, now())) AS p
WHERE (%(provider)s::text IS NULL OR p.provider = %(provider)s::text)
    AND (%(model)s::text IS NULL OR p.model = %(model)s::text)
    AND (%(sources)s::text [] IS NULL OR p.source = ANY(%(sources)s::text []))
    AND (
        %(after_provider)s::text IS NULL
        OR (p.provider, p.model, p.source)
        > (%(after_provider)s::text, %(after_model)s::text, %(after_source)s::text COLLATE "C")
    )
    AND (
        %(sources)s::text [] IS NOT NULL
        OR p.source = 'custom'
        OR NOT EXISTS (
            SELECT 1 FROM ai_model_prices_at(coalesce(%(at)s::timestamptz, now())) AS other
            WHERE other.provider = p.provider AND other.model = p.model AND other.source = 'custom'
        )
    )
ORDER BY p.provider, p.model, p.source
LIMIT %(limit)s::bigint;

-- name: resolve_model_price
-- needs: read ai_model_price
-- Return the price in effect at a time for each candidate name of a model as sent, most likely
-- first. Names match in any case; an exact match comes first. The last row is the alias of the
-- name, if it has one, with the price of its target. `find_usage_prices` looks up usage by the same
-- rule.
WITH names AS (
    SELECT 0 AS place, %(provider)s COLLATE "C" AS provider, %(model)s COLLATE "C" AS model
),
candidates AS (
    SELECT c.provider, c.model, c.rule, c.rank
    FROM unnest(%(providers)s::text [], %(models)s::text [], %(rules)s::text [])
        WITH ORDINALITY AS c (provider, model, rule, rank)
),
known AS (
    SELECT c.rank, v.provider, v.model,
        CASE WHEN v.provider = c.provider AND v.model = c.model THEN c.rule
            ELSE c.rule || '; upper and lower case' END AS rule,
        row_number() OVER (
            ORDER BY c.rank, v.provider <> c.provider OR v.model <> c.model, v.provider, v.model
        ) AS place
    FROM candidates AS c
    CROSS JOIN LATERAL (
        SELECT DISTINCT each.provider, each.model
        FROM ai_model_price_versions AS each
        WHERE lower(each.provider) = lower(c.provider COLLATE "C")
            AND lower(each.model) = lower(c.model COLLATE "C")
    ) AS v
),
aliases AS (
    -- include: aliases_of_names
),
considered AS (
    SELECT c.rank, k.place, coalesce(k.provider, c.provider) AS provider,
        coalesce(k.model, c.model) AS model, coalesce(k.rule, c.rule) AS rule,
        lower(coalesce(k.provider, c.provider) COLLATE "C") = lower(n.provider)
        AND lower(coalesce(k.model, c.model) COLLATE "C") = lower(n.model) AS is_sent,
        NULL::jsonb AS alias, false AS is_pattern
    FROM candidates AS c
    CROSS JOIN names AS n
    LEFT JOIN known AS k ON k.rank = c.rank
    UNION ALL
    SELECT NULL, NULL, coalesce(a.target_provider, a.provider), coalesce(a.target_model, a.model),
        'the alias ' || a.provider || '/' || a.model, false,
        jsonb_build_object(
            'provider', a.provider, 'model', a.model, 'free', a.free,
            'target', CASE WHEN NOT a.free THEN
                jsonb_build_object('provider', a.target_provider, 'model', a.target_model)
            END
        ),
        a.is_pattern
    FROM aliases AS a
)
SELECT c.provider, c.model, c.rule, c.is_sent, c.alias, c.is_pattern,
    CASE WHEN p.id IS NOT NULL THEN ai_model_price_terms(p.version) || jsonb_build_object(
        'provider', p.provider, 'model', p.model, 'source', p.source,
        'effective_from', nullif(p.effective_from, '-infinity'),
        'withdrawn_at', CASE WHEN p.withdrawn THEN p.effective_from END,
        'recorded_at', p.recorded_at, 'sources', p.sources, 'origin', p.origin
    ) END AS price
FROM considered AS c
LEFT JOIN LATERAL (
    SELECT v.id, v.provider, v.model, v.source, v.effective_from, v.withdrawn, v.recorded_at,
        v.sources, v.origin, v AS version
    FROM ai_model_prices_at(coalesce(%(at)s::timestamptz, now())) AS v
    WHERE v.provider = c.provider AND v.model = c.model
        AND (c.alias ->> 'free')::boolean IS NOT TRUE
    ORDER BY v.source
    LIMIT 1
) AS p ON true
ORDER BY c.rank NULLS LAST, c.place;

-- name: set_custom_prices
-- needs: update ai_model_price
-- Store each custom price as a new version, with its audit entry, unless the same is in effect at
-- its time. A price without a time applies from now on, or always if it is the first of its model.
-- Return the number of changes.
WITH moment AS (SELECT clock_timestamp() AS now OFFSET 0),
given AS (
    SELECT g.provider, g.model, g.input_price, g.output_price, g.cache_read_price,
        g.cache_write_price, g.cache_write_1h_price, g.unit_prices, g.tiers, g.variants,
        coalesce(
            g.effective_from, CASE WHEN known.is_known THEN moment.now ELSE '-infinity' END
        ) AS starts
    FROM jsonb_to_recordset(%(prices)s::jsonb -> 'prices') AS g (
        provider text, model text, effective_from timestamptz, input_price bigint,
        output_price bigint, cache_read_price bigint, cache_write_price bigint,
        cache_write_1h_price bigint, unit_prices jsonb, tiers jsonb, variants jsonb
    )
    CROSS JOIN moment
    CROSS JOIN LATERAL (
        SELECT EXISTS (
            SELECT 1 FROM ai_model_price_versions AS v
            WHERE v.provider = g.provider AND v.model = g.model
        ) AS is_known
    ) AS known
),
stated AS (
    SELECT g.provider, g.model, g.input_price, g.output_price, g.cache_read_price,
        g.cache_write_price, g.cache_write_1h_price, g.unit_prices, g.tiers, g.variants, g.starts,
        jsonb_build_object(
            'input_price', g.input_price, 'output_price', g.output_price,
            'cache_read_price', g.cache_read_price, 'cache_write_price', g.cache_write_price,
            'cache_write_1h_price', g.cache_write_1h_price, 'unit_prices', g.unit_prices,
            'tiers', g.tiers, 'variants', g.variants
        ) AS terms
    FROM given AS g
),
changed AS (
    SELECT s.provider, s.model, s.input_price, s.output_price, s.cache_read_price,
        s.cache_write_price, s.cache_write_1h_price, s.unit_prices, s.tiers, s.variants, s.starts,
        b.terms AS before
    FROM stated AS s
    LEFT JOIN LATERAL (
        SELECT e.terms FROM (
            SELECT v.effective_from AS starts, v.id,
                CASE WHEN NOT v.removed THEN ai_model_price_terms(v) END AS terms
            FROM ai_model_price_versions AS v
            WHERE v.provider = s.provider AND v.model = s.model AND v.source = 'custom'
                AND v.effective_from <= s.starts
            UNION ALL
            SELECT o.starts, NULL, o.terms FROM stated AS o
            WHERE o.provider = s.provider AND o.model = s.model AND o.starts < s.starts
        ) AS e
        ORDER BY e.starts DESC, e.id DESC NULLS FIRST
        LIMIT 1
    ) AS b ON true
    WHERE b.terms IS DISTINCT FROM s.terms
),
written AS (
    INSERT INTO ai_model_price_versions AS w (
        provider, model, source, effective_from, input_price, output_price, cache_read_price,
        cache_write_price, cache_write_1h_price, unit_prices, tiers, variants, origin
    )
    SELECT c.provider, c.model, 'custom', c.starts, c.input_price, c.output_price,
        c.cache_read_price, c.cache_write_price, c.cache_write_1h_price, c.unit_prices, c.tiers,
        c.variants, %(actor_name)s
    FROM changed AS c
    ORDER BY c.provider, c.model, c.starts
    RETURNING w.provider, w.model, w.effective_from, ai_model_price_terms(w) AS terms
),
audited AS (
    SELECT CASE WHEN c.before IS NULL THEN 'create' ELSE 'update' END AS action,
        'ai_model_price' AS resource_type, w.provider || '/' || w.model AS resource_id,
        NULL::uuid AS organization_id, NULL::uuid AS group_id, NULL::uuid AS user_id, c.before,
        w.terms || jsonb_build_object(
            'source', 'custom', 'effective_from', nullif(w.effective_from, '-infinity')
        ) AS after
    FROM written AS w
    JOIN changed AS c ON c.provider = w.provider AND c.model = w.model
        AND c.starts = w.effective_from
    ORDER BY w.provider, w.model, w.effective_from
),
entries AS (
    -- include: audit_entries
)
SELECT count(*) AS changed FROM written;

-- name: remove_custom_price
-- needs: update ai_model_price
-- End the custom price of a model from now on, and its scheduled ones. The default price applies
-- again. Earlier versions stay, and each change has its audit entry. Return the number of ended
-- versions; 0 without a custom price.
WITH moment AS (SELECT clock_timestamp() AS now OFFSET 0),
ended AS (
    SELECT starts.at, p.effective_from, ai_model_price_terms(p.version) AS before
    FROM moment
    CROSS JOIN LATERAL (
        SELECT moment.now AS at
        UNION
        SELECT v.effective_from FROM ai_model_price_versions AS v
        WHERE v.provider = %(provider)s AND v.model = %(model)s AND v.source = 'custom'
            AND v.effective_from > moment.now
    ) AS starts
    JOIN LATERAL (
        SELECT v AS version, v.effective_from FROM ai_model_prices_at(starts.at) AS v
        WHERE v.provider = %(provider)s AND v.model = %(model)s AND v.source = 'custom'
    ) AS p ON true
),
written AS (
    INSERT INTO ai_model_price_versions (provider, model, source, effective_from, removed, origin)
    SELECT %(provider)s, %(model)s, 'custom', e.at, true, %(actor_name)s
    FROM ended AS e
    ORDER BY e.at
    RETURNING 1
),
audited AS (
    SELECT 'delete' AS action, 'ai_model_price' AS resource_type,
        %(provider)s || '/' || %(model)s::text AS resource_id,
        NULL::uuid AS organization_id, NULL::uuid AS group_id, NULL::uuid AS user_id,
        e.before || jsonb_build_object(
            'source', 'custom', 'effective_from', nullif(e.effective_from, '-infinity')
        ) AS before,
        NULL::jsonb AS after
    FROM ended AS e
    ORDER BY e.at
),
entries AS (
    -- include: audit_entries
)
SELECT count(*) AS changed FROM written;

-- name: lock_price_book
-- needs: update ai_model_price
-- Lock the price book: the first statement of a batch that changes prices. Other writers wait here,
-- so the next statement's snapshot includes their writes. Return the location and entity tag of the
-- last book.
SELECT b.location, b.etag
FROM ai_price_book AS b
FOR NO KEY UPDATE;
