-- Why: a custom price says what differs from the price book, and nothing else. So it is laid over
-- the book's price whenever one is read.

-- What a platform charges that sells a model at its maker's price: `on_another_platform` of
-- allowance.prices.terms. A test compares the tools with allowance.prices.units.
CREATE FUNCTION ai_model_price_on_platform(terms jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT terms || jsonb_build_object(
        'unit_prices', (terms -> 'unit_prices') - tools.units,
        'tiers', coalesce(
            (
                SELECT jsonb_agg(
                    t.tier || jsonb_build_object(
                        'unit_prices', coalesce(t.tier -> 'unit_prices', '{}') - tools.units
                    ) ORDER BY t.n
                )
                FROM jsonb_array_elements(terms -> 'tiers') WITH ORDINALITY AS t (tier, n)
            ),
            '[]'
        ),
        'variants', '{}'::jsonb
    )
    FROM (SELECT ARRAY[
        'code_executions', 'file_searches', 'social_searches', 'web_searches'
    ] AS units) AS tools
$$;

-- The prices of a tier or a variant that are stated, laid over those that are not.
CREATE FUNCTION ai_rates_laid_over(p_below jsonb, p_stated jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce(p_below, '{}') || jsonb_strip_nulls(p_stated)
        || jsonb_build_object(
            'unit_prices',
            coalesce(p_below -> 'unit_prices', '{}') || coalesce(p_stated -> 'unit_prices', '{}')
        )
$$;

-- The tiers that are stated, each laid over the one from the same number of tokens.
CREATE FUNCTION ai_tiers_laid_over(p_below jsonb, p_stated jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT jsonb_agg(ai_rates_laid_over(b.tier, s.tier) ORDER BY s.place)
    FROM jsonb_array_elements(p_stated) WITH ORDINALITY AS s (tier, place)
    LEFT JOIN jsonb_array_elements(p_below) AS b (tier)
        ON b.tier -> 'above_input_tokens' = s.tier -> 'above_input_tokens'
$$;

-- The variants that are stated, each laid over its own; without tiers it keeps those. A null takes
-- a variant away.
CREATE FUNCTION ai_variants_laid_over(p_below jsonb, p_stated jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT p_below || jsonb_object_agg(s.name, CASE
        WHEN jsonb_typeof(s.terms) = 'object'
            THEN ai_rates_laid_over(p_below -> s.name, s.terms) || jsonb_build_object(
                'tiers', coalesce(
                    ai_tiers_laid_over(p_below #> ARRAY[s.name, 'tiers'], s.terms -> 'tiers'),
                    p_below #> ARRAY[s.name, 'tiers'], '[]'
                )
            )
        ELSE 'null'
    END)
    FROM jsonb_each(p_stated) AS s (name, terms)
$$;

-- What a custom version names, laid over other terms.
CREATE FUNCTION ai_custom_terms_over(v ai_model_price_versions, below jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT below || coalesce(
        (
            SELECT jsonb_object_agg(n.name, CASE n.name
                WHEN 'tiers' THEN
                    coalesce(ai_tiers_laid_over(below -> 'tiers', v.tiers), '[]')
                ELSE to_jsonb(v) -> n.name
            END)
            FROM unnest(v.named) AS n (name)
        ),
        '{}'
    ) || jsonb_build_object(
        'unit_prices', jsonb_strip_nulls((below -> 'unit_prices') || v.unit_prices),
        'variants', jsonb_strip_nulls(
            coalesce(ai_variants_laid_over(below -> 'variants', v.variants), below -> 'variants')
        )
    )
$$;

-- The same price for each class of text, and none for anything else.
CREATE FUNCTION ai_flat_terms(p_price bigint) RETURNS jsonb
LANGUAGE sql IMMUTABLE
RETURN jsonb_build_object(
    'input_price', p_price, 'output_price', p_price, 'cache_read_price', p_price,
    'cache_write_price', p_price, 'cache_write_1h_price', p_price, 'unit_prices', '{}'::jsonb,
    'tiers', '[]'::jsonb, 'variants', '{}'::jsonb
);

-- The price of the book that a custom version is laid over at a time: of its own name, else of the
-- row that its name means. NULL: there is none.
CREATE FUNCTION ai_book_terms_below(v ai_model_price_versions, as_of timestamptz) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT CASE
        WHEN (b.provider, b.model) <> (v.provider, v.model) AND b.provider = ANY(v.makers)
            THEN ai_model_price_on_platform(ai_model_price_terms(b))
        ELSE ai_model_price_terms(b)
    END
    FROM ai_model_price_rows AS b
    WHERE (b.provider, b.model) IN ((v.provider, v.model), (v.base_provider, v.base_model))
        AND b.source = 'default' AND b.effective_from <= as_of
    ORDER BY b.provider <> v.provider OR b.model <> v.model, b.effective_from DESC, b.id DESC
    LIMIT 1
$$;

-- What the alias of a custom version's name leads to, if it has one, and the price of that row at a
-- time, custom before default. The alias of the very name comes first, then the longest pattern.
-- Aliases of the target do not count: two patterns may lead to each other.
CREATE FUNCTION ai_alias_below(v ai_model_price_versions, as_of timestamptz)
RETURNS TABLE (is_pattern boolean, terms jsonb)
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp ROWS 1 AS $$
    SELECT a.is_pattern, CASE
        WHEN a.free THEN ai_flat_terms(0)
        WHEN a.target_provider = ANY(v.makers) THEN ai_model_price_on_platform(t.terms)
        ELSE t.terms
    END
    FROM (
        SELECT each.target_provider, each.target_model, each.free, each.is_pattern
        FROM ai_aliases_of(v.provider, v.model) AS each
        ORDER BY each.is_pattern, each.length DESC
        LIMIT 1
    ) AS a
    LEFT JOIN LATERAL (
        SELECT CASE
            WHEN b.source = 'custom' THEN ai_custom_terms_over(
                b.version, coalesce(ai_book_terms_below(b.version, as_of), ai_flat_terms(NULL))
            )
            ELSE (SELECT ai_model_price_terms(r) FROM ai_model_price_rows AS r WHERE r.id = b.id)
        END AS terms
        FROM (
            SELECT DISTINCT ON (w.source) w.id, w.source, w.removed, w AS version
            FROM ai_model_price_versions AS w
            WHERE w.provider = a.target_provider AND w.model = a.target_model
                AND w.effective_from <= as_of
            ORDER BY w.source, w.effective_from DESC, w.id DESC
        ) AS b
        WHERE NOT b.removed
        ORDER BY b.source
        LIMIT 1
    ) AS t ON true
$$;

-- The terms of a custom version at a time: what it names, laid over what its name costs without it:
-- the alias of the very name, which is final, else the price of the book, else the longest pattern.
-- Without any of these, they stand alone. This is the only place that lays them over.
CREATE FUNCTION ai_custom_price_terms(v ai_model_price_versions, as_of timestamptz) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT ai_custom_terms_over(
        v,
        coalesce(
            CASE
                WHEN NOT a.is_pattern THEN a.terms
                ELSE coalesce(ai_book_terms_below(v, as_of), a.terms)
            END,
            ai_flat_terms(NULL)
        )
    )
    FROM (SELECT true AS is_one) AS one
    LEFT JOIN ai_alias_below(v, as_of) AS a ON true
$$;

-- The price in effect at a time, for each model and source: its version, with the terms that apply,
-- and the time for which they were set.
-- Postgres inlines the function: a condition on provider and model uses the index above, custom
-- before default.
CREATE FUNCTION ai_model_prices_at(as_of timestamptz) RETURNS SETOF ai_model_price_rows
LANGUAGE sql STABLE AS $$
    SELECT v.id, v.provider, v.model, v.source,
        CASE
            WHEN v.continues THEN (
                SELECT max(d.effective_from)
                FROM (
                    SELECT DISTINCT ON (w.effective_from) w.effective_from, w.continues
                    FROM ai_model_price_versions AS w
                    WHERE w.provider = v.provider AND w.model = v.model AND w.source = v.source
                        AND w.effective_from <= v.effective_from
                    ORDER BY w.effective_from, w.id DESC
                ) AS d
                WHERE NOT d.continues
            )
            ELSE v.effective_from
        END,
        v.recorded_at,
        CASE WHEN t.laid IS NULL THEN v.input_price ELSE (t.laid ->> 'input_price')::bigint END,
        CASE WHEN t.laid IS NULL THEN v.output_price ELSE (t.laid ->> 'output_price')::bigint END,
        CASE
            WHEN t.laid IS NULL THEN v.cache_read_price
            ELSE (t.laid ->> 'cache_read_price')::bigint
        END,
        CASE
            WHEN t.laid IS NULL THEN v.cache_write_price
            ELSE (t.laid ->> 'cache_write_price')::bigint
        END,
        CASE
            WHEN t.laid IS NULL THEN v.cache_write_1h_price
            ELSE (t.laid ->> 'cache_write_1h_price')::bigint
        END,
        coalesce(t.laid -> 'unit_prices', v.unit_prices), coalesce(t.laid -> 'tiers', v.tiers),
        coalesce(t.laid -> 'variants', v.variants), v.removed, v.withdrawn, v.in_book, v.sources,
        v.origin
    FROM (
        SELECT DISTINCT ON (p.provider, p.model, p.source) p.*, p AS version
        FROM ai_model_price_versions AS p
        WHERE p.effective_from <= as_of
        ORDER BY p.provider, p.model, p.source, p.effective_from DESC, p.id DESC
    ) AS v
    CROSS JOIN LATERAL (
        SELECT CASE WHEN v.source = 'custom' THEN ai_custom_price_terms(v.version, as_of) END
            AS laid OFFSET 0
    ) AS t
    WHERE NOT v.removed
$$;

-- The prices in effect now, custom and default side by side; queries prefer the custom one.
-- `created_at` is when the source first had a price of the model, `updated_at` when the price in
-- effect was recorded.
CREATE VIEW ai_model_prices WITH (security_invoker = true) AS
SELECT
    p.provider, p.model, p.source, p.input_price, p.output_price, p.cache_read_price,
    p.cache_write_price,
    (
        SELECT min(v.recorded_at) FROM ai_model_price_versions AS v
        WHERE v.provider = p.provider AND v.model = p.model AND v.source = p.source
    ) AS created_at,
    p.recorded_at AS updated_at
FROM ai_model_prices_at(now()) AS p;

REVOKE ALL ON ai_model_prices
FROM PUBLIC, allowance_routes, allowance_jobs, allowance_directory;

GRANT EXECUTE ON FUNCTION ai_model_prices_at(timestamptz), ai_model_price_on_platform(jsonb),
ai_custom_price_terms(ai_model_price_versions, timestamptz),
ai_custom_terms_over(ai_model_price_versions, jsonb), ai_flat_terms(bigint),
ai_book_terms_below(ai_model_price_versions, timestamptz),
ai_alias_below(ai_model_price_versions, timestamptz), ai_rates_laid_over(jsonb, jsonb),
ai_tiers_laid_over(jsonb, jsonb), ai_variants_laid_over(jsonb, jsonb)
TO allowance_routes, allowance_jobs;
