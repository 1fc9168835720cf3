-- name: mark_spend_alerts
-- needs: update ai_spend_alert
-- Mark these alerts as received, so that the failure of another receiver repeats none of them.
UPDATE ai_spend_alerts AS a
SET sns_published_at = CASE WHEN %(receiver)s = 'sns' THEN now() ELSE a.sns_published_at END,
    event_put_at = CASE WHEN %(receiver)s = 'eventbridge' THEN now() ELSE a.event_put_at END
FROM jsonb_to_recordset(%(entries)s::jsonb) AS e (user_id uuid, period_start timestamptz,
    threshold_percent bigint)
WHERE a.user_id = e.user_id AND a.period_start = e.period_start
    AND a.threshold_percent = e.threshold_percent;
