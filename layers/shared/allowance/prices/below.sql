-- name: find_prices_below
-- needs: update ai_model_price
-- Return what each custom price is laid over, at the time of the custom price: what an alias of the
-- very name leads to, else the price of the book, which is the base, else what a pattern leads to.
-- Also the spelling under which the name has prices, and whether the model has any price at all, by
-- an alias too.
-- `place` counts from 0.
WITH stated AS (
    SELECT s.n - 1 AS place, s.provider COLLATE "C" AS provider, s.model COLLATE "C" AS model,
        s.effective_from
    FROM unnest(
        %(stated_providers)s::text [], %(stated_models)s::text [],
        %(effective_froms)s::timestamptz []
    ) WITH ORDINALITY AS s (provider, model, effective_from, n)
),
known AS (
    SELECT c.place, v.provider, v.model,
        row_number() OVER (
            PARTITION BY c.place
            ORDER BY c.rank, v.provider <> c.provider OR v.model <> c.model, v.provider, v.model
        ) AS rank
    FROM unnest(%(places)s::bigint [], %(providers)s::text [], %(models)s::text [])
        WITH ORDINALITY AS c (place, provider, model, rank)
    CROSS JOIN LATERAL (
        SELECT DISTINCT each.provider, each.model
        FROM ai_model_price_versions AS each
        WHERE lower(each.provider) = lower(c.provider COLLATE "C")
            AND lower(each.model) = lower(c.model COLLATE "C")
    ) AS v
),
aliases AS (
    SELECT a.place, a.provider, a.model, a.target_provider, a.target_model, a.free, a.is_pattern
    FROM stated AS s
    CROSS JOIN LATERAL ai_aliases_of_names(ARRAY[s.place], ARRAY[s.provider], ARRAY[s.model]) AS a
),
spelled AS (
    SELECT DISTINCT ON (s.place) s.place, v.provider, v.model
    FROM stated AS s
    JOIN ai_model_price_versions AS v ON lower(v.provider) = lower(s.provider)
        AND lower(v.model) = lower(s.model)
    -- The last word counts for all spellings, so a custom price replaces the one that is there.
    ORDER BY s.place, v.source, v.provider <> s.provider OR v.model <> s.model, v.provider, v.model
),
base AS (
    SELECT DISTINCT ON (k.place) k.place, k.provider, k.model, b.terms
    FROM known AS k
    JOIN stated AS s ON s.place = k.place
    CROSS JOIN LATERAL (
        SELECT ai_model_price_terms(v) AS terms
        FROM ai_model_prices_at(coalesce(s.effective_from, clock_timestamp())) AS v
        WHERE v.provider = k.provider AND v.model = k.model AND v.source = 'default'
    ) AS b
    ORDER BY k.place, k.rank
)
SELECT s.place, coalesce(n.provider, s.provider) AS spelled_provider,
    coalesce(n.model, s.model) AS spelled_model, b.provider AS base_provider,
    b.model AS base_model, CASE WHEN is_aliased THEN t.provider ELSE b.provider END AS provider,
    CASE WHEN is_aliased THEN t.model ELSE b.model END AS model,
    CASE WHEN is_aliased THEN t.terms ELSE b.terms END AS terms,
    s.place IN (SELECT k.place FROM known AS k) OR coalesce(a.free, false) OR t.terms IS NOT NULL
        AS is_known
FROM stated AS s
LEFT JOIN spelled AS n ON n.place = s.place
LEFT JOIN base AS b ON b.place = s.place
LEFT JOIN aliases AS a ON a.place = s.place
LEFT JOIN LATERAL (
    SELECT v.provider, v.model, ai_model_price_terms(v) AS terms
    FROM ai_model_prices_at(coalesce(s.effective_from, clock_timestamp())) AS v
    WHERE v.provider = a.target_provider AND v.model = a.target_model
    ORDER BY v.source
    LIMIT 1
) AS t ON true
CROSS JOIN LATERAL (
    SELECT coalesce(NOT a.is_pattern, false) OR (a.is_pattern AND b.provider IS NULL) AS is_aliased
) AS which
ORDER BY s.place;
