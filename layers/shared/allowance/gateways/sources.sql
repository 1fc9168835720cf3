-- name: get_door_terms
-- needs: create ai_usage
-- The fields that may name the user of a source's messages, best first, and its estimate.
SELECT s.identity, s.estimate_micros
FROM ai_usage_sources AS s
WHERE s.source = %(source)s;
