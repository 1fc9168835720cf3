-- name: find_prices_below
-- needs: update ai_model_price
-- Return the price of the book that each custom price is laid over, at the time of the custom
-- price, and whether the model has any price at all. `place` counts from 0.
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
below AS (
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
SELECT s.place, b.provider, b.model, b.terms,
    s.place IN (SELECT k.place FROM known AS k) AS is_known
FROM stated AS s
LEFT JOIN below AS b ON b.place = s.place
ORDER BY s.place;
