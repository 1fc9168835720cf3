-- name: list_daily_spend
-- needs: read group_member in %(organization_id)s
-- A page of what an organization's users spent on the days of a period, by day, user and group.
-- User and group have their current names. A group of another organization shows no name.
SELECT s.day, s.user_id, u.username, s.group_id, g.name AS group_name, s.input_tokens,
    s.output_tokens, s.cache_read_tokens, s.cache_write_tokens, s.cache_write_1h_tokens,
    coalesce(s.other_units, '{}') AS other_units, s.usage_count, s.unpriced_usage_count,
    s.cost_micros, s.stated_cost_micros, s.stated_difference_micros
FROM (
    SELECT d.day, d.user_id, d.group_id, d.organization_id, d.input_tokens, d.output_tokens,
        d.cache_read_tokens, d.cache_write_tokens, d.cache_write_1h_tokens, d.other_units,
        d.usage_count, d.unpriced_usage_count, d.cost_micros, d.stated_cost_micros,
        d.stated_difference_micros
    FROM ai_spend_daily AS d
    WHERE d.organization_id = %(organization_id)s
        AND d.day >= (%(period_start)s::timestamptz AT TIME ZONE 'UTC')::date
        AND d.day < (%(period_end)s::timestamptz AT TIME ZONE 'UTC')::date
        AND (
            %(after_day)s::date IS NULL
            OR (d.day, d.user_id, d.group_id)
            > (%(after_day)s::date, %(after_user)s::uuid, %(after_group)s::uuid)
        )
    ORDER BY d.day, d.user_id, d.group_id
    LIMIT %(limit)s::bigint
) AS s
LEFT JOIN users AS u ON u.id = s.user_id
LEFT JOIN groups AS g ON g.id = s.group_id AND g.organization_id = s.organization_id
ORDER BY s.day, s.user_id, s.group_id;

-- name: list_charges
-- needs: read group in %(organization_id)s
-- A page of an organization's hourly sums in a period, by hour, group, provider and model, with the
-- current names of organization and group.
SELECT s.hour, s.organization_id, o.name AS organization_name, s.group_id, g.name AS group_name,
    s.provider, s.model, s.cost_micros, s.input_tokens, s.output_tokens, s.cache_read_tokens,
    s.cache_write_tokens, s.cache_write_1h_tokens, coalesce(s.other_units, '{}') AS other_units,
    s.usage_count, s.unpriced_usage_count, s.stated_cost_micros, s.stated_difference_micros
FROM (
    SELECT h.hour, h.organization_id, h.group_id, h.provider, h.model, h.cost_micros,
        h.input_tokens, h.output_tokens, h.cache_read_tokens, h.cache_write_tokens,
        h.cache_write_1h_tokens, h.other_units, h.usage_count, h.unpriced_usage_count,
        h.stated_cost_micros, h.stated_difference_micros
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
