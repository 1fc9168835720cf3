-- name: ensure_usage_months
-- needs: create ai_usage
-- Create the partitions of a batch's months, unless they exist.
SELECT count(ensure_ai_usage_month(m.starts)) AS months
FROM unnest(%(moments)s::timestamptz []) AS m (starts);

-- name: find_usage_users
-- needs: create or update ai_usage
-- The users of a batch by their names in it, and what their usage counts against now. The search is
-- in migrations/0045_usage_look_ups.sql, so that the session keeps its plans.
SELECT u.name, u.named_group, u.user_id::text AS user_id,
    -- include: attribution_of_usage
FROM ai_users_of_usage(
    %(user_ids)s::uuid [], %(id_names)s::text [], %(usernames)s::text [], %(emails)s::text [],
    %(names)s::text [], %(users_of_groups)s::text [], %(named_groups)s::text []
) AS u;

-- fragment: attribution_of_usage
    coalesce(u.group_id, '00000000-0000-0000-0000-000000000000')::text AS group_id,
    coalesce(u.organization_id, '00000000-0000-0000-0000-000000000000')::text AS organization_id,
    u.spend_limit_micros, u.limit_source

-- name: find_usage_prices
-- needs: create or update ai_usage
-- The prices of each name in a batch, from its first to its last usage, each with the time from
-- which it applies. As in `resolve_model_price`, the first of these applies: a custom price of the
-- likeliest candidate of the name's seller, the alias of the name, the likeliest candidate that has
-- a price, the alias of a pattern. `place` counts from 0. An alias is final: without a price of its
-- target there is none.
WITH names AS (
    SELECT n.place - 1 AS place, n.provider COLLATE "C" AS provider, n.model COLLATE "C" AS model,
        n.since, n.until
    FROM unnest(
        %(named_providers)s::text [], %(named_models)s::text [], %(sinces)s::timestamptz [],
        %(untils)s::timestamptz []
    ) WITH ORDINALITY AS n (provider, model, since, until, place)
),
candidates AS (
    SELECT c.place, c.provider COLLATE "C" AS provider, c.model COLLATE "C" AS model, c.is_sellers,
        c.rank
    FROM unnest(
        %(places)s::bigint [], %(providers)s::text [], %(models)s::text [],
        %(are_sellers)s::boolean []
    ) WITH ORDINALITY AS c (place, provider, model, is_sellers, rank)
),
known AS (
    SELECT c.place, v.provider, v.model, c.is_sellers,
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
aliases AS (
    -- include: aliases_of_names
),
possible AS (
    SELECT k.place, k.provider, k.model, 3 AS step, k.rank, k.is_sellers, false AS is_alias,
        false AS free
    FROM known AS k
    UNION ALL
    SELECT a.place, a.target_provider, a.target_model, CASE WHEN a.is_pattern THEN 4 ELSE 2 END, 0,
        false, true, a.free
    FROM aliases AS a
),
price_starts AS (
    SELECT n.place, n.since AS starts FROM names AS n
    UNION
    SELECT n.place, v.effective_from
    FROM names AS n
    JOIN possible AS o ON o.place = n.place
    CROSS JOIN LATERAL (
        SELECT o.provider, o.model
        UNION
        -- A custom price also changes with the price of the book that it is laid over.
        SELECT c.base_provider, c.base_model
        FROM ai_model_price_versions AS c
        WHERE c.provider = o.provider AND c.model = o.model AND c.source = 'custom'
        UNION
        -- So it does with the target of an alias, and what that one is laid over.
        SELECT t.provider, t.model
        FROM ai_model_price_versions AS c
        CROSS JOIN LATERAL ai_aliases_of(c.provider, c.model) AS a
        CROSS JOIN LATERAL (
            SELECT a.target_provider AS provider, a.target_model AS model
            UNION ALL
            SELECT b.base_provider, b.base_model
            FROM ai_model_price_versions AS b
            WHERE b.provider = a.target_provider AND b.model = a.target_model
                AND b.source = 'custom'
        ) AS t
        WHERE c.provider = o.provider AND c.model = o.model AND c.source = 'custom'
    ) AS rows_of
    JOIN ai_model_price_versions AS v ON v.provider = rows_of.provider AND v.model = rows_of.model
        AND v.effective_from > n.since AND v.effective_from <= n.until
)
SELECT s.place, s.starts, p.provider, p.model, p.id AS version_id,
    ai_model_price_terms(p.version) AS terms, coalesce(p.free, false) AS free
FROM price_starts AS s
LEFT JOIN LATERAL (
    SELECT of_name.provider, of_name.model, of_name.id, of_name.version, o.free
    FROM possible AS o
    LEFT JOIN LATERAL (
        SELECT v.provider, v.model, v.id, v.source, v AS version
        FROM ai_model_prices_at(s.starts) AS v
        WHERE v.provider = o.provider AND v.model = o.model
        ORDER BY v.source
        LIMIT 1
    ) AS of_name ON true
    WHERE o.place = s.place AND (of_name.id IS NOT NULL OR o.is_alias)
    ORDER BY CASE WHEN o.is_sellers AND of_name.source = 'custom' THEN 1 ELSE o.step END, o.rank
    LIMIT 1
) AS p ON true
ORDER BY s.place, s.starts;

-- name: find_usage_sources
-- needs: create or update ai_usage
-- The settings of the sources in a batch, of those that have any.
SELECT s.source, s.cost_from
FROM ai_usage_sources AS s
WHERE s.source = ANY(%(sources)s::text []);

-- name: list_usage_keys
-- needs: create or update ai_usage
-- The content and cost of each key that is recorded already, the cost in 1e-12 USD, whether its
-- user is known, and its changes in their order.
SELECT uuid_send(d.key_digest) AS key_digest, d.content_sha256,
    trunc(d.cost_micros * 1000000) AS cost_picos,
    NOT EXISTS (
        SELECT 1 FROM ai_usage_unattributed AS u WHERE u.key_digest = d.key_digest
    ) AS attributed,
    changed.changes
FROM ai_usage_keys AS d
CROSS JOIN LATERAL (
    -- Whole numbers: JSON with decimals would become binary fractions.
    SELECT json_agg(
        json_build_object(
            'content', encode(r.content_sha256, 'hex'), 'revision', r.revision,
            'cost_picos', trunc(r.cost_micros * 1000000)
        )
        ORDER BY r.number
    ) AS changes
    FROM ai_usage_revisions AS r
    WHERE r.key_digest = d.key_digest
) AS changed
WHERE d.key_digest = ANY(%(key_digests)s::uuid []);

-- name: find_usage_recorders
-- needs: create or update ai_usage
-- Who recorded each of these usages, NULL for the queue, for whom it is booked, and whether it is
-- still in the ledger.
SELECT uuid_send(r.key_digest) AS key_digest, r.recorded_by, r.user_id, r.is_present
FROM ai_usage_recorders(%(key_digests)s::uuid []) AS r;
