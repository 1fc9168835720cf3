-- name: get_usage_rating
-- needs: update ai_usage
-- Return what rerating has taken into account, the last change of a price or an alias, and the last
-- one of those that are all older than `settling`. Versions and aliases share their numbers.
SELECT r.seen_version_id, r.settled_version_id, r.rules, r.rules_changed_at, latest.version_id
    AS latest_version_id, clock_timestamp() AS now,
    coalesce(
        least(
            (
                SELECT min(v.id) - 1 FROM ai_model_price_versions AS v
                WHERE v.id > r.settled_version_id
                    AND v.recorded_at > clock_timestamp() - %(settling)s::interval
            ),
            (
                SELECT min(a.change_id) - 1 FROM ai_model_aliases AS a
                WHERE a.change_id > r.settled_version_id
                    AND a.updated_at > clock_timestamp() - %(settling)s::interval
            )
        ),
        latest.version_id
    ) AS settling_version_id
FROM ai_usage_rating AS r
CROSS JOIN (
    SELECT greatest(
        (SELECT max(v.id) FROM ai_model_price_versions AS v),
        (SELECT max(a.change_id) FROM ai_model_aliases AS a), 0
    ) AS version_id
) AS latest;

-- name: set_usage_rating
-- needs: update ai_usage
-- Store what rerating has taken into account.
UPDATE ai_usage_rating AS r
SET seen_version_id = greatest(r.seen_version_id, %(seen)s::bigint),
    settled_version_id = greatest(r.settled_version_id, %(settled)s::bigint),
    rules = %(rules)s, rules_changed_at = %(rules_changed_at)s::timestamptz
WHERE r.id;

-- name: list_changed_prices
-- needs: update ai_usage
-- Return the models with a version that no pass has taken into account, and those with one that
-- needs its second pass. A version changes the cost of usage from its effective_from on. A second
-- pass needs only usage that was recorded after the version, or shortly before. An alias changes
-- usage of any time. The aliases of a model with a new version come too, and the custom prices that
-- are laid over it, or over what an alias of their name leads to.
WITH changed AS (
    SELECT v.provider, v.model, greatest(min(v.effective_from), %(first)s::timestamptz) AS since,
        CASE
            WHEN bool_or(v.id > %(seen)s::bigint) THEN %(first)s::timestamptz
            ELSE min(v.recorded_at) - %(settling)s::interval
        END AS recorded_since
    FROM ai_model_price_versions AS v
    WHERE v.id > %(settled)s::bigint AND v.id <= %(latest)s::bigint
        AND (v.id > %(seen)s::bigint OR v.id <= %(settling_version)s::bigint)
    GROUP BY v.provider, v.model
),
versions AS (
    SELECT v.provider, v.model, v.since, v.recorded_since FROM changed AS v
    UNION ALL
    SELECT DISTINCT c.provider, c.model, v.since, v.recorded_since
    FROM changed AS v
    JOIN ai_model_price_versions AS c ON c.base_provider = v.provider AND c.base_model = v.model
),
aliases AS (
    SELECT a.provider, a.model, v.since, v.recorded_since
    FROM versions AS v
    JOIN ai_model_aliases AS a ON lower(a.target_provider) = lower(v.provider)
        AND lower(a.target_model) = lower(v.model)
    UNION ALL
    SELECT a.provider, a.model, %(first)s::timestamptz,
        CASE
            WHEN a.change_id > %(seen)s::bigint THEN %(first)s::timestamptz
            ELSE a.updated_at - %(settling)s::interval
        END
    FROM ai_model_aliases AS a
    WHERE a.change_id > %(settled)s::bigint AND a.change_id <= %(latest)s::bigint
        AND (a.change_id > %(seen)s::bigint OR a.change_id <= %(settling_version)s::bigint)
)
SELECT v.provider, v.model, false AS is_alias, v.since, v.recorded_since FROM versions AS v
UNION ALL
SELECT a.provider, a.model, true, a.since, a.recorded_since FROM aliases AS a
UNION ALL
SELECT DISTINCT c.provider, c.model, false, a.since, a.recorded_since
FROM aliases AS a
JOIN ai_model_price_versions AS c ON lower(c.provider) = lower(a.provider)
    AND (
        lower(c.model) = lower(a.model)
        OR (a.model LIKE '%%*' AND starts_with(lower(c.model), left(lower(a.model), -1)))
    )
WHERE c.source = 'custom';

-- name: list_used_models
-- needs: update ai_usage
-- A page of the models, as they were sent, of which there is usage. One step in the index for each
-- model, however much usage it has.
WITH RECURSIVE used AS (
    (
        SELECT h.provider, h.model
        FROM ai_usage_quarter_hourly AS h
        WHERE (h.provider, h.model) > (%(after_provider)s::text, %(after_model)s::text)
            AND (NOT %(unpriced_only)s::boolean OR h.unpriced_usage_count > 0)
        ORDER BY h.provider, h.model
        LIMIT 1
    )
    UNION ALL
    SELECT following.provider, following.model
    FROM used AS u
    CROSS JOIN LATERAL (
        SELECT h.provider, h.model
        FROM ai_usage_quarter_hourly AS h
        WHERE (h.provider, h.model) > (u.provider, u.model)
            AND (NOT %(unpriced_only)s::boolean OR h.unpriced_usage_count > 0)
        ORDER BY h.provider, h.model
        LIMIT 1
    ) AS following
)
SELECT u.provider, u.model FROM used AS u LIMIT %(limit)s::bigint;

-- name: request_rating_passes
-- needs: update ai_usage
-- Request a pass for each model that has usage for it in the ledger. A pass that has begun goes on
-- to its end, and what was requested meanwhile follows: frequent changes do not hold it back. In
-- the order of the key, so that concurrent runs do not wait for each other in a circle.
INSERT INTO ai_usage_rating_passes AS p (
    provider, model, since, recorded_since, unpriced_only
)
SELECT m.provider, m.model, m.since, m.recorded_since, %(unpriced_only)s
FROM unnest(
    %(providers)s::text [], %(models)s::text [], %(sinces)s::timestamptz [],
    %(recorded_sinces)s::timestamptz []
) AS m (provider, model, since, recorded_since)
WHERE EXISTS (
    SELECT 1 FROM ai_usage_quarter_hourly AS h
    WHERE h.provider = m.provider AND h.model = m.model
        AND (NOT %(unpriced_only)s::boolean OR h.unpriced_usage_count > 0)
        AND h.starts_at > m.since - interval '15 minutes'
        AND h.starts_at >= (SELECT min(each.starts) FROM ai_usage_months() AS each (starts))
)
ORDER BY m.provider, m.model
ON CONFLICT (provider, model) DO UPDATE
SET pass = CASE WHEN p.quarter IS NULL THEN gen_random_uuid() ELSE p.pass END,
    since = CASE WHEN p.quarter IS NULL THEN least(p.since, excluded.since) ELSE p.since END,
    recorded_since = CASE
        WHEN p.quarter IS NULL THEN least(p.recorded_since, excluded.recorded_since)
        ELSE p.recorded_since
    END,
    unpriced_only = p.unpriced_only AND (p.quarter IS NOT NULL OR excluded.unpriced_only),
    next_since = CASE WHEN p.quarter IS NOT NULL THEN least(p.next_since, excluded.since) END,
    next_recorded_since = CASE
        WHEN p.quarter IS NOT NULL THEN least(p.next_recorded_since, excluded.recorded_since)
    END,
    next_unpriced_only = CASE
        WHEN p.quarter IS NOT NULL
            THEN coalesce(p.next_unpriced_only, true) AND excluded.unpriced_only
    END;
