-- name: list_daily_spend
-- A page of what an organization's users spent on the days of a period, by day, user and group,
-- with the names that they have now. A group of another organization would show no name.
SELECT s.day, s.user_id, u.username, s.group_id, g.name AS group_name, s.input_tokens,
    s.output_tokens, s.cache_read_tokens, s.cache_write_tokens, s.cache_write_1h_tokens,
    s.usage_count, s.unpriced_usage_count, s.cost_micros
FROM (
    SELECT d.day, d.user_id, d.group_id, d.organization_id, d.input_tokens, d.output_tokens,
        d.cache_read_tokens, d.cache_write_tokens, d.cache_write_1h_tokens, d.usage_count,
        d.unpriced_usage_count, d.cost_micros
    FROM ai_spend_daily AS d
    WHERE d.organization_id = %(organization_id)s
        AND d.day >= (%(period_start)s::timestamptz AT TIME ZONE 'UTC')::date
        AND d.day < (%(period_end)s::timestamptz AT TIME ZONE 'UTC')::date
        AND (
            %(after_day)s::date IS NULL
            OR (d.day, d.user_id, d.group_id) > (%(after_day)s::date, %(after_user)s::uuid,
                %(after_group)s::uuid)
        )
    ORDER BY d.day, d.user_id, d.group_id
    LIMIT %(limit)s::bigint
) AS s
LEFT JOIN users AS u ON u.id = s.user_id
LEFT JOIN groups AS g ON g.id = s.group_id AND g.organization_id = s.organization_id
ORDER BY s.day, s.user_id, s.group_id;
