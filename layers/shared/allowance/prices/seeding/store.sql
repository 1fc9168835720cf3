-- name: get_price_book
-- needs: update ai_model_price
-- Return the record of the last complete book: location, entity tag and number of prices; and the
-- number of waiting changes, and of those that withhold one of its prices.
SELECT b.location, b.etag, b.entries, count(h.id) AS held,
    count(h.id) FILTER (WHERE h.by_source = '{}') AS withheld
FROM ai_price_book AS b LEFT JOIN ai_model_price_changes_held AS h ON h.decision IS NULL
GROUP BY b.location, b.etag, b.entries;

-- name: compare_price_book
-- needs: update ai_model_price
-- Return each difference between a book and the default prices, with earlier decisions about its
-- model. An entry is compared with the price in effect at its time. The current entry of a model is
-- the latest without a date or with a past one. It is compared with the price in effect now. For a
-- complete book, also return scheduled versions that it lacks, with its entry for that time, and
-- models that it lacks, without an entry. The prices in effect now are read once and hash-joined;
-- only other times are looked up one by one.
WITH moment AS (SELECT clock_timestamp() AS now OFFSET 0),
in_effect AS MATERIALIZED (
    SELECT v.provider, v.model, v.effective_from, v.in_book, v.withdrawn, v AS version
    FROM moment
    CROSS JOIN LATERAL ai_model_prices_at(moment.now) AS v
    WHERE v.source = 'default'
),
given AS (
    SELECT e.n - 1 AS n, e.provider, e.model, e.effective_from, e.held IS NOT NULL AS is_held,
        coalesce(e.effective_from, '-infinity') AS starts, e.input_price, e.output_price,
        e.cache_read_price, e.cache_write_price, e.cache_write_1h_price, e.unit_prices, e.tiers,
        e.variants
    FROM ROWS FROM (
        jsonb_to_recordset(%(book)s::jsonb -> 'prices') AS (
            provider text, model text, effective_from timestamptz, held jsonb, input_price bigint,
            output_price bigint, cache_read_price bigint, cache_write_price bigint,
            cache_write_1h_price bigint, unit_prices jsonb, tiers jsonb, variants jsonb
        )
    ) WITH ORDINALITY AS e (
        provider, model, effective_from, held, input_price, output_price, cache_read_price,
        cache_write_price, cache_write_1h_price, unit_prices, tiers, variants, n
    )
),
scheduled AS (
    SELECT DISTINCT v.provider, v.model, v.effective_from
    FROM ai_model_price_versions AS v
    CROSS JOIN moment
    WHERE v.source = 'default' AND v.effective_from > moment.now AND %(complete)s
),
placed AS (
    SELECT g.n, g.provider, g.model, g.effective_from, g.starts, g.is_held, g.input_price,
        g.output_price, g.cache_read_price, g.cache_write_price, g.cache_write_1h_price,
        g.unit_prices, g.tiers, g.variants,
        jsonb_build_array(
            g.input_price, g.output_price, g.cache_read_price, g.cache_write_price,
            g.cache_write_1h_price, g.unit_prices, g.tiers, g.variants
        ) AS terms,
        i.effective_from IS NOT NULL AS is_known, i.effective_from AS known_from,
        i.version AS known_version, g.starts <= moment.now AND NOT g.is_held AS begun,
        -- A held entry without a date disputes the current price.
        (g.is_held AND g.effective_from IS NULL)
        OR g.starts = max(g.starts) FILTER (WHERE NOT g.is_held AND g.starts <= moment.now)
            OVER (PARTITION BY g.provider, g.model) IS TRUE AS is_present
    FROM given AS g
    CROSS JOIN moment
    LEFT JOIN in_effect AS i ON i.provider = g.provider AND i.model = g.model
),
compared AS (
    SELECT p.n, p.provider, p.model, p.effective_from, p.is_held, p.input_price, p.output_price,
        p.cache_read_price, p.cache_write_price, p.cache_write_1h_price, p.unit_prices, p.tiers,
        p.variants, CASE
            WHEN p.effective_from IS NULL AND NOT p.is_known THEN '-infinity'
            WHEN p.effective_from IS NULL THEN moment.now
            WHEN p.is_present THEN greatest(p.effective_from, p.known_from)
            ELSE p.effective_from
        END AS begins,
        CASE WHEN p.is_present THEN p.known_version ELSE v.version END AS version,
        -- This entry ends the previous entry's other price, whatever was in effect before the book.
        lag(p.terms, 1, p.terms) OVER (
            PARTITION BY p.provider, p.model, p.is_held ORDER BY p.starts
        ) <> p.terms AS ends_another, p.is_present, p.begun AND NOT p.is_present AS is_past
    FROM placed AS p
    CROSS JOIN moment
    LEFT JOIN LATERAL (
        SELECT w AS version FROM ai_model_price_rows AS w
        WHERE NOT p.is_present AND w.provider = p.provider AND w.model = p.model
            AND w.source = 'default' AND w.effective_from <= p.starts
        ORDER BY w.effective_from DESC, w.id DESC
        LIMIT 1
    ) AS v ON true
    -- The price before the first date matters only for a new model.
    WHERE p.effective_from IS NOT NULL OR p.is_present OR NOT p.is_known
    UNION ALL
    SELECT g.n, s.provider, s.model, s.effective_from, false, g.input_price, g.output_price,
        g.cache_read_price, g.cache_write_price, g.cache_write_1h_price, g.unit_prices, g.tiers,
        g.variants, s.effective_from, v.version, false, false, false
    FROM scheduled AS s
    JOIN LATERAL (
        SELECT each.n, each.input_price, each.output_price, each.cache_read_price, each.tiers,
            each.cache_write_price, each.cache_write_1h_price, each.unit_prices, each.variants
        FROM given AS each
        WHERE each.provider = s.provider AND each.model = s.model AND NOT each.is_held
            AND each.starts <= s.effective_from
        ORDER BY each.starts DESC
        LIMIT 1
    ) AS g ON true
    CROSS JOIN LATERAL (
        SELECT w AS version FROM ai_model_price_rows AS w
        WHERE w.provider = s.provider AND w.model = s.model AND w.source = 'default'
            AND w.effective_from = s.effective_from
        ORDER BY w.id DESC
        LIMIT 1
    ) AS v
    WHERE NOT EXISTS (
        SELECT 1 FROM given AS each
        WHERE each.provider = s.provider AND each.model = s.model
            AND each.starts = s.effective_from AND NOT each.is_held
    )
),
differences AS (
    SELECT c.n, c.provider, c.model, c.effective_from, c.begins,
        ai_model_price_terms(c.version) AS before, (c.version).withdrawn, c.is_present, c.is_past
    FROM compared AS c
    WHERE (c.version).id IS NULL
        OR ((c.version).withdrawn AND NOT c.is_held)
        OR (c.ends_another AND (c.version).effective_from < c.begins)
        OR (
            (c.version).input_price, (c.version).output_price, (c.version).cache_read_price,
            (c.version).cache_write_price, (c.version).cache_write_1h_price,
            (c.version).unit_prices, (c.version).tiers, (c.version).variants
        ) IS DISTINCT FROM (
            c.input_price, c.output_price, c.cache_read_price, c.cache_write_price,
            c.cache_write_1h_price, c.unit_prices, c.tiers, c.variants
        )
    UNION ALL
    -- A withdrawn model keeps each of its prices, current and scheduled.
    SELECT NULL, i.provider, i.model, NULL, stated.starts, ai_model_price_terms(stated.version),
        false, false, false
    FROM in_effect AS i
    CROSS JOIN moment
    CROSS JOIN LATERAL (
        SELECT moment.now AS starts, i.version
        UNION ALL
        SELECT s.effective_from, v.version
        FROM scheduled AS s
        CROSS JOIN LATERAL (
            SELECT w AS version FROM ai_model_price_rows AS w
            WHERE w.provider = s.provider AND w.model = s.model AND w.source = 'default'
                AND w.effective_from = s.effective_from
            ORDER BY w.id DESC
            LIMIT 1
        ) AS v
        WHERE s.provider = i.provider AND s.model = i.model
    ) AS stated
    WHERE %(complete)s AND i.in_book AND NOT i.withdrawn AND NOT EXISTS (
        SELECT 1 FROM given AS g WHERE g.provider = i.provider AND g.model = i.model
    )
),
decisions AS (
    SELECT h.provider, h.model, jsonb_agg(jsonb_build_object(
        'id', h.id, 'effective_from', h.effective_from, 'before', h.before, 'proposed', h.proposed,
        'decision', h.decision
    ) ORDER BY h.created_at, h.id) AS known
    FROM ai_model_price_changes_held AS h
    WHERE h.decision IS DISTINCT FROM 'superseded'
        -- A rejection does not cover a price that came, or came back, after it.
        AND (h.decision IS DISTINCT FROM 'rejected' OR NOT EXISTS (
            SELECT 1 FROM ai_model_price_versions AS v
            WHERE v.provider = h.provider AND v.model = h.model AND v.source = 'default'
                AND v.recorded_at > h.decided_at
        ))
    GROUP BY h.provider, h.model
)
SELECT
    (SELECT count(*) FROM placed AS p WHERE p.is_known AND p.is_present AND NOT p.is_held) AS known,
    (SELECT count(*) FROM in_effect) AS priced,
    coalesce(jsonb_agg(jsonb_build_object(
        'n', d.n, 'provider', d.provider, 'model', d.model, 'effective_from', d.effective_from,
        'starts', d.begins, 'before', d.before, 'was_withdrawn', coalesce(d.withdrawn, false),
        'is_present', d.is_present, 'is_past', d.is_past, 'decisions', coalesce(c.known, '[]')
    ) ORDER BY d.provider COLLATE "C", d.model COLLATE "C", d.begins, d.n), '[]') AS differences
FROM differences AS d
LEFT JOIN decisions AS c ON c.provider = d.provider AND c.model = d.model;

-- name: apply_price_book
-- needs: update ai_model_price
-- Write the plan of a compared book: new versions with their audit entries, held changes, and
-- changes superseded because the book no longer proposes them. Then record the book. A withdrawal
-- is a version with the terms of the one before.
WITH moment AS (SELECT clock_timestamp() AS now OFFSET 0),
new_versions AS (
    SELECT v.provider, v.model, v.effective_from, v.before, v.terms, v.withdrawn, v.sources
    FROM jsonb_to_recordset(%(versions)s::jsonb) AS v (
        provider text, model text, effective_from timestamptz, before jsonb, terms jsonb,
        withdrawn boolean, sources text []
    )
),
held AS (
    INSERT INTO ai_model_price_changes_held (
        provider, model, effective_from, before, proposed, reasons, by_source, sources, in_book,
        origin
    )
    SELECT h.provider, h.model, h.effective_from, h.before, h.proposed, h.reasons, h.by_source,
        h.sources, %(in_book)s, %(origin)s
    FROM jsonb_to_recordset(%(held)s::jsonb) AS h (
        provider text, model text, effective_from timestamptz, before jsonb, proposed jsonb,
        reasons text [], by_source jsonb, sources text []
    )
    RETURNING 1
),
written AS (
    INSERT INTO ai_model_price_versions (
        provider, model, source, effective_from, input_price, output_price, cache_read_price,
        cache_write_price, cache_write_1h_price, unit_prices, tiers, variants, withdrawn, in_book,
        sources, origin
    )
    SELECT n.provider, n.model, 'default', n.effective_from, (n.terms ->> 'input_price')::bigint,
        (n.terms ->> 'output_price')::bigint, (n.terms ->> 'cache_read_price')::bigint,
        (n.terms ->> 'cache_write_price')::bigint, (n.terms ->> 'cache_write_1h_price')::bigint,
        n.terms -> 'unit_prices', n.terms -> 'tiers', n.terms -> 'variants', n.withdrawn,
        %(in_book)s, n.sources, %(origin)s
    FROM new_versions AS n
    -- Insert held changes first: they were compared with the earlier versions.
    WHERE (SELECT count(*) FROM held) >= 0
    ORDER BY n.provider, n.model, n.effective_from
),
audited AS (
    SELECT CASE WHEN n.before IS NULL THEN 'create' ELSE 'update' END AS action,
        'ai_model_price' AS resource_type, n.provider || '/' || n.model AS resource_id,
        NULL::uuid AS organization_id, NULL::uuid AS group_id, NULL::uuid AS user_id, n.before,
        n.terms || jsonb_build_object(
            'source', 'default', 'effective_from', nullif(n.effective_from, '-infinity'),
            'withdrawn', n.withdrawn, 'origin', %(origin)s::text
        ) AS after
    FROM new_versions AS n
    ORDER BY n.provider, n.model, n.effective_from
),
entries AS (
    -- include: audit_entries
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
)
UPDATE ai_price_book AS b
SET location = %(location)s, etag = %(etag)s, entries = coalesce(%(entry_count)s, b.entries),
    seeded_at = clock_timestamp();
