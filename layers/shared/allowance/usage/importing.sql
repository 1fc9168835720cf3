-- name: get_source_identity
-- needs: create ai_usage
-- Return the fields of a source's messages that name the user; no row: it has the defaults.
SELECT s.identity
FROM ai_usage_sources AS s
WHERE s.source = %(source)s;
