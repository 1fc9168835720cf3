-- name: list_unpriced_usage
-- needs: read ai_usage
-- A page of the models, as they were sent, with usage that has no cost, those with the most first.
-- One row more than the limit shows that there is another page. Usage of dropped months is left
-- out: no later price could be booked for it.
SELECT h.provider, h.model, sum(h.unpriced_usage_count)::bigint AS unpriced_usage_count,
    sum(h.unread_usage_count)::bigint AS unread_usage_count,
    date_trunc('hour', min(h.starts_at), 'UTC') AS first_hour,
    date_trunc('hour', max(h.starts_at), 'UTC') AS last_hour
FROM ai_usage_quarter_hourly AS h
WHERE h.unpriced_usage_count > 0
    AND date_trunc('month', h.starts_at, 'UTC')
    IN (SELECT m.starts FROM ai_usage_months() AS m (starts))
GROUP BY h.provider, h.model
HAVING %(after_count)s::bigint IS NULL
    OR sum(h.unpriced_usage_count) < %(after_count)s::bigint
    OR (
        sum(h.unpriced_usage_count) = %(after_count)s::bigint
        AND (h.provider, h.model) > (%(after_provider)s::text, %(after_model)s::text)
    )
ORDER BY sum(h.unpriced_usage_count) DESC, h.provider, h.model
LIMIT %(limit)s::bigint + 1;

-- name: list_cost_differences
-- needs: read ai_usage
-- A page of the models, as they were sent, with usage that has a cost of ours and states one, those
-- with the largest difference first. One row more than the limit shows that there is another page.
SELECT d.provider, d.model, d.usage_count, d.cost_micros,
    d.cost_micros - d.difference_micros AS stated_cost_micros, d.difference_micros,
    trunc(abs(d.difference_micros) * 1000000) AS difference_picos
FROM (
    SELECT h.provider, h.model, sum(h.compared_usage_count)::bigint AS usage_count,
        sum(h.compared_cost_micros) AS cost_micros,
        sum(h.stated_difference_micros) AS difference_micros
    FROM ai_usage_quarter_hourly AS h
    WHERE h.compared_usage_count > 0
    GROUP BY h.provider, h.model
) AS d
WHERE %(after_difference)s::numeric IS NULL
    OR abs(d.difference_micros) * 1000000 < %(after_difference)s::numeric
    OR (
        abs(d.difference_micros) * 1000000 = %(after_difference)s::numeric
        AND (d.provider, d.model) > (%(after_provider)s::text, %(after_model)s::text)
    )
ORDER BY abs(d.difference_micros) DESC, d.provider, d.model
LIMIT %(limit)s::bigint + 1;
