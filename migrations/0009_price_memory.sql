-- Why: what is remembered of a price must not outlive what made it right. A name that stands for a
-- model does so until a better match has a price; a book that was taken last is read again when the
-- version before has written since; and both when the rules of names change.

-- When the name stands for that model: before and after, a better match has a price. NULL: always.
ALTER TABLE ai_model_aliases ADD COLUMN valid_from timestamptz;
ALTER TABLE ai_model_aliases ADD COLUMN valid_until timestamptz;

-- allowance.prices.names.RULES_VERSION as the last seeding knew it. `generation` counts from here
-- on the times that a model came to a price or lost its last one, or that those rules changed.
ALTER TABLE ai_price_book ADD COLUMN rules_version bigint;

-- As before, but for what is remembered: only as long as it is right.
CREATE OR REPLACE FUNCTION ai_model_price_of(sent_provider text, sent_model text, moment timestamptz)
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
            AND moment >= coalesce(a.valid_from, '-infinity') AND moment < coalesce(a.valid_until, 'infinity')
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

-- What the SeedPrices of the version before changes, after a rollback, is a version with its audit
-- entry; and the book that was taken last is read again by the SeedPrices that comes after it,
-- which puts right what that one did not know.
CREATE OR REPLACE FUNCTION record_ai_model_price() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    known boolean;
    priced boolean;
    earlier ai_model_price_versions;
    written ai_model_price_versions;
BEGIN
    known := EXISTS (SELECT 1 FROM ai_model_price_versions AS v WHERE v.provider = new.provider AND v.model = new.model);
    priced := known AND EXISTS (
        SELECT 1 FROM ai_model_prices_at(clock_timestamp()) AS v
        WHERE v.provider = new.provider AND v.model = new.model
    );
    UPDATE ai_price_book AS b
    SET etag = NULL, generation = b.generation + (NOT priced)::integer
    WHERE b.etag IS NOT NULL OR NOT priced;
    SELECT v.* INTO earlier FROM ai_model_prices_at(clock_timestamp()) AS v
    WHERE v.provider = new.provider AND v.model = new.model AND v.source = new.source;
    INSERT INTO ai_model_price_versions (
        provider, model, source, effective_from, input_price, output_price, cache_read_price, cache_write_price, in_book,
        origin
    ) VALUES (
        new.provider, new.model, new.source, CASE WHEN known THEN clock_timestamp() ELSE '-infinity' END,
        new.input_price, new.output_price, new.cache_read_price, new.cache_write_price, new.source = 'default',
        'the version before'
    ) RETURNING * INTO written;
    INSERT INTO audit_log (actor_name, action, resource_type, resource_id, before, after, request_id)
    VALUES (
        'the version before', CASE WHEN earlier.id IS NULL THEN 'create' ELSE 'update' END, 'ai_model_price',
        new.provider || '/' || new.model, ai_model_price_terms(earlier),
        ai_model_price_terms(written) || jsonb_build_object(
            'source', new.source, 'effective_from', nullif(written.effective_from, '-infinity'), 'origin', written.origin
        ),
        ''
    );
    RETURN NULL;
END
$$;
