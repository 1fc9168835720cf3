-- name: ensure_usage_months
-- Makes the months of the ledger that a batch falls into, where they are not there yet.
SELECT count(ensure_ai_usage_month(m.moment)) AS months FROM unnest(%(moments)s::timestamptz []) AS m (moment);

-- name: find_usage_users
-- The users of a batch by what they are called in it, and the group and organization that their spend counts against
-- now. Who left still has what was used before; only an address is given free by then.
WITH called AS (
    SELECT c.called, u.id
    FROM unnest(%(user_ids)s::uuid [], %(id_names)s::text []) AS c (id, called)
    JOIN users AS u ON u.id = c.id
    UNION ALL
    SELECT c.called, u.id
    FROM unnest(%(usernames)s::text []) AS c (called)
    JOIN users AS u ON u.username = c.called
    UNION ALL
    SELECT c.called, u.id
    FROM unnest(%(emails)s::text []) AS c (called)
    JOIN users AS u ON lower(u.email) = lower(c.called) AND u.status <> 'deleted'
)
SELECT c.called, c.id::text AS user_id, coalesce(g.id, '00000000-0000-0000-0000-000000000000')::text AS group_id,
    coalesce(g.organization_id, '00000000-0000-0000-0000-000000000000')::text AS organization_id,
    b.spend_limit_micros, b.limit_source
FROM called AS c
JOIN ai_effective_budgets(ARRAY(SELECT each.id FROM called AS each)) AS b ON b.user_id = c.id
LEFT JOIN groups AS g ON g.id = b.group_id;

-- name: find_usage_prices
-- For each name in a batch, between the first and the last time that it was used, the prices and from when on: those of
-- the likeliest name that it may stand for that has one, as `resolve_model_price` answers. `place` counts from 0.
WITH names AS (
    SELECT n.place - 1 AS place, n.since, n.until
    FROM unnest(%(sinces)s::timestamptz [], %(untils)s::timestamptz []) WITH ORDINALITY AS n (since, until, place)
),
candidates AS (
    SELECT c.place, c.provider COLLATE "C" AS provider, c.model COLLATE "C" AS model, c.rank
    FROM unnest(%(places)s::bigint [], %(providers)s::text [], %(models)s::text [])
        WITH ORDINALITY AS c (place, provider, model, rank)
),
known AS (
    SELECT c.place, v.provider, v.model,
        row_number() OVER (
            PARTITION BY c.place
            ORDER BY c.rank, v.provider <> c.provider OR v.model <> c.model, v.provider, v.model
        ) AS rank
    FROM candidates AS c
    CROSS JOIN LATERAL (
        SELECT DISTINCT each.provider, each.model
        FROM ai_model_price_versions AS each
        WHERE lower(each.provider) = lower(c.provider) AND lower(each.model) = lower(c.model)
    ) AS v
),
moments AS (
    SELECT n.place, n.since AS starts FROM names AS n
    UNION
    SELECT n.place, v.effective_from
    FROM names AS n
    JOIN known AS k ON k.place = n.place
    JOIN ai_model_price_versions AS v ON v.provider = k.provider AND v.model = k.model
        AND v.effective_from > n.since AND v.effective_from <= n.until
)
SELECT m.place, m.starts, p.provider, p.model, p.id AS version_id, ai_model_price_terms(p.version) AS terms
FROM moments AS m
LEFT JOIN LATERAL (
    SELECT of_name.provider, of_name.model, of_name.id, of_name.version
    FROM known AS k
    CROSS JOIN LATERAL (
        SELECT v.provider, v.model, v.id, v AS version
        FROM ai_model_prices_at(m.starts) AS v
        WHERE v.provider = k.provider AND v.model = k.model
        ORDER BY v.source
        LIMIT 1
    ) AS of_name
    WHERE k.place = m.place
    ORDER BY k.rank
    LIMIT 1
) AS p ON true
ORDER BY m.place, m.starts;

-- name: record_usage
-- Entries of the ledger, each with its key, what they add to the sums of the day, the hour and the month, and the alerts that
-- those raise: all or nothing. A key that is there already takes its entry out of all of it, and is answered with what it
-- was recorded with; the update, which changes nothing, is what shows it although it may be newer than the statement.
-- Everything is locked in the order of its key, and one table after the other (each counts the rows of the one before, for
-- that alone), so that writers wait for each other and never in a circle.
WITH kinds AS MATERIALIZED (
    SELECT k.kind, k.source, k.provider, k.model, k.variant, k.priced_provider, k.priced_model, k.price_version_id, k.rates
    FROM jsonb_to_recordset(%(kinds)s::jsonb) AS k (
        kind integer, source text, provider text, model text, variant text, priced_provider text, priced_model text,
        price_version_id bigint, rates jsonb
    )
),
given AS MATERIALIZED (
    SELECT nextval('ai_usage_keys_usage_id_seq') AS usage_id, e.place, k.source, e.id,
        decode(e.content_sha256, 'hex') AS content_sha256, e.corrects, p.user_id, p.group_id, p.organization_id, e.kind,
        e.input_tokens, e.output_tokens, e.cache_read_tokens, e.cache_write_tokens, e.cache_write_1h_tokens, e.cost_micros,
        (e.corrects IS NULL)::integer AS usage_count, e.unpriced_usage_count, e.occurred_at,
        (e.occurred_at AT TIME ZONE 'UTC')::date AS day,
        date_trunc('month', e.occurred_at AT TIME ZONE 'UTC')::date AS month
    FROM unnest(
        %(places)s::integer [], string_to_array(%(ids)s, E'\n'), string_to_array(%(content_sha256s)s, E'\n'),
        %(moments)s::timestamptz [], %(persons)s::integer [], %(kinds_of)s::integer [], %(input_tokens)s::bigint [],
        %(output_tokens)s::bigint [], %(cache_read_tokens)s::bigint [], %(cache_write_tokens)s::bigint [],
        %(cache_write_1h_tokens)s::bigint [], %(costs)s::bigint [], %(corrects)s::bigint [], %(unpriced_counts)s::bigint []
    ) AS e (
        place, id, content_sha256, occurred_at, person, kind, input_tokens, output_tokens, cache_read_tokens,
        cache_write_tokens, cache_write_1h_tokens, cost_micros, corrects, unpriced_usage_count
    )
    JOIN jsonb_to_recordset(%(people)s::jsonb) AS p (person integer, user_id uuid, group_id uuid, organization_id uuid)
        ON p.person = e.person
    JOIN kinds AS k ON k.kind = e.kind
),
keyed AS (
    INSERT INTO ai_usage_keys AS k (source, id, content_sha256, usage_id, occurred_at, cost_micros, priced)
    OVERRIDING SYSTEM VALUE
    SELECT g.source, g.id, g.content_sha256, g.usage_id, g.occurred_at, g.cost_micros, g.cost_micros IS NOT NULL
    FROM given AS g
    ORDER BY g.source COLLATE "C", g.id COLLATE "C"
    ON CONFLICT (source, id) DO UPDATE SET recorded_at = k.recorded_at
    RETURNING k.usage_id, k.source, k.id, k.content_sha256, k.cost_micros
),
fresh AS MATERIALIZED (
    SELECT g.usage_id, g.corrects, g.user_id, g.group_id, g.organization_id, g.kind, g.input_tokens, g.output_tokens,
        g.cache_read_tokens, g.cache_write_tokens, g.cache_write_1h_tokens, g.cost_micros, g.usage_count,
        g.unpriced_usage_count, g.occurred_at, g.day, g.month
    FROM given AS g
    JOIN keyed AS k ON k.usage_id = g.usage_id
),
entered AS (
    INSERT INTO ai_usage (
        id, reason, corrects, user_id, group_id, organization_id, provider, model, variant, priced_provider, priced_model,
        price_version_id, rates, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cache_write_1h_tokens,
        cost_micros, priced, usage_count, unpriced_usage_count, occurred_at
    )
    SELECT f.usage_id, CASE WHEN f.corrects IS NULL THEN 'usage' ELSE 'rerate' END, f.corrects, f.user_id, f.group_id,
        f.organization_id, k.provider, k.model, k.variant, k.priced_provider, k.priced_model, k.price_version_id, k.rates,
        f.input_tokens, f.output_tokens, f.cache_read_tokens, f.cache_write_tokens, f.cache_write_1h_tokens, f.cost_micros,
        f.cost_micros IS NOT NULL, f.usage_count, f.unpriced_usage_count, f.occurred_at
    FROM fresh AS f
    JOIN kinds AS k ON k.kind = f.kind
),
daily AS (
    INSERT INTO ai_spend_daily AS d (
        user_id, group_id, organization_id, day, cost_micros, input_tokens, output_tokens, cache_read_tokens,
        cache_write_tokens, cache_write_1h_tokens, usage_count, unpriced_usage_count
    )
    SELECT f.user_id, f.group_id, f.organization_id, f.day, coalesce(sum(f.cost_micros), 0), sum(f.input_tokens),
        sum(f.output_tokens), sum(f.cache_read_tokens), sum(f.cache_write_tokens), sum(f.cache_write_1h_tokens),
        sum(f.usage_count), sum(f.unpriced_usage_count)
    FROM fresh AS f
    GROUP BY f.user_id, f.group_id, f.organization_id, f.day
    ORDER BY f.user_id, f.group_id, f.day
    ON CONFLICT (user_id, group_id, day) DO UPDATE
    SET organization_id = excluded.organization_id,
        cost_micros = d.cost_micros + excluded.cost_micros,
        input_tokens = d.input_tokens + excluded.input_tokens,
        output_tokens = d.output_tokens + excluded.output_tokens,
        cache_read_tokens = d.cache_read_tokens + excluded.cache_read_tokens,
        cache_write_tokens = d.cache_write_tokens + excluded.cache_write_tokens,
        cache_write_1h_tokens = d.cache_write_1h_tokens + excluded.cache_write_1h_tokens,
        usage_count = d.usage_count + excluded.usage_count,
        unpriced_usage_count = d.unpriced_usage_count + excluded.unpriced_usage_count
    RETURNING d.day
),
of_users AS (
    INSERT INTO ai_user_spend_monthly AS m (user_id, month, cost_micros)
    SELECT f.user_id, f.month, coalesce(sum(f.cost_micros), 0)
    FROM fresh AS f
    WHERE (SELECT count(*) FROM daily) >= 0
    GROUP BY f.user_id, f.month
    ORDER BY f.user_id, f.month
    ON CONFLICT (user_id, month) DO UPDATE SET cost_micros = m.cost_micros + excluded.cost_micros
    RETURNING m.user_id, m.month, m.cost_micros
),
of_groups AS (
    INSERT INTO ai_group_spend_monthly AS m (group_id, month, user_id, cost_micros)
    SELECT f.group_id, f.month, f.user_id, coalesce(sum(f.cost_micros), 0)
    FROM fresh AS f
    WHERE (SELECT count(*) FROM of_users) >= 0
    GROUP BY f.group_id, f.month, f.user_id
    ORDER BY f.group_id, f.month, f.user_id
    ON CONFLICT (group_id, month, user_id) DO UPDATE SET cost_micros = m.cost_micros + excluded.cost_micros
    RETURNING m.month
),
-- Of the present month, or of the next by a clock that is ahead: of one that is over nobody can be stopped any more.
alerts AS (
    INSERT INTO ai_spend_alerts (
        user_id, period_start, threshold_percent, group_id, organization_id, limit_source, spend_limit_micros, spent_micros
    )
    SELECT m.user_id, m.month::timestamp AT TIME ZONE 'UTC', t.percent, b.group_id, b.organization_id, b.limit_source,
        b.spend_limit_micros, m.cost_micros
    FROM of_users AS m
    JOIN jsonb_to_recordset(%(budgets)s::jsonb) AS b (
        user_id uuid, group_id uuid, organization_id uuid, limit_source text, spend_limit_micros bigint
    ) ON b.user_id = m.user_id
    JOIN unnest(%(thresholds)s::bigint []) AS t (percent) ON m.cost_micros * 100 >= b.spend_limit_micros::numeric * t.percent
    WHERE m.cost_micros > 0 AND m.month >= date_trunc('month', now() AT TIME ZONE 'UTC')::date
    ORDER BY m.user_id, t.percent
    ON CONFLICT (user_id, period_start, threshold_percent) DO NOTHING
),
hourly AS (
    INSERT INTO ai_usage_hourly AS h (
        hour, organization_id, group_id, provider, model, cost_micros, input_tokens, output_tokens, cache_read_tokens,
        cache_write_tokens, cache_write_1h_tokens, usage_count, unpriced_usage_count
    )
    SELECT date_trunc('hour', f.occurred_at, 'UTC') AS hour, f.organization_id, f.group_id, k.provider, k.model,
        coalesce(sum(f.cost_micros), 0), sum(f.input_tokens), sum(f.output_tokens), sum(f.cache_read_tokens),
        sum(f.cache_write_tokens), sum(f.cache_write_1h_tokens), sum(f.usage_count), sum(f.unpriced_usage_count)
    FROM fresh AS f
    JOIN kinds AS k ON k.kind = f.kind
    WHERE (SELECT count(*) FROM of_groups) >= 0
    GROUP BY f.organization_id, hour, f.group_id, k.provider, k.model
    ORDER BY f.organization_id, hour, f.group_id, k.provider COLLATE "C", k.model COLLATE "C"
    ON CONFLICT (organization_id, hour, group_id, provider, model) DO UPDATE
    SET cost_micros = h.cost_micros + excluded.cost_micros,
        input_tokens = h.input_tokens + excluded.input_tokens,
        output_tokens = h.output_tokens + excluded.output_tokens,
        cache_read_tokens = h.cache_read_tokens + excluded.cache_read_tokens,
        cache_write_tokens = h.cache_write_tokens + excluded.cache_write_tokens,
        cache_write_1h_tokens = h.cache_write_1h_tokens + excluded.cache_write_1h_tokens,
        usage_count = h.usage_count + excluded.usage_count,
        unpriced_usage_count = h.unpriced_usage_count + excluded.unpriced_usage_count
)
SELECT g.place, encode(k.content_sha256, 'hex') AS content_sha256, k.cost_micros
FROM keyed AS k
JOIN given AS g ON g.source = k.source AND g.id = k.id AND g.usage_id <> k.usage_id;

-- name: get_usage_keys
-- What keys were recorded with, of which the records cannot be written any more: who was called so is gone since.
SELECT k.source, k.id, encode(k.content_sha256, 'hex') AS content_sha256, k.cost_micros
FROM unnest(%(sources)s::text [], %(usage_ids)s::text []) AS g (source, id)
JOIN ai_usage_keys AS k ON k.source = g.source COLLATE "C" AND k.id = g.id COLLATE "C";
