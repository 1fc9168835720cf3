-- name: list_unpriced_usage
-- A page of the models whose usage has no cost, as they were sent, those with the most of it first;
-- one more than it holds tells whether there is another. Usage of months that were dropped is not
-- among it: no price that comes would be booked.
SELECT h.provider, h.model, sum(h.unpriced_usage_count)::bigint AS unpriced_usage_count,
    min(h.hour) AS first_hour,
    max(h.hour) AS last_hour
FROM ai_usage_hourly AS h
WHERE h.unpriced_usage_count > 0 AND date_trunc('month', h.hour,
    'UTC') IN (SELECT m.starts FROM ai_usage_months() AS m (starts))
GROUP BY h.provider, h.model
HAVING %(after_count)s::bigint IS NULL
    OR sum(h.unpriced_usage_count) < %(after_count)s::bigint
    OR (
        sum(h.unpriced_usage_count) = %(after_count)s::bigint
        AND (h.provider, h.model) > (%(after_provider)s::text, %(after_model)s::text)
    )
ORDER BY sum(h.unpriced_usage_count) DESC, h.provider, h.model
LIMIT %(limit)s::bigint + 1;

-- name: get_usage_rating
-- Until when prices were taken into account, and what time it is.
SELECT r.rated_until, clock_timestamp() AS now FROM ai_usage_rating AS r;

-- name: set_usage_rating
-- Remembers until when prices were taken into account.
UPDATE ai_usage_rating SET rated_until = greatest(rated_until, %(rated_until)s::timestamptz)
    WHERE id;

-- name: list_changed_prices
-- The models whose price got another version since a time, or in the hour before it: a batch may
-- have read the prices of then and be written after a run that did not see it.
SELECT DISTINCT lower(v.provider) AS provider, lower(v.model) AS model
FROM ai_model_price_versions AS v
WHERE v.recorded_at > %(rated_until)s::timestamptz - interval '1 hour' AND NOT v.removed;

-- name: list_used_models
-- Every model of usage that is in the ledger, as it was sent: what was dropped cannot be rated.
SELECT h.provider, h.model, sum(h.unpriced_usage_count)::bigint AS unpriced_usage_count
FROM ai_usage_hourly AS h
WHERE date_trunc('month', h.hour, 'UTC') IN (SELECT m.starts FROM ai_usage_months() AS m (starts))
GROUP BY h.provider, h.model
ORDER BY h.provider, h.model;

-- name: list_booked_usage
-- A page of the usages of a model, with all that was booked for each. The hours say where in the
-- ledger they are, and an entry and its corrections lie together.
SELECT u.id, u.user_id::text AS user_id, u.group_id::text AS group_id,
    u.organization_id::text AS organization_id, u.provider, u.model, u.variant, u.occurred_at,
    u.input_tokens, u.output_tokens, u.cache_read_tokens, u.cache_write_tokens,
    u.cache_write_1h_tokens, booked.micros::bigint AS booked_micros,
    booked.entries - 1 AS corrections
FROM (
    SELECT DISTINCT h.organization_id, h.hour
    FROM ai_usage_hourly AS h
    WHERE h.provider = %(provider)s AND h.model = %(model)s
        AND date_trunc('month', h.hour, 'UTC') IN (SELECT m.starts
            FROM ai_usage_months() AS m (starts))
        AND (NOT %(unpriced_only)s::boolean OR h.unpriced_usage_count > 0)
        AND (
            %(after_organization)s::uuid IS NULL
            OR (h.organization_id, h.hour)
            >= (%(after_organization)s::uuid,
            date_trunc('hour', %(after_moment)s::timestamptz, 'UTC'))
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

-- name: get_time
-- What time it is: whoever asks goes by this clock.
SELECT now() AS now;

-- name: list_charged_organizations
-- The organizations of which something was used in a period, deleted ones too, and the UUID of
-- zeros for what was used outside of any. Each is looked for by the index.
SELECT o.id
FROM (
    SELECT each.id FROM organizations AS each
    UNION ALL
    SELECT '00000000-0000-0000-0000-000000000000'::uuid
) AS o
WHERE EXISTS (
    SELECT 1 FROM ai_usage_hourly AS h
    WHERE h.organization_id = o.id AND h.hour >= %(period_start)s AND h.hour < %(period_end)s
)
ORDER BY o.id;

-- name: list_charges
-- A page of the sums of an organization's hours in a period, by hour, group, provider and model,
-- with the names that organization and group have now.
SELECT s.hour, s.organization_id, o.name AS organization_name, s.group_id, g.name AS group_name,
    s.provider, s.model, s.cost_micros, s.input_tokens, s.output_tokens, s.cache_read_tokens,
    s.cache_write_tokens, s.cache_write_1h_tokens, s.usage_count, s.unpriced_usage_count
FROM (
    SELECT h.hour, h.organization_id, h.group_id, h.provider, h.model, h.cost_micros,
        h.input_tokens, h.output_tokens, h.cache_read_tokens, h.cache_write_tokens,
        h.cache_write_1h_tokens, h.usage_count, h.unpriced_usage_count
    FROM ai_usage_hourly AS h
    WHERE h.organization_id = %(organization_id)s AND h.hour >= %(period_start)s
        AND h.hour < %(period_end)s
        AND (
            %(after_hour)s::timestamptz IS NULL
            OR (h.hour, h.group_id, h.provider, h.model) > (
                %(after_hour)s::timestamptz, %(after_group)s::uuid, %(after_provider)s::text,
                %(after_model)s::text
            )
        )
    ORDER BY h.hour, h.group_id, h.provider, h.model
    LIMIT %(limit)s::bigint
) AS s
LEFT JOIN organizations AS o ON o.id = s.organization_id
LEFT JOIN groups AS g ON g.id = s.group_id AND g.organization_id = s.organization_id
ORDER BY s.hour, s.group_id, s.provider, s.model;
