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

-- The version in effect at a time, for each model and source. Postgres inlines the function: a
-- condition on provider and model uses the index above, custom before default.
CREATE FUNCTION ai_model_prices_at(as_of timestamptz) RETURNS SETOF ai_model_price_versions
LANGUAGE sql STABLE AS $$
    SELECT v.*
    FROM (
        SELECT DISTINCT ON (p.provider, p.model, p.source) p.*
        FROM ai_model_price_versions AS p
        WHERE p.effective_from <= as_of
        ORDER BY p.provider, p.model, p.source, p.effective_from DESC, p.id DESC
    ) AS v
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

-- The terms of a version as JSON, in the form of the audit log and of held changes. NULL for no
-- version.
CREATE FUNCTION ai_model_price_terms(v ai_model_price_versions) RETURNS jsonb
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

-- One row. Every price change locks it first. It also remembers the last book, so that the same
-- book is not read again.
CREATE TABLE ai_price_book (
    id boolean PRIMARY KEY DEFAULT true CONSTRAINT ai_price_book_one_row CHECK (id),
    location text,
    etag text,
    entries bigint NOT NULL DEFAULT 0,
    seeded_at timestamptz,
    -- See 0002_directory.sql.
    row_lock boolean GENERATED ALWAYS AS (NULL::boolean) STORED
);
INSERT INTO ai_price_book (id) VALUES (true);

-- Changes that a book proposes and an owner must decide. `effective_from` NULL: from the approval
-- on. `decision` NULL: undecided.
CREATE TABLE ai_model_price_changes_held (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    provider text COLLATE "C" NOT NULL CONSTRAINT ai_model_price_changes_held_provider_length
        CHECK (char_length(provider) BETWEEN 1 AND 255),
    model text COLLATE "C" NOT NULL CONSTRAINT ai_model_price_changes_held_model_length
        CHECK (char_length(model) BETWEEN 1 AND 255),
    effective_from timestamptz,
    before jsonb,
    proposed jsonb NOT NULL,
    reasons text [] NOT NULL,
    by_source jsonb NOT NULL DEFAULT '{}',
    sources text [] NOT NULL DEFAULT '{}',
    in_book boolean NOT NULL DEFAULT false,
    origin text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    decision text CONSTRAINT ai_model_price_changes_held_decision
        CHECK (decision IN ('approved', 'rejected', 'superseded')),
    decided_at timestamptz,
    decided_by uuid,
    decided_by_name text,
    CONSTRAINT ai_model_price_changes_held_decided
        CHECK ((decision IS NULL) = (decided_at IS NULL))
);

CREATE INDEX ai_model_price_changes_held_model_idx
ON ai_model_price_changes_held (provider, model);
CREATE INDEX ai_model_price_changes_held_open_idx
ON ai_model_price_changes_held (provider, model, created_at, id) WHERE decision IS NULL;

-- The functions add and read versions. They cannot change them, and they cannot change what a held
-- change proposes. Only jobs hold a change and remember a book.
REVOKE ALL ON ai_model_price_versions, ai_model_prices, ai_model_price_changes_held, ai_price_book
FROM PUBLIC, allowance_routes, allowance_jobs, allowance_directory;
GRANT SELECT ON ai_model_price_versions TO allowance_routes, allowance_jobs;
GRANT INSERT (
    provider, model, source, effective_from, input_price, output_price, cache_read_price,
    cache_write_price, cache_write_1h_price, unit_prices, tiers, variants, in_book, sources, origin
) ON ai_model_price_versions TO allowance_routes, allowance_jobs;
GRANT INSERT (removed) ON ai_model_price_versions TO allowance_routes;
GRANT INSERT (withdrawn) ON ai_model_price_versions TO allowance_jobs;
GRANT SELECT (
    id, provider, model, effective_from, before, proposed, by_source, created_at, decision,
    decided_at
) ON ai_model_price_changes_held TO allowance_routes, allowance_jobs;
GRANT SELECT (reasons, sources, in_book, origin, decided_by_name) ON ai_model_price_changes_held
TO allowance_routes;
GRANT INSERT (
    provider, model, effective_from, before, proposed, reasons, by_source, sources, in_book, origin
) ON ai_model_price_changes_held TO allowance_jobs;
GRANT UPDATE (decision, decided_at, decided_by_name) ON ai_model_price_changes_held
TO allowance_routes, allowance_jobs;
GRANT UPDATE (decided_by) ON ai_model_price_changes_held TO allowance_routes;
GRANT SELECT (location, etag) ON ai_price_book TO allowance_routes, allowance_jobs;
GRANT UPDATE (row_lock) ON ai_price_book TO allowance_routes;
GRANT SELECT (entries), UPDATE (location, etag, entries, seeded_at) ON ai_price_book
TO allowance_jobs;
GRANT EXECUTE ON FUNCTION ai_model_prices_at(timestamptz),
ai_model_price_terms(ai_model_price_versions) TO allowance_routes, allowance_jobs;
