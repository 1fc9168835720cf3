-- name: seed_prices
-- Brings the default prices to the book: inserts what is new, changes only what differs, so that updated_at tells when
-- a price changed, and leaves custom rows alone. Rows are taken in the order of their key, so that two seedings wait for
-- each other instead of colliding. Answers how many rows were inserted, updated and left as they were.
WITH book AS (
    SELECT p.provider, p.model, p.input_price, p.output_price, p.cache_read_price, p.cache_write_price
    FROM jsonb_to_recordset(%(book)s::jsonb -> 'prices') AS p (
        provider text, model text,
        input_price bigint, output_price bigint, cache_read_price bigint, cache_write_price bigint
    )
),
written AS (
    INSERT INTO ai_model_prices AS p (
        provider, model, source, input_price, output_price, cache_read_price, cache_write_price
    )
    SELECT b.provider, b.model, 'default', b.input_price, b.output_price, b.cache_read_price, b.cache_write_price
    FROM book AS b
    ORDER BY b.provider, b.model
    ON CONFLICT (provider, model, source) DO UPDATE
    SET input_price = excluded.input_price,
        output_price = excluded.output_price,
        cache_read_price = excluded.cache_read_price,
        cache_write_price = excluded.cache_write_price,
        updated_at = now()
    WHERE (p.input_price, p.output_price, p.cache_read_price, p.cache_write_price)
        IS DISTINCT FROM (excluded.input_price, excluded.output_price, excluded.cache_read_price, excluded.cache_write_price)
    -- A row that this statement inserted has no deleting transaction yet; one that it updated was locked by it.
    RETURNING p.xmax = 0 AS inserted
)
SELECT
    count(*) FILTER (WHERE w.inserted) AS inserted,
    count(*) FILTER (WHERE NOT w.inserted) AS updated,
    (SELECT count(*) FROM book) - count(*) AS unchanged
FROM written AS w;
