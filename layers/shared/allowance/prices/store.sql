-- fragment: listed_model_prices
    -- Model prices at a time: those in effect, of one source, or all. A null limit returns all. One
    -- row more than a page shows that another page exists.
    SELECT p.provider, p.model, p.source, p.input_price, p.output_price, p.cache_read_price,
        p.cache_write_price, p.cache_write_1h_price, p.unit_prices, p.tiers, p.variants,
        nullif(p.effective_from, '-infinity') AS effective_from,
        CASE WHEN p.withdrawn THEN p.effective_from END AS withdrawn_at,
        p.recorded_at, p.sources, p.origin
    FROM ai_model_prices_at(coalesce(%(at)s::timestamptz, now())) AS p
    WHERE (
            %(provider)s::text IS NULL OR lower(p.provider) = lower(%(provider)s::text COLLATE "C")
        )
        AND (%(model)s::text IS NULL OR lower(p.model) = lower(%(model)s::text COLLATE "C"))
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
                WHERE other.provider = p.provider AND other.model = p.model
                    AND other.source = 'custom'
            )
        )
    ORDER BY p.provider, p.model, p.source
    LIMIT %(limit)s::bigint

-- name: list_model_prices
-- needs: read ai_model_price
-- Return model prices at a time, sorted by provider, model and source.
WITH listed AS (
    -- include: listed_model_prices
)
SELECT l.provider, l.model, l.source, l.input_price, l.output_price, l.cache_read_price,
    l.cache_write_price, l.cache_write_1h_price, l.unit_prices, l.tiers, l.variants,
    l.effective_from, l.withdrawn_at, l.recorded_at, l.sources, l.origin
FROM listed AS l
ORDER BY l.provider, l.model, l.source;

-- name: list_model_prices_of_coder
-- needs: read ai_model_price
-- Return model prices in the shape of Coder's list: with the times of the first version of each
-- source and of the one in effect. No price belongs to a configured provider.
WITH listed AS (
    -- include: listed_model_prices
)
SELECT l.provider, l.model, l.source, l.input_price, l.output_price, l.cache_read_price,
    l.cache_write_price, l.cache_write_1h_price, l.unit_prices, l.tiers, l.variants,
    l.effective_from, l.withdrawn_at, l.recorded_at, l.sources, l.origin,
    NULL AS provider_id, l.recorded_at AS updated_at,
    (
        SELECT min(v.recorded_at) FROM ai_model_price_versions AS v
        WHERE v.provider = l.provider AND v.model = l.model AND v.source = l.source
    ) AS created_at
FROM listed AS l
ORDER BY l.provider, l.model, l.source;

-- name: resolve_model_price
-- needs: read ai_model_price
-- Return the price in effect at a time for each candidate name of a model as sent, most likely
-- first. Names match in any case; an exact match comes first. The last row is the alias of the
-- name, if it has one, with the price of its target. `find_usage_prices` looks up usage by the same
-- rule.
WITH names AS (
    SELECT 0::bigint AS place, %(provider)s COLLATE "C" AS provider, %(model)s COLLATE "C" AS model
),
candidates AS (
    SELECT c.provider, c.model, c.rule, c.is_sellers, c.rank
    FROM unnest(
        %(providers)s::text [], %(models)s::text [], %(rules)s::text [], %(are_sellers)s::boolean []
    ) WITH ORDINALITY AS c (provider, model, rule, is_sellers, rank)
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
    SELECT a.place, a.provider, a.model, a.target_provider, a.target_model, a.free, a.is_pattern
    FROM names AS n
    CROSS JOIN LATERAL ai_aliases_of_names(ARRAY[n.place], ARRAY[n.provider], ARRAY[n.model]) AS a
),
considered AS (
    SELECT c.rank, k.place, coalesce(k.provider, c.provider) AS provider,
        coalesce(k.model, c.model) AS model, coalesce(k.rule, c.rule) AS rule, c.is_sellers,
        NULL::jsonb AS alias, false AS is_pattern
    FROM candidates AS c
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
SELECT c.provider, c.model, c.rule, c.is_sellers, c.alias, c.is_pattern,
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
