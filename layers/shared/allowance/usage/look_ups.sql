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
-- which it applies. `resolve_model_price` follows the same rule.
SELECT p.place, p.starts, p.provider, p.model, p.version_id, p.terms, p.free
FROM ai_prices_of_usage(
    %(named_providers)s::text [], %(named_models)s::text [], %(sinces)s::timestamptz [],
    %(untils)s::timestamptz [], %(places)s::bigint [], %(providers)s::text [], %(models)s::text [],
    %(are_sellers)s::boolean []
) AS p;

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
