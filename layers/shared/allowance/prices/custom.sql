-- name: set_custom_prices
-- needs: update ai_model_price
-- Store each custom price from its time on, with an audit entry for each version. It also replaces
-- the custom prices that began since then: the same terms again at each of their times. What is
-- scheduled for later stays. Write nothing where the same is stated already. A price without a time
-- applies from now on, or always if no price of its model was known. Return what each replaced.
WITH moment AS (SELECT clock_timestamp() AS now OFFSET 0),
given AS (
    SELECT g.place, g.provider, g.model, g.input_price, g.output_price, g.cache_read_price,
        g.cache_write_price, g.cache_write_1h_price, g.unit_prices, g.tiers, g.variants, g.named,
        g.base_provider, g.base_model, g.makers,
        coalesce(
            g.effective_from,
            -- Another request may have set the first price since the look-up.
            CASE
                WHEN g.is_known OR EXISTS (
                    SELECT 1 FROM ai_model_price_versions AS v
                    WHERE v.provider = g.provider AND v.model = g.model
                ) THEN moment.now
                ELSE '-infinity'
            END
        ) AS starts
    FROM jsonb_to_recordset(%(prices)s::jsonb) AS g (
        place bigint, provider text, model text, effective_from timestamptz, is_known boolean,
        input_price bigint, output_price bigint, cache_read_price bigint, cache_write_price bigint,
        cache_write_1h_price bigint, unit_prices jsonb, tiers jsonb, variants jsonb, named text [],
        base_provider text, base_model text, makers text []
    )
    CROSS JOIN moment
),
-- The times at which something has to be written: those of the request, and those at which custom
-- prices began since its first one.
points AS (
    SELECT p.provider, p.model, p.starts, bool_or(p.is_known) AS is_known,
        bool_or(p.continues) AS continues, p.starts > moment.now AS is_future,
        -- What is scheduled stays, unless the request has a price for the same time.
        p.starts > moment.now AND bool_and(p.is_known) AND NOT bool_or(p.continues) AS stays
    FROM (
        SELECT g.provider, g.model, g.starts, false AS is_known, false AS continues FROM given AS g
        UNION ALL
        (SELECT DISTINCT ON (v.provider, v.model, v.effective_from) v.provider, v.model,
            v.effective_from, true, v.continues
        FROM (
            SELECT g.provider, g.model, min(g.starts) AS starts
            FROM given AS g
            GROUP BY g.provider, g.model
        ) AS span
        JOIN ai_model_price_versions AS v ON v.provider = span.provider AND v.model = span.model
            AND v.source = 'custom' AND v.effective_from >= span.starts
        ORDER BY v.provider, v.model, v.effective_from, v.id DESC)
    ) AS p
    CROSS JOIN moment
    GROUP BY p.provider, p.model, p.starts, moment.now
),
placed AS (
    SELECT DISTINCT ON (p.provider, p.model, p.starts) p.starts AS at, p.is_known,
        p.is_future AND g.starts = p.starts AND (p.continues OR NOT p.is_known) AS is_scheduled,
        g.starts < p.starts AS continues, g.place, g.provider, g.model, g.input_price,
        g.output_price, g.cache_read_price, g.cache_write_price, g.cache_write_1h_price,
        g.unit_prices, g.tiers, g.variants, g.named, g.base_provider, g.base_model,
        g.makers,
        count(*) OVER (PARTITION BY p.provider, p.model, p.starts) > 1 AS follows_another
    FROM points AS p
    JOIN given AS g ON g.provider = p.provider AND g.model = p.model AND g.starts <= p.starts
    WHERE NOT EXISTS (
        -- What stays ends this price, and goes on itself.
        SELECT 1 FROM points AS s
        WHERE s.stays AND s.provider = p.provider AND s.model = p.model
            AND s.starts > g.starts AND s.starts <= p.starts
    )
    ORDER BY p.provider, p.model, p.starts, g.starts DESC
),
changed AS (
    SELECT p.at, p.is_known, p.continues, p.place, p.provider, p.model, p.input_price,
        p.output_price, p.cache_read_price, p.cache_write_price, p.cache_write_1h_price,
        p.unit_prices, p.tiers, p.variants, p.named, p.base_provider, p.base_model,
        p.makers,
        b.began_at, b.is_continued,
        CASE WHEN NOT b.removed THEN ai_custom_price_terms(b.version, p.at) END AS before
    FROM placed AS p
    LEFT JOIN LATERAL (
        SELECT v AS version, v.removed, v.continues AS is_continued, v.effective_from AS began_at,
            (
                v.removed, v.named, v.input_price, v.output_price, v.cache_read_price,
                v.cache_write_price, v.cache_write_1h_price, v.unit_prices, v.tiers, v.variants,
                v.base_provider, v.base_model, v.makers
            ) IS NOT DISTINCT FROM (
                false, p.named, p.input_price, p.output_price, p.cache_read_price,
                p.cache_write_price, p.cache_write_1h_price, p.unit_prices, p.tiers, p.variants,
                p.base_provider COLLATE "C", p.base_model COLLATE "C", p.makers
            ) AS is_same
        FROM ai_model_price_versions AS v
        WHERE v.provider = p.provider AND v.model = p.model AND v.source = 'custom'
            AND v.effective_from <= p.at
        ORDER BY v.effective_from DESC, v.id DESC
        LIMIT 1
    ) AS b ON true
    -- The other prices of this request come first: they may have changed what was in effect.
    WHERE b.is_same IS NOT TRUE OR p.is_scheduled OR (p.follows_another AND NOT p.is_known)
),
written AS (
    INSERT INTO ai_model_price_versions AS w (
        provider, model, source, effective_from, input_price, output_price, cache_read_price,
        cache_write_price, cache_write_1h_price, unit_prices, tiers, variants, named,
        base_provider, base_model, makers, continues, origin
    )
    SELECT c.provider, c.model, 'custom', c.at, c.input_price, c.output_price, c.cache_read_price,
        c.cache_write_price, c.cache_write_1h_price, c.unit_prices, c.tiers, c.variants, c.named,
        c.base_provider, c.base_model, c.makers, c.continues, %(actor_name)s
    FROM changed AS c
    ORDER BY c.provider, c.model, c.at
    RETURNING w.provider, w.model, w.effective_from,
        ai_custom_price_terms(w, w.effective_from) AS terms
),
told AS (
    SELECT w.provider, w.model, w.effective_from, w.terms,
        CASE
            -- A price that this request has set for an earlier time.
            WHEN NOT c.is_known AND (
                c.began_at IS NULL OR c.began_at <= lag(w.effective_from) OVER earlier
            ) THEN coalesce(lag(w.terms) OVER earlier, c.before)
            ELSE c.before
        END AS before
    FROM written AS w
    JOIN changed AS c ON c.provider = w.provider AND c.model = w.model AND c.at = w.effective_from
    WINDOW earlier AS (PARTITION BY w.provider, w.model ORDER BY w.effective_from)
),
audited AS (
    SELECT CASE WHEN t.before IS NULL THEN 'create' ELSE 'update' END AS action,
        'ai_model_price' AS resource_type, t.provider || '/' || t.model AS resource_id,
        NULL::uuid AS organization_id, NULL::uuid AS group_id, NULL::uuid AS user_id, t.before,
        t.terms || jsonb_build_object(
            'source', 'custom', 'effective_from', nullif(t.effective_from, '-infinity')
        ) AS after
    FROM told AS t
    ORDER BY t.provider, t.model, t.effective_from
),
entries AS (
    -- include: audit_entries
)
SELECT c.place, array_agg(nullif(c.at, '-infinity') ORDER BY c.at) AS replaced
FROM changed AS c
WHERE c.is_known AND c.before IS NOT NULL AND NOT c.is_continued
GROUP BY c.place
ORDER BY c.place;

-- name: list_set_prices
-- needs: update ai_model_price
-- Return each custom price that was set: the terms that apply now, or from its own time on if that
-- is later; the times of the custom prices that are scheduled after it; and the first month from
-- which the ledger has usage without a gap.
WITH moment AS (SELECT clock_timestamp() AS now OFFSET 0),
given AS (
    SELECT g.n, g.provider COLLATE "C" AS provider, g.model COLLATE "C" AS model, g.effective_from,
        greatest(g.effective_from, moment.now) AS at
    FROM unnest(
        %(stated_providers)s::text [], %(stated_models)s::text [],
        %(effective_froms)s::timestamptz []
    ) WITH ORDINALITY AS g (provider, model, effective_from, n)
    CROSS JOIN moment
),
missing AS (
    SELECT max(m.starts AT TIME ZONE 'UTC') + interval '1 month' AS ends
    FROM moment
    CROSS JOIN LATERAL generate_series(
        timestamp '2020-01-01', date_trunc('month', moment.now AT TIME ZONE 'UTC'),
        interval '1 month'
    ) AS each (starts)
    CROSS JOIN LATERAL (SELECT each.starts AT TIME ZONE 'UTC' AS starts) AS m
    WHERE m.starts NOT IN (SELECT l.starts FROM ai_usage_months() AS l (starts))
)
SELECT p.provider, p.model, p.source, p.input_price, p.output_price, p.cache_read_price,
    p.cache_write_price, p.cache_write_1h_price, p.unit_prices, p.tiers, p.variants,
    nullif(p.effective_from, '-infinity') AS effective_from, NULL::timestamptz AS withdrawn_at,
    p.recorded_at, p.sources, p.origin, g.at AS applies_at, g.effective_from AS stated_from,
    missing.ends AT TIME ZONE 'UTC' AS ledger_from,
    ARRAY(
        SELECT d.effective_from
        FROM (
            SELECT DISTINCT ON (v.effective_from) v.effective_from, v.continues
            FROM ai_model_price_versions AS v
            WHERE v.provider = g.provider AND v.model = g.model AND v.source = 'custom'
                AND v.effective_from > g.at
            ORDER BY v.effective_from, v.id DESC
        ) AS d
        WHERE NOT d.continues
        ORDER BY d.effective_from
    ) AS scheduled
FROM given AS g
CROSS JOIN missing
CROSS JOIN LATERAL ai_model_prices_at(g.at) AS p
WHERE p.provider = g.provider AND p.model = g.model AND p.source = 'custom'
ORDER BY g.n;

-- name: remove_custom_price
-- needs: update ai_model_price
-- Take back the custom price of a model, in any spelling of its name: for all time, or from a time
-- on. The price of the book applies again. Versions stay, and each that ends has its audit entry.
-- Return the number of ended versions; 0 without a custom price.
WITH starts AS (SELECT coalesce(%(since)s::timestamptz, '-infinity') AS at),
named AS (
    SELECT DISTINCT v.provider, v.model FROM ai_model_price_versions AS v
    WHERE lower(v.provider) = lower(%(provider)s COLLATE "C")
        AND lower(v.model) = lower(%(model)s COLLATE "C") AND v.source = 'custom'
),
ended AS (
    SELECT p.provider, p.model, p.at, c.effective_from,
        ai_custom_price_terms(c.version, p.at) AS before
    FROM (
        SELECT n.provider, n.model, s.at FROM starts AS s
        CROSS JOIN named AS n
        UNION
        SELECT v.provider, v.model, v.effective_from FROM starts AS s
        CROSS JOIN named AS n
        JOIN ai_model_price_versions AS v ON v.provider = n.provider AND v.model = n.model
            AND v.source = 'custom' AND v.effective_from > s.at
    ) AS p
    JOIN LATERAL (
        SELECT v AS version, v.effective_from, v.removed FROM ai_model_price_versions AS v
        WHERE v.provider = p.provider AND v.model = p.model AND v.source = 'custom'
            AND v.effective_from <= p.at
        ORDER BY v.effective_from DESC, v.id DESC
        LIMIT 1
    ) AS c ON NOT c.removed
),
written AS (
    INSERT INTO ai_model_price_versions (
        provider, model, source, effective_from, removed, continues, origin
    )
    SELECT e.provider, e.model, 'custom', e.at, true,
        e.at IS DISTINCT FROM %(since)s::timestamptz, %(actor_name)s
    FROM ended AS e
    ORDER BY e.provider, e.model, e.at
    RETURNING 1
),
audited AS (
    SELECT 'delete' AS action, 'ai_model_price' AS resource_type,
        e.provider || '/' || e.model AS resource_id,
        NULL::uuid AS organization_id, NULL::uuid AS group_id, NULL::uuid AS user_id,
        e.before || jsonb_build_object(
            'source', 'custom', 'effective_from', nullif(e.effective_from, '-infinity')
        ) AS before,
        NULL::jsonb AS after
    FROM ended AS e
    ORDER BY e.provider, e.model, e.at
),
entries AS (
    -- include: audit_entries
)
SELECT count(*) AS changed FROM written;
