-- name: lock_price_book
-- First of a batch that changes prices: whoever else does waits here, so that the statement after it, which takes its own
-- snapshot, sees what they left. Answers what is remembered of the last book.
SELECT b.location, b.etag, b.entries
FROM ai_price_book AS b
FOR NO KEY UPDATE;

-- name: get_price_book
-- What is remembered of the last book that was taken.
SELECT b.location, b.etag, b.entries
FROM ai_price_book AS b;

-- name: compare_price_book
-- Where a book differs from the default prices, and what was decided about each such model before. An entry is compared
-- with what is in effect at its time: the present one of a model (the latest without a date or with one that has come)
-- with what is in effect now. Of a complete book it also answers the scheduled versions that it does not have any more
-- (with the entry that stands at their time), and the models that it does not have (without an entry).
WITH moment AS (SELECT clock_timestamp() AS now OFFSET 0),
given AS (
    SELECT e.n - 1 AS n, e.provider, e.model, e.effective_from, e.held IS NOT NULL AS is_held, e.input_price, e.output_price,
        e.cache_read_price, e.cache_write_price, e.cache_write_1h_price, e.tiers, e.variants,
        coalesce(e.effective_from, '-infinity') AS starts
    FROM ROWS FROM (
        jsonb_to_recordset(%(book)s::jsonb -> 'prices') AS (
            provider text, model text, effective_from timestamptz, held jsonb, input_price bigint, output_price bigint,
            cache_read_price bigint, cache_write_price bigint, cache_write_1h_price bigint, tiers jsonb, variants jsonb
        )
    ) WITH ORDINALITY AS e (
        provider, model, effective_from, held, input_price, output_price, cache_read_price, cache_write_price,
        cache_write_1h_price, tiers, variants, n
    )
),
models AS (
    SELECT g.provider, g.model,
        max(g.starts) FILTER (WHERE NOT g.is_held AND g.starts <= moment.now) AS present_starts,
        EXISTS (
            SELECT 1 FROM ai_model_price_versions AS v
            WHERE v.provider = g.provider AND v.model = g.model AND v.source = 'default'
        ) AS is_known
    FROM given AS g
    CROSS JOIN moment
    GROUP BY g.provider, g.model
),
scheduled AS (
    SELECT DISTINCT v.provider, v.model, v.effective_from
    FROM ai_model_price_versions AS v
    CROSS JOIN moment
    WHERE v.source = 'default' AND v.effective_from > moment.now AND %(complete)s
),
entries AS (
    SELECT g.n, g.provider, g.model, g.effective_from, m.is_known,
        -- A held entry that is not dated disputes the present price.
        CASE WHEN g.starts = m.present_starts OR (g.is_held AND g.effective_from IS NULL) THEN moment.now ELSE g.starts END
            AS compared_at
    FROM given AS g
    JOIN models AS m ON m.provider = g.provider AND m.model = g.model
    CROSS JOIN moment
    -- What the price was before the first date matters of a new model only.
    WHERE g.effective_from IS NOT NULL OR g.is_held OR NOT m.is_known OR g.starts = m.present_starts
    UNION ALL
    SELECT g.n, s.provider, s.model, s.effective_from, true, s.effective_from
    FROM scheduled AS s
    JOIN LATERAL (
        SELECT each.n
        FROM given AS each
        WHERE each.provider = s.provider AND each.model = s.model AND NOT each.is_held AND each.starts <= s.effective_from
        ORDER BY each.starts DESC
        LIMIT 1
    ) AS g ON true
    WHERE NOT EXISTS (
        SELECT 1 FROM given AS each
        WHERE each.provider = s.provider AND each.model = s.model AND each.starts = s.effective_from AND NOT each.is_held
    )
),
differences AS (
    SELECT e.n, e.provider, e.model, e.effective_from,
        CASE
            WHEN e.effective_from IS NULL AND NOT e.is_known THEN '-infinity'
            WHEN e.effective_from IS NULL THEN moment.now
            WHEN e.compared_at = moment.now THEN greatest(e.effective_from, v.effective_from)
            ELSE e.effective_from
        END AS starts,
        v.terms AS before, v.withdrawn
    FROM entries AS e
    JOIN given AS g ON g.n = e.n
    CROSS JOIN moment
    LEFT JOIN LATERAL (
        SELECT p.id, p.effective_from, p.withdrawn, p.input_price, p.output_price, p.cache_read_price,
            p.cache_write_price, p.cache_write_1h_price, p.tiers, p.variants, ai_model_price_terms(p) AS terms
        FROM ai_model_price_versions AS p
        WHERE p.provider = e.provider AND p.model = e.model AND p.source = 'default' AND p.effective_from <= e.compared_at
        ORDER BY p.effective_from DESC, p.id DESC
        LIMIT 1
    ) AS v ON true
    WHERE v.id IS NULL
        OR (v.withdrawn AND NOT g.is_held)
        OR (v.input_price, v.output_price, v.cache_read_price, v.cache_write_price, v.cache_write_1h_price, v.tiers, v.variants)
        IS DISTINCT FROM (
            g.input_price, g.output_price, g.cache_read_price, g.cache_write_price, g.cache_write_1h_price, g.tiers, g.variants
        )
    UNION ALL
    SELECT NULL, v.provider, v.model, NULL, starts.at, ai_model_price_terms(v), false
    FROM moment
    CROSS JOIN LATERAL ai_model_prices_at(moment.now) AS v
    CROSS JOIN LATERAL (
        SELECT moment.now AS at
        UNION
        SELECT s.effective_from FROM scheduled AS s WHERE s.provider = v.provider AND s.model = v.model
    ) AS starts
    WHERE %(complete)s AND v.source = 'default' AND v.in_book AND NOT v.withdrawn
        AND NOT EXISTS (SELECT 1 FROM models AS m WHERE m.provider = v.provider AND m.model = v.model)
),
decisions AS (
    SELECT h.provider, h.model, jsonb_agg(jsonb_build_object(
        'id', h.id, 'effective_from', h.effective_from, 'before', h.before, 'proposed', h.proposed, 'decision', h.decision
    ) ORDER BY h.created_at, h.id) AS all_of_them
    FROM ai_model_price_changes_held AS h
    WHERE h.decision IS DISTINCT FROM 'superseded'
    GROUP BY h.provider, h.model
)
SELECT
    (SELECT count(*) FROM models AS m WHERE m.is_known AND m.present_starts IS NOT NULL) AS known,
    (SELECT count(DISTINCT (v.provider, v.model)) FROM ai_model_price_versions AS v WHERE v.source = 'default') AS priced,
    coalesce(jsonb_agg(jsonb_build_object(
        'n', d.n, 'provider', d.provider, 'model', d.model, 'effective_from', d.effective_from, 'starts', d.starts,
        'before', d.before, 'was_withdrawn', coalesce(d.withdrawn, false),
        'decisions', coalesce(c.all_of_them, '[]')
    ) ORDER BY d.provider COLLATE "C", d.model COLLATE "C", d.starts, d.n), '[]') AS differences
FROM differences AS d
LEFT JOIN decisions AS c ON c.provider = d.provider AND c.model = d.model;

-- name: apply_price_book
-- Writes what was decided of a compared book: new versions with their audit entries, changes to hold, and held changes
-- that the book does not propose any more; remembers the book. A version without terms of its own is a withdrawal.
WITH new_versions AS (
    SELECT v.provider, v.model, v.effective_from, v.before, v.terms, v.withdrawn, v.sources
    FROM jsonb_to_recordset(%(versions)s::jsonb) AS v (
        provider text, model text, effective_from timestamptz, before jsonb, terms jsonb, withdrawn boolean, sources text []
    )
),
first_prices AS (
    SELECT 1
    FROM new_versions AS n
    WHERE NOT EXISTS (SELECT 1 FROM ai_model_price_versions AS v WHERE v.provider = n.provider AND v.model = n.model)
    LIMIT 1
),
written AS (
    INSERT INTO ai_model_price_versions (
        provider, model, source, effective_from, input_price, output_price, cache_read_price, cache_write_price,
        cache_write_1h_price, tiers, variants, withdrawn, in_book, sources, origin
    )
    SELECT n.provider, n.model, 'default', n.effective_from, (n.terms ->> 'input_price')::bigint,
        (n.terms ->> 'output_price')::bigint, (n.terms ->> 'cache_read_price')::bigint,
        (n.terms ->> 'cache_write_price')::bigint, (n.terms ->> 'cache_write_1h_price')::bigint, n.terms -> 'tiers',
        n.terms -> 'variants', n.withdrawn, %(in_book)s, n.sources, %(origin)s
    FROM new_versions AS n
    ORDER BY n.provider, n.model, n.effective_from
),
entries AS (
    INSERT INTO audit_log (actor_id, actor_name, action, resource_type, resource_id, before, after, request_id)
    SELECT
        NULL, %(actor_name)s, CASE WHEN n.before IS NULL THEN 'create' ELSE 'update' END, 'ai_model_price',
        n.provider || '/' || n.model, n.before,
        n.terms || jsonb_build_object(
            'source', 'default', 'effective_from', nullif(n.effective_from, '-infinity'), 'withdrawn', n.withdrawn,
            'origin', %(origin)s::text
        ),
        %(request_id)s
    FROM new_versions AS n
    ORDER BY n.provider, n.model, n.effective_from
),
superseded AS (
    UPDATE ai_model_price_changes_held AS h
    SET decision = 'superseded', decided_at = clock_timestamp(), decided_by_name = %(actor_name)s
    WHERE h.decision IS NULL
        AND h.id <> ALL(%(still_held)s::uuid [])
        AND (%(complete)s OR (h.provider, h.model) IN (
            SELECT m.provider, m.model
            FROM jsonb_to_recordset(%(models)s::jsonb) AS m (provider text, model text)
        ))
),
held AS (
    INSERT INTO ai_model_price_changes_held (
        provider, model, effective_from, before, proposed, reasons, by_source, sources, in_book, origin
    )
    SELECT h.provider, h.model, h.effective_from, h.before, h.proposed, h.reasons, h.by_source, h.sources, %(in_book)s,
        %(origin)s
    FROM jsonb_to_recordset(%(held)s::jsonb) AS h (
        provider text, model text, effective_from timestamptz, before jsonb, proposed jsonb, reasons text [],
        by_source jsonb, sources text []
    )
)
UPDATE ai_price_book AS b
SET location = %(location)s, etag = %(etag)s, entries = %(entry_count)s, seeded_at = clock_timestamp(),
    generation = b.generation + (SELECT count(*) FROM first_prices);
