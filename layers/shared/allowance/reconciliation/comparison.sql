-- name: list_recorded_models
-- needs: read group_member in %(organization_id)s
-- Return the usage of an organization by UTC day and model, with the alias of each name: from the
-- sums, never from single usages. One row more than the limit shows that there are too many.
WITH used AS MATERIALIZED (
    SELECT u.day, u.changed_at, u.provider, u.model, u.usage_count, u.unpriced_usage_count,
        u.cost_micros, u.input_tokens, u.output_tokens, u.cache_read_tokens, u.cache_write_tokens,
        u.cache_write_1h_tokens, u.stated_alone_micros, u.other_units
    FROM ai_usage_by_model(%(organization_id)s, %(first_day)s, %(end_day)s) AS u
    LIMIT %(most)s::bigint + 1
),
names AS (
    SELECT array_agg(n.place) AS places, array_agg(n.provider) AS providers,
        array_agg(n.model) AS models
    FROM (
        SELECT row_number() OVER () AS place, d.provider, d.model
        FROM (SELECT DISTINCT u.provider, u.model FROM used AS u) AS d
    ) AS n
),
-- include: aliases_of_names
SELECT u.day, u.changed_at, u.provider, u.model, u.usage_count, u.unpriced_usage_count,
    u.cost_micros, u.input_tokens, u.output_tokens, u.cache_read_tokens, u.cache_write_tokens,
    u.cache_write_1h_tokens, u.stated_alone_micros, u.other_units, a.target_provider,
    a.target_model, a.by_pattern
FROM used AS u
LEFT JOIN aliases AS a ON a.provider = u.provider AND a.model = u.model;

-- fragment: aliases_of_names
aliases AS MATERIALIZED (
    SELECT n.providers[a.place] AS provider, n.models[a.place] AS model, a.target_provider,
        a.target_model, a.is_pattern AS by_pattern
    FROM names AS n
    CROSS JOIN LATERAL ai_aliases_of_names(n.places, n.providers, n.models) AS a
)

-- name: list_unattributed_models
-- needs: read group_member in each %(organization_ids)s
-- Return the usage outside of all organizations, of users who are not known, by UTC day and model.
-- Nothing unless NULL, which stands for that, is one of the organizations.
SELECT u.day, u.changed_at, u.provider, u.model, u.usage_count, u.unpriced_usage_count,
    u.cost_micros, u.input_tokens, u.output_tokens, u.cache_read_tokens, u.cache_write_tokens,
    u.cache_write_1h_tokens, u.stated_alone_micros, u.other_units, NULL AS target_provider,
    NULL AS target_model, NULL::boolean AS by_pattern
FROM unnest(%(organization_ids)s::uuid []) AS o (id)
CROSS JOIN LATERAL ai_usage_by_model(
    '00000000-0000-0000-0000-000000000000', %(first_day)s, %(end_day)s
) AS u
WHERE o.id IS NULL
LIMIT %(most)s::bigint;

-- name: list_vendor_usage
-- needs: read group_member in %(organization_id)s
-- Return what vendors counted for an organization, with the alias of each name. One row more than
-- the limit shows that there are too many.
WITH counted AS MATERIALIZED (
    SELECT v.day, v.vendor, v.account, v.model, v.tokens, v.requests, v.cost_micros,
        v.usage_reported_at, v.cost_reported_at
    FROM ai_vendor_usage AS v
    WHERE v.organization_id = %(organization_id)s AND v.day >= %(first_day)s
        AND v.day < %(end_day)s
    LIMIT %(most)s::bigint + 1
),
names AS (
    SELECT array_agg(n.place) AS places, array_agg(n.provider) AS providers,
        array_agg(n.model) AS models
    FROM (
        SELECT row_number() OVER () AS place, d.provider, d.model
        FROM (SELECT DISTINCT c.vendor AS provider, c.model FROM counted AS c) AS d
    ) AS n
),
-- include: aliases_of_names
SELECT c.day, c.vendor, c.account, c.model, c.tokens, c.requests, c.cost_micros,
    c.usage_reported_at, c.cost_reported_at, a.target_provider, a.target_model, a.by_pattern
FROM counted AS c
-- Without a model there is no name, which a pattern could match.
LEFT JOIN aliases AS a ON a.provider = c.vendor AND a.model = c.model AND c.model <> '';

-- name: list_known_names
-- needs: read group_member in %(organization_id)s
-- Return the places of the names that have a price: a pattern of an alias does not apply to them.
SELECT DISTINCT n.place
FROM organizations AS o
CROSS JOIN unnest(%(places)s::bigint [], %(providers)s::text [], %(models)s::text [])
    AS n (place, provider, model)
WHERE o.id = %(organization_id)s AND EXISTS (
    SELECT 1 FROM ai_model_price_versions AS v
    WHERE lower(v.provider) = lower(n.provider COLLATE "C")
        AND lower(v.model) = lower(n.model COLLATE "C") AND NOT v.withdrawn
);
