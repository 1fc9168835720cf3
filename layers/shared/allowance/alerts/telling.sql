-- name: mark_alerts
-- needs: update ai_spend_alert
-- Mark these alerts as accepted by a receiver, so that the failure of another repeats none of them.
INSERT INTO ai_alert_deliveries (alert_id, receiver)
SELECT a.alert_id, %(receiver)s FROM unnest(%(alert_ids)s::uuid []) AS a (alert_id)
ON CONFLICT (alert_id, receiver) DO NOTHING;
