-- name: list_days_to_roll_up
-- needs: update ai_usage
-- A page of the days of organizations that are over and not rolled up, the latest first.
SELECT d.organization_id, d.day
FROM ai_days_to_roll_up(%(before_day)s, %(after_organization)s, %(limit)s) AS d;

-- name: roll_up_day
-- needs: update ai_usage
-- Roll up a day of an organization, unless late usage is being written.
SELECT roll_up_ai_day(%(organization_id)s, %(day)s) AS is_rolled_up;
