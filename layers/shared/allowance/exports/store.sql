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
    ORDER BY d.day, d.user_id, d.group_id
    LIMIT %(limit)s::bigint
) AS s
LEFT JOIN users AS u ON u.id = s.user_id
LEFT JOIN groups AS g ON g.id = s.group_id AND g.organization_id = %(organization_id)s
ORDER BY s.day, s.user_id, s.group_id;

-- name: list_charges
-- needs: read group in %(organization_id)s
-- A page of an organization's sums in a period, by hour, group, provider, model and label set, with
-- the current names of organization and group. It adds up one hour after the other until the page
-- is full. The labels of the set `other` are NULL.
SELECT s.hour, %(organization_id)s::uuid AS organization_id, o.name AS organization_name,
    s.group_id, g.name AS group_name, s.provider, s.model, s.label_set_id, l.labels,
    s.cost_micros, s.input_tokens, s.output_tokens, s.cache_read_tokens, s.cache_write_tokens,
    s.cache_write_1h_tokens, coalesce(s.other_units, '{}') AS other_units, s.usage_count,
    s.unpriced_usage_count, s.stated_cost_micros, s.stated_difference_micros
FROM (
    SELECT t.hour, c.group_id, c.provider, c.model, c.label_set_id, c.cost_micros, c.input_tokens,
        c.output_tokens, c.cache_read_tokens, c.cache_write_tokens, c.cache_write_1h_tokens,
        c.other_units, c.usage_count, c.unpriced_usage_count, c.stated_cost_micros,
        c.stated_difference_micros
    FROM (
        SELECT each.hour
        FROM generate_series(
            coalesce(%(after_hour)s::timestamptz, %(period_start)s::timestamptz),
            %(period_end)s::timestamptz - interval '1 hour', interval '1 hour'
        ) AS each (hour)
        ORDER BY each.hour
    ) AS t
    CROSS JOIN LATERAL (
        SELECT h.group_id, h.provider, h.model, h.label_set_id, sum(h.cost_micros) AS cost_micros,
            sum(h.input_tokens) AS input_tokens, sum(h.output_tokens) AS output_tokens,
            sum(h.cache_read_tokens) AS cache_read_tokens,
            sum(h.cache_write_tokens) AS cache_write_tokens,
            sum(h.cache_write_1h_tokens) AS cache_write_1h_tokens,
            ai_other_units_sum(h.other_units) AS other_units, sum(h.usage_count) AS usage_count,
            sum(h.unpriced_usage_count) AS unpriced_usage_count,
            sum(h.stated_cost_micros) AS stated_cost_micros,
            sum(h.stated_difference_micros) AS stated_difference_micros
        FROM ai_usage_quarter_hourly AS h
        WHERE h.organization_id = %(organization_id)s AND h.starts_at >= t.hour
            AND h.starts_at < t.hour + interval '1 hour'
            AND (
                %(after_hour)s::timestamptz IS NULL OR t.hour > %(after_hour)s::timestamptz
                OR (h.group_id, h.provider, h.model, h.label_set_id) > (
                    %(after_group)s::uuid, %(after_provider)s::text, %(after_model)s::text,
                    %(after_label_set)s::uuid
                )
            )
        GROUP BY h.group_id, h.provider, h.model, h.label_set_id
    ) AS c
    ORDER BY t.hour, c.group_id, c.provider, c.model, c.label_set_id
    LIMIT %(limit)s::bigint
) AS s
LEFT JOIN ai_label_sets AS l ON l.id = s.label_set_id
LEFT JOIN organizations AS o ON o.id = %(organization_id)s
LEFT JOIN groups AS g ON g.id = s.group_id AND g.organization_id = %(organization_id)s
ORDER BY s.hour, s.group_id, s.provider, s.model, s.label_set_id;
