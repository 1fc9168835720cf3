-- name: get_usage_rating
-- needs: update ai_usage
-- The time up to which prices are taken into account, and the current time.
SELECT r.rated_until, clock_timestamp() AS now FROM ai_usage_rating AS r;

-- name: set_usage_rating
-- needs: update ai_usage
-- Store the time up to which prices are taken into account.
UPDATE ai_usage_rating SET rated_until = greatest(rated_until, %(rated_until)s::timestamptz)
WHERE id;

-- name: list_changed_prices
-- needs: update ai_usage
-- The models whose price has a new version since a time, or in the hour before it. The hour is for
-- a batch that read the old price, and was written after a run that did not see the batch.
SELECT DISTINCT lower(v.provider) AS provider, lower(v.model) AS model
FROM ai_model_price_versions AS v
WHERE v.recorded_at > %(rated_until)s::timestamptz - interval '1 hour' AND NOT v.removed;

-- name: list_used_models
-- needs: update ai_usage
-- Every model, as it was sent, with usage in the ledger. Usage of dropped months cannot be rated.
SELECT h.provider, h.model, sum(h.unpriced_usage_count)::bigint AS unpriced_usage_count
FROM ai_usage_hourly AS h
WHERE date_trunc('month', h.hour, 'UTC') IN (SELECT m.starts FROM ai_usage_months() AS m (starts))
GROUP BY h.provider, h.model
ORDER BY h.provider, h.model;

-- name: list_booked_usage
-- needs: update ai_usage
-- A page of the usages of a model, each with the sum booked for it. The hourly sums locate them in
-- the ledger. An entry and its corrections have the same time and organization.
SELECT u.id, u.user_id::text AS user_id, u.group_id::text AS group_id,
    u.organization_id::text AS organization_id, u.provider, u.model, u.variant, u.occurred_at,
    u.input_tokens, u.output_tokens, u.cache_read_tokens, u.cache_write_tokens,
    u.cache_write_1h_tokens, booked.micros::bigint AS booked_micros,
    booked.entries - 1 AS corrections
FROM (
    SELECT DISTINCT h.organization_id, h.hour
    FROM ai_usage_hourly AS h
    WHERE h.provider = %(provider)s AND h.model = %(model)s
        AND date_trunc('month', h.hour, 'UTC')
        IN (SELECT m.starts FROM ai_usage_months() AS m (starts))
        AND (NOT %(unpriced_only)s::boolean OR h.unpriced_usage_count > 0)
        AND (
            %(after_organization)s::uuid IS NULL
            OR (h.organization_id, h.hour) >= (
                %(after_organization)s::uuid,
                date_trunc('hour', %(after_moment)s::timestamptz, 'UTC')
            )
        )
) AS hours
JOIN ai_usage AS u ON u.organization_id = hours.organization_id AND u.occurred_at >= hours.hour
    AND u.occurred_at < hours.hour + interval '1 hour'
CROSS JOIN LATERAL (
    SELECT sum(c.cost_micros) AS micros, count(*) AS entries
    FROM ai_usage AS c
    WHERE c.organization_id = u.organization_id AND c.occurred_at = u.occurred_at
        AND u.id IN (c.id, c.corrects)
) AS booked
WHERE u.reason = 'usage' AND u.provider = %(provider)s AND u.model = %(model)s
    AND (NOT %(unpriced_only)s::boolean OR booked.micros IS NULL)
    AND (
        %(after_organization)s::uuid IS NULL
        OR (u.organization_id, u.occurred_at, u.id)
        > (%(after_organization)s::uuid, %(after_moment)s::timestamptz, %(after_entry)s::bigint)
    )
ORDER BY u.organization_id, u.occurred_at, u.id
LIMIT %(limit)s::bigint;
