-- name: end_expired_overrides
-- needs: update user
-- End a page of the overrides whose time is over, each with its audit entry.
SELECT e.user_id::text AS user_id FROM end_expired_overrides(%(limit)s) AS e (user_id);
