-- Why: a usage keeps the price of its time, so ai_model_price_versions keeps every price, and the
-- view ai_model_prices shows those in effect: the history and the price list need two names.

-- A change, a deletion and a withdrawal are new rows. For each source, the version in effect at a
-- time is the one with the greatest (effective_from, id) up to it. Rates are micro-units of US
-- dollars per one million tokens or units; NULL is unknown, 0 is free. The shapes of tiers and
-- variants are in allowance.prices.terms. COLLATE "C" sorts names by their bytes, like the pages of
-- the API.
CREATE TABLE ai_model_price_versions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    provider text COLLATE "C" NOT NULL CONSTRAINT ai_model_price_versions_provider_length
        CHECK (char_length(provider) BETWEEN 1 AND 255),
    model text COLLATE "C" NOT NULL CONSTRAINT ai_model_price_versions_model_length
        CHECK (char_length(model) BETWEEN 1 AND 255),
    source text COLLATE "C" NOT NULL
        CONSTRAINT ai_model_price_versions_source CHECK (source IN ('default', 'custom')),
    -- -infinity: the first price of its model. It also prices usage from before it was recorded.
    effective_from timestamptz NOT NULL
        CONSTRAINT ai_model_price_versions_effective_from CHECK (effective_from < 'infinity'),
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    input_price bigint CONSTRAINT ai_model_price_versions_input_price
        CHECK (input_price BETWEEN 0 AND 1000000000000),
    output_price bigint CONSTRAINT ai_model_price_versions_output_price
        CHECK (output_price BETWEEN 0 AND 1000000000000),
    cache_read_price bigint CONSTRAINT ai_model_price_versions_cache_read_price
        CHECK (cache_read_price BETWEEN 0 AND 1000000000000),
    cache_write_price bigint CONSTRAINT ai_model_price_versions_cache_write_price
        CHECK (cache_write_price BETWEEN 0 AND 1000000000000),
    cache_write_1h_price bigint CONSTRAINT ai_model_price_versions_cache_write_1h_price
        CHECK (cache_write_1h_price BETWEEN 0 AND 1000000000000),
    -- The prices of other units, by the names in allowance.prices.units.
    unit_prices jsonb NOT NULL DEFAULT '{}'
        CONSTRAINT ai_model_price_versions_unit_prices
        CHECK (jsonb_typeof(unit_prices) = 'object'),
    tiers jsonb NOT NULL DEFAULT '[]'
        CONSTRAINT ai_model_price_versions_tiers CHECK (jsonb_typeof(tiers) = 'array'),
    variants jsonb NOT NULL DEFAULT '{}'
        CONSTRAINT ai_model_price_versions_variants CHECK (jsonb_typeof(variants) = 'object'),
    -- This source has no price from here on: the deletion of a custom price.
    removed boolean NOT NULL DEFAULT false,
    -- The book no longer has the model. The price stays in effect for late usage.
    withdrawn boolean NOT NULL DEFAULT false,
    -- True: a complete book has this price. Only then can a later complete book withdraw it.
    in_book boolean NOT NULL DEFAULT false,
    sources text [] NOT NULL DEFAULT '{}',
    origin text NOT NULL,
    -- A custom version changes what it names: the rates and tiers listed here, and the units and
    -- variants in their objects. NULL is unknown there too. The rest is as the book has it.
    named text [] NOT NULL DEFAULT '{}',
    -- The row of the book that the name of a custom price means, where the book has no row of that
    -- name. `makers`: the name is of a platform that sells their models at their prices.
    base_provider text COLLATE "C",
    base_model text COLLATE "C",
    makers text [] NOT NULL DEFAULT '{}',
    -- Nobody set a price for this very time: an earlier price goes on, or a scheduled one was taken
    -- back. So the next price from before replaces it, also in the future.
    continues boolean NOT NULL DEFAULT false,
    CONSTRAINT ai_model_price_versions_base
        CHECK ((base_provider IS NULL) = (base_model IS NULL)),
    CONSTRAINT ai_model_price_versions_only_custom_is_laid_over CHECK (
        source = 'custom'
        OR (named = '{}' AND base_provider IS NULL AND makers = '{}' AND NOT continues)
    ),
    CONSTRAINT ai_model_price_versions_states_what_it_names CHECK (
        source = 'default'
        OR array_remove(
            ARRAY[CASE WHEN input_price IS NOT NULL THEN 'input_price' END,
                CASE WHEN output_price IS NOT NULL THEN 'output_price' END,
                CASE WHEN cache_read_price IS NOT NULL THEN 'cache_read_price' END,
                CASE WHEN cache_write_price IS NOT NULL THEN 'cache_write_price' END,
                CASE WHEN cache_write_1h_price IS NOT NULL THEN 'cache_write_1h_price' END,
                CASE WHEN tiers <> '[]' THEN 'tiers' END
            ],
            NULL
        ) <@ named
    ),
    CONSTRAINT ai_model_price_versions_only_custom_is_removed
        CHECK (NOT removed OR source = 'custom'),
    CONSTRAINT ai_model_price_versions_only_default_is_withdrawn
        CHECK (NOT withdrawn OR source = 'default'),
    CONSTRAINT ai_model_price_versions_at_least_one CHECK (
        removed <> (
            num_nonnulls(
                input_price, output_price, cache_read_price, cache_write_price,
                cache_write_1h_price
            ) > 0
            OR unit_prices <> '{}' OR tiers <> '[]' OR variants <> '{}'
        )
    )
);

-- The first matching entry of this index is the price in effect.
CREATE UNIQUE INDEX ai_model_price_versions_in_effect_idx
ON ai_model_price_versions (provider, model, source, effective_from DESC, id DESC);
-- Gateways write names in different cases.
CREATE INDEX ai_model_price_versions_lower_idx
ON ai_model_price_versions (lower(provider), lower(model));
CREATE INDEX ai_model_price_versions_scheduled_idx ON ai_model_price_versions (effective_from);
-- The custom prices that a change of the book changes too.
CREATE INDEX ai_model_price_versions_base_idx
ON ai_model_price_versions (base_provider, base_model) WHERE base_provider IS NOT NULL;

-- The versions, with the columns of this schema: a later column changes no type of a row.
CREATE VIEW ai_model_price_rows WITH (security_invoker = true) AS
SELECT
    p.id, p.provider, p.model, p.source, p.effective_from, p.recorded_at, p.input_price,
    p.output_price, p.cache_read_price, p.cache_write_price, p.cache_write_1h_price,
    p.unit_prices, p.tiers, p.variants, p.removed, p.withdrawn, p.in_book, p.sources, p.origin
FROM ai_model_price_versions AS p;

-- The terms of a version as JSON, in the form of the audit log and of held changes. NULL for no
-- version.
CREATE FUNCTION ai_model_price_terms(v ai_model_price_rows) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN v.id IS NOT NULL THEN jsonb_build_object(
            'input_price', v.input_price, 'output_price', v.output_price,
            'cache_read_price', v.cache_read_price, 'cache_write_price', v.cache_write_price,
            'cache_write_1h_price', v.cache_write_1h_price, 'unit_prices', v.unit_prices,
            'tiers', v.tiers, 'variants', v.variants
        )
    END
$$;

-- The functions add and read versions. They cannot change them.
REVOKE ALL ON ai_model_price_versions, ai_model_price_rows
FROM PUBLIC, allowance_routes, allowance_jobs, allowance_directory;
GRANT SELECT ON ai_model_price_versions, ai_model_price_rows TO allowance_routes, allowance_jobs;
GRANT INSERT (
    provider, model, source, effective_from, input_price, output_price, cache_read_price,
    cache_write_price, cache_write_1h_price, unit_prices, tiers, variants, in_book, sources, origin
) ON ai_model_price_versions TO allowance_routes, allowance_jobs;
GRANT INSERT (removed, named, base_provider, base_model, makers, continues)
ON ai_model_price_versions TO allowance_routes;
GRANT INSERT (withdrawn) ON ai_model_price_versions TO allowance_jobs;
GRANT EXECUTE ON FUNCTION ai_model_price_terms(ai_model_price_rows)
TO allowance_routes, allowance_jobs;
