-- name: list_unpriced_usage
-- needs: read ai_usage
-- A page of the models, as they were sent, with usage that has no cost, those with the most first.
-- One row more than the limit shows that there is another page. Usage of dropped months is left
-- out: no later price could be booked for it.
SELECT h.provider, h.model, sum(h.unpriced_usage_count)::bigint AS unpriced_usage_count,
    sum(h.unread_usage_count)::bigint AS unread_usage_count, min(h.hour) AS first_hour,
    max(h.hour) AS last_hour
FROM ai_usage_hourly AS h
WHERE h.unpriced_usage_count > 0
    AND date_trunc('month', h.hour, 'UTC')
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
