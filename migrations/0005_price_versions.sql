-- Why: a usage is priced by what was in effect when it occurred, so a price is never overwritten: a
-- change is a new version, a deletion and a withdrawal too. What a source proposes and nobody
-- should take unseen is held for an owner.

-- Rates are micro-units of US dollars per one million tokens; NULL is unknown, 0 is free. The
-- shapes of tiers and variants are those of allowance.prices.terms. What is in effect at a time is,
-- for each source, the version with the greatest (effective_from, id) up to it. Names are in the
-- order of their bytes, as pages of the API are.
CREATE TABLE ai_model_price_versions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    provider text COLLATE "C" NOT NULL
        CONSTRAINT ai_model_price_versions_provider_length CHECK (char_length(provider) BETWEEN 1 AND 255),
    model text COLLATE "C" NOT NULL
        CONSTRAINT ai_model_price_versions_model_length CHECK (char_length(model) BETWEEN 1 AND 255),
    source text COLLATE "C" NOT NULL CONSTRAINT ai_model_price_versions_source CHECK (source IN ('default', 'custom')),
    -- -infinity: it was the first price of its model, and prices what was used before it was known
    -- too.
    effective_from timestamptz NOT NULL
        CONSTRAINT ai_model_price_versions_effective_from CHECK (effective_from < 'infinity'),
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    input_price bigint CONSTRAINT ai_model_price_versions_input_price CHECK (input_price BETWEEN 0 AND 1000000000000),
    output_price bigint
        CONSTRAINT ai_model_price_versions_output_price CHECK (output_price BETWEEN 0 AND 1000000000000),
    cache_read_price bigint
        CONSTRAINT ai_model_price_versions_cache_read_price CHECK (cache_read_price BETWEEN 0 AND 1000000000000),
    cache_write_price bigint
        CONSTRAINT ai_model_price_versions_cache_write_price CHECK (cache_write_price BETWEEN 0 AND 1000000000000),
    cache_write_1h_price bigint CONSTRAINT ai_model_price_versions_cache_write_1h_price CHECK (
        cache_write_1h_price BETWEEN 0 AND 1000000000000
    ),
    tiers jsonb NOT NULL DEFAULT '[]'
        CONSTRAINT ai_model_price_versions_tiers CHECK (jsonb_typeof(tiers) = 'array'),
    variants jsonb NOT NULL DEFAULT '{}'
        CONSTRAINT ai_model_price_versions_variants CHECK (jsonb_typeof(variants) = 'object'),
    -- From here on there is no price of this source: how a custom price is deleted.
    removed boolean NOT NULL DEFAULT false,
    -- The book does not have the model any more; the price stays in effect for late usage.
    withdrawn boolean NOT NULL DEFAULT false,
    -- Whether a complete book said so: only such a price is withdrawn by a complete book that does
    -- not have it.
    in_book boolean NOT NULL DEFAULT false,
    sources text [] NOT NULL DEFAULT '{}',
    origin text NOT NULL,
    CONSTRAINT ai_model_price_versions_only_custom_is_removed CHECK (NOT removed OR source = 'custom'),
    CONSTRAINT ai_model_price_versions_only_default_is_withdrawn CHECK (NOT withdrawn OR source = 'default'),
    CONSTRAINT ai_model_price_versions_at_least_one CHECK (
        removed <> (
            num_nonnulls(input_price, output_price, cache_read_price, cache_write_price, cache_write_1h_price) > 0
            OR tiers <> '[]' OR variants <> '{}'
        )
    )
);

-- The price of a model at a time is the first entry of this index that counts.
CREATE UNIQUE INDEX ai_model_price_versions_in_effect_idx
ON ai_model_price_versions (provider, model, source, effective_from DESC, id DESC);
-- Gateways do not agree on upper and lower case.
CREATE INDEX ai_model_price_versions_lower_idx ON ai_model_price_versions (lower(provider), lower(model));
CREATE INDEX ai_model_price_versions_scheduled_idx ON ai_model_price_versions (effective_from);

-- For each model and source, the version in effect at a moment. It is inlined: a condition on
-- provider and model reads by the index above, custom before default.
CREATE FUNCTION ai_model_prices_at(moment timestamptz) RETURNS SETOF ai_model_price_versions
LANGUAGE sql STABLE AS $$
    SELECT v.*
    FROM (
        SELECT DISTINCT ON (p.provider, p.model, p.source) p.*
        FROM ai_model_price_versions AS p
        WHERE p.effective_from <= moment
        ORDER BY p.provider, p.model, p.source, p.effective_from DESC, p.id DESC
    ) AS v
    WHERE NOT v.removed
$$;

-- Terms of a version as JSON, as the audit log and the held changes tell them; null where there is
-- no version.
CREATE FUNCTION ai_model_price_terms(v ai_model_price_versions) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN v.id IS NOT NULL THEN jsonb_build_object(
            'input_price', v.input_price, 'output_price', v.output_price, 'cache_read_price', v.cache_read_price,
            'cache_write_price', v.cache_write_price, 'cache_write_1h_price', v.cache_write_1h_price,
            'tiers', v.tiers, 'variants', v.variants
        )
    END
$$;

-- One row: whoever changes a price locks it first. `generation` counts the times that a model was
-- priced for the first time; the rest remembers the last book that was taken, so that the same one
-- is not read again.
CREATE TABLE ai_price_book (
    id boolean PRIMARY KEY DEFAULT true CONSTRAINT ai_price_book_one_row CHECK (id),
    generation bigint NOT NULL DEFAULT 0,
    location text,
    etag text,
    entries bigint NOT NULL DEFAULT 0,
    seeded_at timestamptz
);
INSERT INTO ai_price_book (id) VALUES (true);

-- What a book proposed and nobody took yet. `effective_from` NULL: from the approval on. `decision`
-- NULL: it waits.
CREATE TABLE ai_model_price_changes_held (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    provider text COLLATE "C" NOT NULL
        CONSTRAINT ai_model_price_changes_held_provider_length CHECK (char_length(provider) BETWEEN 1 AND 255),
    model text COLLATE "C" NOT NULL
        CONSTRAINT ai_model_price_changes_held_model_length CHECK (char_length(model) BETWEEN 1 AND 255),
    effective_from timestamptz,
    before jsonb,
    proposed jsonb NOT NULL,
    reasons text [] NOT NULL,
    by_source jsonb NOT NULL DEFAULT '{}',
    sources text [] NOT NULL DEFAULT '{}',
    in_book boolean NOT NULL DEFAULT false,
    origin text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    decision text CONSTRAINT ai_model_price_changes_held_decision CHECK (
        decision IN ('approved', 'rejected', 'superseded')
    ),
    decided_at timestamptz,
    decided_by uuid,
    decided_by_name text,
    CONSTRAINT ai_model_price_changes_held_decided CHECK ((decision IS NULL) = (decided_at IS NULL))
);

CREATE INDEX ai_model_price_changes_held_model_idx ON ai_model_price_changes_held (provider, model);
CREATE INDEX ai_model_price_changes_held_open_idx
ON ai_model_price_changes_held (provider, model, created_at, id) WHERE decision IS NULL;

-- A cache: which priced model a name as gateways send it stands for. A row counts only while no
-- model was priced for the first time since it was worked out, which might be a better match; so
-- nothing ever has to be removed.
CREATE TABLE ai_model_aliases (
    provider text COLLATE "C" NOT NULL,
    model text COLLATE "C" NOT NULL,
    priced_provider text COLLATE "C" NOT NULL,
    priced_model text COLLATE "C" NOT NULL,
    rule text NOT NULL,
    generation bigint NOT NULL,
    PRIMARY KEY (provider, model)
);

-- The price of a model as it was sent: its own, or else that of the model that the name is known to
-- stand for. No row: it must be resolved.
CREATE FUNCTION ai_model_price_of(sent_provider text, sent_model text, moment timestamptz)
RETURNS SETOF ai_model_price_versions
LANGUAGE sql STABLE AS $$
    SELECT p.*
    FROM (
        SELECT 1 AS rank, sent_provider AS provider, sent_model AS model
        UNION ALL
        SELECT 2, a.priced_provider, a.priced_model
        FROM ai_model_aliases AS a
        JOIN ai_price_book AS b ON b.generation = a.generation
        WHERE a.provider = sent_provider AND a.model = sent_model
    ) AS named
    CROSS JOIN LATERAL (
        SELECT v.* FROM ai_model_prices_at(moment) AS v
        WHERE v.provider = named.provider AND v.model = named.model
        ORDER BY v.source
        LIMIT 1
    ) AS p
    ORDER BY named.rank
    LIMIT 1
$$;

INSERT INTO ai_model_price_versions (
    provider, model, source, effective_from, recorded_at, input_price, output_price, cache_read_price, cache_write_price,
    in_book, origin
)
SELECT
    p.provider, p.model, p.source, '-infinity', p.updated_at, p.input_price, p.output_price, p.cache_read_price,
    p.cache_write_price, p.source = 'default', 'the table before versions'
FROM ai_model_prices AS p
ORDER BY p.provider, p.model, p.source;

-- Expand: the SeedPrices of the version before may still run, and knows the old table only. What it
-- changes there becomes a version, and what becomes a version is copied there (as of then: a date
-- that comes later does not show). The new code neither reads nor writes that table; a later
-- migration drops it with these triggers.
CREATE FUNCTION record_ai_model_price() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    first_of_its_model boolean;
BEGIN
    first_of_its_model := NOT EXISTS (
        SELECT 1 FROM ai_model_price_versions AS v WHERE v.provider = new.provider AND v.model = new.model
    );
    IF first_of_its_model THEN
        UPDATE ai_price_book SET generation = generation + 1 WHERE id;
    END IF;
    INSERT INTO ai_model_price_versions (
        provider, model, source, effective_from, input_price, output_price, cache_read_price, cache_write_price, in_book,
        origin
    ) VALUES (
        new.provider, new.model, new.source, CASE WHEN first_of_its_model THEN '-infinity' ELSE clock_timestamp() END,
        new.input_price, new.output_price, new.cache_read_price, new.cache_write_price, new.source = 'default',
        'the version before'
    );
    RETURN NULL;
END
$$;

CREATE TRIGGER ai_model_prices_are_recorded AFTER INSERT OR UPDATE ON ai_model_prices
FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION record_ai_model_price();

CREATE FUNCTION copy_ai_model_price_versions() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    moment timestamptz := clock_timestamp();
BEGIN
    DELETE FROM ai_model_prices AS p
    USING new_versions AS n
    WHERE n.removed AND p.provider = n.provider AND p.model = n.model AND p.source = n.source
        AND n.effective_from <= moment;
    INSERT INTO ai_model_prices AS p (
        provider, model, source, input_price, output_price, cache_read_price, cache_write_price
    )
    SELECT
        v.provider, v.model, v.source, v.input_price, v.output_price, v.cache_read_price, v.cache_write_price
    FROM (SELECT DISTINCT n.provider, n.model, n.source FROM new_versions AS n) AS changed
    CROSS JOIN LATERAL (
        SELECT a.provider, a.model, a.source, a.input_price, a.output_price, a.cache_read_price, a.cache_write_price
        FROM ai_model_prices_at(moment) AS a
        WHERE a.provider = changed.provider AND a.model = changed.model AND a.source = changed.source
    ) AS v
    WHERE num_nonnulls(v.input_price, v.output_price, v.cache_read_price, v.cache_write_price) > 0
    ON CONFLICT (provider, model, source) DO UPDATE
    SET input_price = excluded.input_price, output_price = excluded.output_price,
        cache_read_price = excluded.cache_read_price, cache_write_price = excluded.cache_write_price, updated_at = now();
    RETURN NULL;
END
$$;

CREATE TRIGGER ai_model_price_versions_are_copied AFTER INSERT ON ai_model_price_versions
REFERENCING NEW TABLE AS new_versions
FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION copy_ai_model_price_versions();

GRANT DELETE ON ai_model_prices TO allowance_app;

-- A version is never changed: the application may add and read them, and no more.
REVOKE ALL ON ai_model_price_versions, ai_model_price_changes_held, ai_price_book, ai_model_aliases
FROM PUBLIC, allowance_app;
GRANT SELECT, INSERT ON ai_model_price_versions TO allowance_app;
GRANT SELECT, INSERT ON ai_model_price_changes_held TO allowance_app;
GRANT UPDATE (decision, decided_at, decided_by, decided_by_name) ON ai_model_price_changes_held TO allowance_app;
GRANT SELECT, UPDATE ON ai_price_book TO allowance_app;
GRANT SELECT, INSERT, UPDATE ON ai_model_aliases TO allowance_app;
