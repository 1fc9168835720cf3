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
    coalesce(g.organization_id, '00000000-0000-0000-0000-000000000000')::text AS organization_id
FROM called AS c
LEFT JOIN LATERAL ai_effective_budget(c.id) AS b ON true
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
-- Entries of the ledger, each with its key, and what they add to the sums of the day and of the hour: all or nothing. A key
-- that is there already takes its entry out of all of it. Everything is locked in the order of its key, so that writers
-- wait for each other and never in a circle. Answers which entries were new, by their place.
WITH given AS (
    SELECT g.place, g.source, g.id, decode(g.content_sha256, 'hex') AS content_sha256, g.reason, g.corrects, g.user_id,
        g.group_id, g.organization_id, g.provider, g.model, g.variant, g.priced_provider, g.priced_model, g.price_version_id,
        g.rates, g.input_tokens, g.output_tokens, g.cache_read_tokens, g.cache_write_tokens, g.cache_write_1h_tokens,
        g.cost_micros, g.usage_count, g.unpriced_usage_count, g.occurred_at
    FROM jsonb_to_recordset(%(entries)s::jsonb) AS g (
        place integer, source text, id text, content_sha256 text, reason text, corrects bigint, user_id uuid, group_id uuid,
        organization_id uuid, provider text, model text, variant text, priced_provider text, priced_model text,
        price_version_id bigint, rates jsonb, input_tokens bigint, output_tokens bigint, cache_read_tokens bigint,
        cache_write_tokens bigint, cache_write_1h_tokens bigint, cost_micros bigint, usage_count bigint,
        unpriced_usage_count bigint, occurred_at timestamptz
    )
),
keyed AS (
    INSERT INTO ai_usage_keys AS k (source, id, content_sha256, occurred_at, cost_micros, priced)
    SELECT g.source, g.id, g.content_sha256, g.occurred_at, g.cost_micros, g.cost_micros IS NOT NULL
    FROM given AS g
    ORDER BY g.source COLLATE "C", g.id COLLATE "C"
    ON CONFLICT (source, id) DO NOTHING
    RETURNING k.source, k.id, k.usage_id
),
fresh AS (
    SELECT k.usage_id, g.place, g.reason, g.corrects, g.user_id, g.group_id, g.organization_id, g.provider, g.model,
        g.variant, g.priced_provider, g.priced_model, g.price_version_id, g.rates, g.input_tokens, g.output_tokens,
        g.cache_read_tokens, g.cache_write_tokens, g.cache_write_1h_tokens, g.cost_micros, g.usage_count,
        g.unpriced_usage_count, g.occurred_at
    FROM given AS g
    JOIN keyed AS k ON k.source = g.source AND k.id = g.id
),
entered AS (
    INSERT INTO ai_usage (
        id, reason, corrects, user_id, group_id, organization_id, provider, model, variant, priced_provider, priced_model,
        price_version_id, rates, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cache_write_1h_tokens,
        cost_micros, priced, usage_count, unpriced_usage_count, occurred_at
    )
    SELECT f.usage_id, f.reason, f.corrects, f.user_id, f.group_id, f.organization_id, f.provider, f.model, f.variant,
        f.priced_provider, f.priced_model, f.price_version_id, f.rates, f.input_tokens, f.output_tokens,
        f.cache_read_tokens, f.cache_write_tokens, f.cache_write_1h_tokens, f.cost_micros, f.cost_micros IS NOT NULL,
        f.usage_count, f.unpriced_usage_count, f.occurred_at
    FROM fresh AS f
    ORDER BY f.organization_id, f.occurred_at
),
daily AS (
    INSERT INTO ai_spend_daily AS d (
        user_id, group_id, organization_id, day, cost_micros, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,
        cache_write_1h_tokens, usage_count, unpriced_usage_count
    )
    SELECT f.user_id, f.group_id, f.organization_id, (f.occurred_at AT TIME ZONE 'UTC')::date AS day, coalesce(sum(f.cost_micros), 0),
        sum(f.input_tokens), sum(f.output_tokens), sum(f.cache_read_tokens), sum(f.cache_write_tokens),
        sum(f.cache_write_1h_tokens), sum(f.usage_count), sum(f.unpriced_usage_count)
    FROM fresh AS f
    GROUP BY f.user_id, f.group_id, f.organization_id, day
    ORDER BY f.user_id, f.group_id, day
    ON CONFLICT (user_id, group_id, day) DO UPDATE
    SET cost_micros = d.cost_micros + excluded.cost_micros,
        input_tokens = d.input_tokens + excluded.input_tokens,
        output_tokens = d.output_tokens + excluded.output_tokens,
        cache_read_tokens = d.cache_read_tokens + excluded.cache_read_tokens,
        cache_write_tokens = d.cache_write_tokens + excluded.cache_write_tokens,
        cache_write_1h_tokens = d.cache_write_1h_tokens + excluded.cache_write_1h_tokens,
        usage_count = d.usage_count + excluded.usage_count,
        unpriced_usage_count = d.unpriced_usage_count + excluded.unpriced_usage_count
),
of_users AS (
    INSERT INTO ai_user_spend_monthly AS m (user_id, month, cost_micros)
    SELECT f.user_id, date_trunc('month', f.occurred_at AT TIME ZONE 'UTC')::date AS month, coalesce(sum(f.cost_micros), 0)
    FROM fresh AS f
    GROUP BY f.user_id, month
    ORDER BY f.user_id, month
    ON CONFLICT (user_id, month) DO UPDATE SET cost_micros = m.cost_micros + excluded.cost_micros
),
of_groups AS (
    INSERT INTO ai_group_spend_monthly AS m (group_id, month, user_id, cost_micros)
    SELECT f.group_id, date_trunc('month', f.occurred_at AT TIME ZONE 'UTC')::date AS month, f.user_id,
        coalesce(sum(f.cost_micros), 0)
    FROM fresh AS f
    GROUP BY f.group_id, month, f.user_id
    ORDER BY f.group_id, month, f.user_id
    ON CONFLICT (group_id, month, user_id) DO UPDATE SET cost_micros = m.cost_micros + excluded.cost_micros
),
hourly AS (
    INSERT INTO ai_usage_hourly AS h (
        hour, organization_id, group_id, provider, model, cost_micros, input_tokens, output_tokens, cache_read_tokens,
        cache_write_tokens, cache_write_1h_tokens, usage_count, unpriced_usage_count
    )
    SELECT date_trunc('hour', f.occurred_at, 'UTC') AS hour, f.organization_id, f.group_id, f.provider, f.model,
        coalesce(sum(f.cost_micros), 0), sum(f.input_tokens), sum(f.output_tokens), sum(f.cache_read_tokens),
        sum(f.cache_write_tokens), sum(f.cache_write_1h_tokens), sum(f.usage_count), sum(f.unpriced_usage_count)
    FROM fresh AS f
    GROUP BY f.organization_id, hour, f.group_id, f.provider, f.model
    ORDER BY f.organization_id, hour, f.group_id, f.provider COLLATE "C", f.model COLLATE "C"
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
SELECT coalesce(array_agg(f.place), '{}') AS places FROM fresh AS f;

-- name: get_usage_keys
-- Of these keys those that an earlier transaction took, with what was answered then. In the trip of `record_usage`, which
-- waits for whoever takes the same key: this statement sees what that one waited for.
SELECT k.source, k.id, k.content_sha256, k.cost_micros, k.priced
FROM jsonb_to_recordset(%(keys)s::jsonb) AS g (source text, id text)
CROSS JOIN LATERAL (
    SELECT each.source, each.id, each.content_sha256, each.cost_micros, each.priced
    FROM ai_usage_keys AS each
    WHERE each.source = g.source COLLATE "C" AND each.id = g.id COLLATE "C"
        AND each.xmin IS DISTINCT FROM pg_current_xact_id_if_assigned()::xid
    -- One at a time by its index: the planner does not know how many keys there are by now.
    LIMIT 1
) AS k;
