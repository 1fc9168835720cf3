-- name: list_daily_spend
-- needs: read group_member in %(organization_id)s
-- A page of what an organization's users spent on the days of a period, by day, user and group.
-- User and group have their current names. A group of another organization shows no name.
SELECT s.day, s.user_id, u.username, s.group_id, g.name AS group_name, s.input_tokens,
    s.output_tokens, s.cache_read_tokens, s.cache_write_tokens, s.cache_write_1h_tokens,
    coalesce(s.other_units, '{}') AS other_units, s.usage_count, s.unpriced_usage_count,
    s.cost_micros, s.stated_cost_micros, s.stated_difference_micros
FROM (
    SELECT d.day, d.user_id, d.group_id, sum(d.input_tokens) AS input_tokens,
        sum(d.output_tokens) AS output_tokens, sum(d.cache_read_tokens) AS cache_read_tokens,
        sum(d.cache_write_tokens) AS cache_write_tokens,
        sum(d.cache_write_1h_tokens) AS cache_write_1h_tokens,
        ai_other_units_sum(d.other_units) AS other_units, sum(d.usage_count) AS usage_count,
        sum(d.unpriced_usage_count) AS unpriced_usage_count, sum(d.cost_micros) AS cost_micros,
        sum(d.stated_cost_micros) AS stated_cost_micros,
        sum(d.stated_difference_micros) AS stated_difference_micros
    FROM ai_spend_daily AS d
    WHERE d.organization_id = %(organization_id)s
        AND d.day >= (%(period_start)s::timestamptz AT TIME ZONE 'UTC')::date
        AND d.day < (%(period_end)s::timestamptz AT TIME ZONE 'UTC')::date
        AND (
            %(after_day)s::date IS NULL
            OR (d.day, d.user_id, d.group_id)
            > (%(after_day)s::date, %(after_user)s::uuid, %(after_group)s::uuid)
        )
    GROUP BY d.day, d.user_id, d.group_id
    -- Usage that was taken back leaves sums of nothing.
    HAVING sum(d.usage_count) <> 0 OR sum(d.cost_micros) <> 0
    ORDER BY d.day, d.user_id, d.group_id
    LIMIT %(limit)s::bigint
) AS s
LEFT JOIN users AS u ON u.id = s.user_id
LEFT JOIN groups AS g ON g.id = s.group_id AND g.organization_id = %(organization_id)s
ORDER BY s.day, s.user_id, s.group_id;

-- name: list_usage_by_hour
-- needs: read group_member in %(organization_id)s
-- A page of an organization's usage in a period, by hour, group, provider, model, label set, user,
-- variant, price and rates, with current names, from the given position on. It adds up one hour
-- after the other until the page is full. The labels of the set `other` are NULL.
SELECT s.hour, %(organization_id)s::uuid AS organization_id, o.name AS organization_name,
    s.group_id, g.name AS group_name, s.provider, s.model, s.label_set_id,
    (SELECT l.labels FROM ai_label_sets AS l WHERE l.id = s.label_set_id) AS labels, s.user_id,
    u.username, s.variant, s.price_version_id, s.rates_digest, s.rates, s.cost_micros,
    s.input_tokens, s.output_tokens, s.cache_read_tokens, s.cache_write_tokens,
    s.cache_write_1h_tokens, coalesce(s.other_units, '{}') AS other_units, s.usage_count,
    s.unpriced_usage_count, s.stated_cost_micros, s.stated_difference_micros
FROM (
    SELECT t.hour, h.*
    FROM (
        SELECT each.hour
        FROM generate_series(
            coalesce(%(from_hour)s::timestamptz, %(period_start)s::timestamptz),
            %(period_end)s::timestamptz - interval '1 hour', interval '1 hour'
        ) AS each (hour)
        WHERE EXISTS (
            SELECT 1 FROM ai_usage_quarter_hourly AS q
            WHERE q.organization_id = %(organization_id)s AND q.starts_at >= each.hour
                AND q.starts_at < each.hour + interval '1 hour'
        )
        ORDER BY each.hour
    ) AS t
    CROSS JOIN LATERAL ai_usage_of_hour(%(organization_id)s, t.hour) AS h
    WHERE %(from_hour)s::timestamptz IS NULL OR t.hour > %(from_hour)s::timestamptz
        OR (
            h.group_id, h.provider COLLATE "C", h.model COLLATE "C", h.label_set_id, h.user_id,
            h.variant COLLATE "C", h.price_version_id, h.rates_digest
        ) >= (
            %(from_group)s::uuid, %(from_provider)s::text, %(from_model)s::text,
            %(from_label_set)s::uuid, %(from_user)s::uuid, %(from_variant)s::text,
            %(from_version)s::bigint, %(from_rates)s::uuid
        )
    ORDER BY t.hour, h.group_id, h.provider COLLATE "C", h.model COLLATE "C", h.label_set_id,
        h.user_id, h.variant COLLATE "C", h.price_version_id, h.rates_digest
    LIMIT %(limit)s::bigint
) AS s
LEFT JOIN organizations AS o ON o.id = %(organization_id)s
LEFT JOIN groups AS g ON g.id = s.group_id AND g.organization_id = %(organization_id)s
LEFT JOIN users AS u ON u.id = s.user_id
ORDER BY s.hour, s.group_id, s.provider COLLATE "C", s.model COLLATE "C", s.label_set_id,
    s.user_id, s.variant COLLATE "C", s.price_version_id, s.rates_digest;
