-- name: take_rating_pass
-- needs: update ai_usage
-- Give a turn to the pass whose last turn is the longest ago, but not to those that failed in this
-- run, nor to one that another run takes at the same time.
UPDATE ai_usage_rating_passes AS p
SET turn_at = clock_timestamp()
FROM (
    SELECT each.provider, each.model
    FROM ai_usage_rating_passes AS each
    WHERE each.pass <> ALL(%(failed)s::uuid [])
    ORDER BY each.turn_at
    LIMIT 1
    FOR UPDATE SKIP LOCKED
) AS taken
WHERE p.provider = taken.provider AND p.model = taken.model
RETURNING p.provider, p.model, p.pass::text AS id, p.since, p.recorded_since, p.unpriced_only,
    p.quarter, p.organization_id::text AS organization_id, p.occurred_at, p.entry_id, p.turn_at;

-- name: move_rating_pass
-- needs: update ai_usage
-- Store the position of a pass. Another run may be further.
UPDATE ai_usage_rating_passes AS p
SET quarter = %(quarter)s::timestamptz, organization_id = %(organization_id)s::uuid,
    occurred_at = %(occurred_at)s::timestamptz, entry_id = %(entry_id)s::bigint
WHERE p.provider = %(provider)s AND p.model = %(model)s AND p.pass = %(pass_id)s::uuid
    AND (
        p.quarter IS NULL
        OR (p.quarter, p.organization_id, p.occurred_at, p.entry_id)
        <= (
            %(quarter)s::timestamptz, %(organization_id)s::uuid, %(occurred_at)s::timestamptz,
            %(entry_id)s::bigint
        )
    );

-- name: finish_rating_pass
-- needs: update ai_usage
-- End a pass. The one that was requested meanwhile begins, if there is one.
WITH followed AS (
    UPDATE ai_usage_rating_passes AS p
    SET pass = gen_random_uuid(), since = p.next_since, recorded_since = p.next_recorded_since,
        unpriced_only = p.next_unpriced_only, quarter = NULL, organization_id = NULL,
        occurred_at = NULL, entry_id = NULL, next_since = NULL, next_recorded_since = NULL,
        next_unpriced_only = NULL
    WHERE p.provider = %(provider)s AND p.model = %(model)s AND p.pass = %(pass_id)s::uuid
        AND p.next_since IS NOT NULL
)
DELETE FROM ai_usage_rating_passes AS p
WHERE p.provider = %(provider)s AND p.model = %(model)s AND p.pass = %(pass_id)s::uuid
    AND p.next_since IS NULL;

-- name: count_rating_passes
-- needs: update ai_usage
-- Return the number of unfinished passes.
SELECT count(*) AS passes FROM ai_usage_rating_passes;

-- name: list_usage_months
-- needs: update ai_usage
-- Return the first moment of each month that is in the ledger.
SELECT m.starts FROM ai_usage_months() AS m (starts) ORDER BY m.starts;

-- name: list_booked_usage
-- needs: update ai_usage
-- Return the next entries of the ledger after a position, within a month: the usages of a model,
-- each with the sums booked for it, and the position of the last entry. An entry that an amendment,
-- a void or an attribution has taken back is no usage any more. The sums locate the
-- quarters of an hour in which the model was used, in one step for each. A page reads at most
-- `limit` entries of these, of whichever model, so it takes the same time in every ledger. The
-- month's bounds leave one partition to plan for.
WITH RECURSIVE used AS (
    (
        SELECT h.starts_at, h.organization_id
        FROM ai_usage_quarter_hourly AS h
        WHERE h.provider = %(provider)s AND h.model = %(model)s
            AND (h.starts_at, h.organization_id)
            >= (%(after_quarter)s::timestamptz, %(after_organization)s::uuid)
            AND h.starts_at < %(month_ends)s::timestamptz
            AND (NOT %(unpriced_only)s::boolean OR h.unpriced_usage_count > 0)
        ORDER BY h.starts_at, h.organization_id
        LIMIT 1
    )
    UNION ALL
    SELECT following.starts_at, following.organization_id
    FROM used AS u
    CROSS JOIN LATERAL (
        SELECT h.starts_at, h.organization_id
        FROM ai_usage_quarter_hourly AS h
        WHERE h.provider = %(provider)s AND h.model = %(model)s
            AND (h.starts_at, h.organization_id) > (u.starts_at, u.organization_id)
            AND h.starts_at < %(month_ends)s::timestamptz
            AND (NOT %(unpriced_only)s::boolean OR h.unpriced_usage_count > 0)
        ORDER BY h.starts_at, h.organization_id
        LIMIT 1
    ) AS following
)
SELECT max(b.quarter) FILTER (WHERE b.n = b.entries) AS quarter,
    max(b.organization_id) FILTER (WHERE b.n = b.entries) AS organization_id,
    -- A quarter without another entry has been read to its end.
    max(coalesce(b.occurred_at, b.quarter + interval '15 minutes')) FILTER (WHERE b.n = b.entries)
        AS occurred_at,
    coalesce(max(b.id) FILTER (WHERE b.n = b.entries), 0) AS entry_id,
    coalesce(max(b.entries), 0) < %(limit)s::bigint
        AND coalesce(max(b.quarters), 0) < %(quarters)s::bigint AS is_last,
    coalesce(
        json_agg(json_build_object(
            'id', b.id, 'user_id', b.user_id, 'group_id', b.group_id,
            'organization_id', b.organization_id, 'provider', b.provider, 'model', b.model,
            'variant', b.variant, 'provider_name', b.provider_name,
            'labels', b.labels, 'occurred_at', b.occurred_at, 'input_tokens', b.input_tokens,
            'output_tokens', b.output_tokens, 'cache_read_tokens', b.cache_read_tokens,
            'cache_write_tokens', b.cache_write_tokens,
            'cache_write_1h_tokens', b.cache_write_1h_tokens, 'other_units', b.other_units,
            'usage_count', b.usage_count, 'unpriced_usage_count', b.unpriced_usage_count,
            'stated_cost_picos', b.stated_cost_picos, 'usage_format', b.usage_format,
            'usage_object', b.usage_object, 'booked_picos', b.booked_picos,
            'corrections', b.corrections
        ) ORDER BY b.n) FILTER (WHERE b.is_usage),
        '[]'
    ) AS usages
FROM (
    SELECT e.quarter, e.quarters, e.entries, e.n,
        e.is_usage AND NOT coalesce(c.is_changed, false)
        AND (
            NOT %(unpriced_only)s::boolean OR e.unpriced_usage_count + coalesce(c.unpriced, 0) > 0
        ) AS is_usage, e.slice_organization_id::text
            AS organization_id, e.id, e.user_id, e.group_id, e.provider, e.model, e.variant,
        e.provider_name, e.labels, e.occurred_at, e.usage_format, e.usage_object, c.corrections,
        e.input_tokens + coalesce(t.input_tokens, 0) AS input_tokens,
        e.output_tokens + coalesce(t.output_tokens, 0) AS output_tokens,
        e.cache_read_tokens + coalesce(t.cache_read_tokens, 0) AS cache_read_tokens,
        e.cache_write_tokens + coalesce(t.cache_write_tokens, 0) AS cache_write_tokens,
        e.cache_write_1h_tokens + coalesce(t.cache_write_1h_tokens, 0) AS cache_write_1h_tokens,
        coalesce(
            ai_other_units_added(e.other_units, t.other_units), e.other_units, t.other_units
        ) AS other_units,
        e.usage_count + coalesce(t.usage_count, 0) AS usage_count,
        e.unpriced_usage_count + coalesce(c.unpriced, 0) AS unpriced_usage_count,
        trunc(e.stated_cost_micros * 1000000) AS stated_cost_picos,
        -- Whole numbers: JSON with decimals would become binary fractions.
        CASE
            WHEN e.unpriced_usage_count + coalesce(c.unpriced, 0) = 0
                THEN trunc((coalesce(e.cost_micros, 0) + coalesce(c.micros, 0)) * 1000000)
        END AS booked_picos
    FROM (
        SELECT page.quarter, page.slice_organization_id, page.quarters, page.id, page.user_id,
            page.group_id, page.provider, page.model, page.variant, page.provider_name,
            page.labels, page.input_tokens,
            page.output_tokens, page.cache_read_tokens, page.cache_write_tokens,
            page.cache_write_1h_tokens, page.other_units, page.cost_micros,
            page.stated_cost_micros, page.usage_count, page.unpriced_usage_count,
            page.occurred_at, page.usage_format, page.usage_object,
            count(*) OVER () AS entries,
            row_number() OVER (
                ORDER BY page.quarter, page.slice_organization_id, page.occurred_at, page.id
            ) AS n,
            coalesce(
                page.corrects IS NULL AND page.provider = %(provider)s
                AND page.model = %(model)s AND page.occurred_at >= %(since)s::timestamptz
                AND page.recorded_at >= %(recorded_since)s::timestamptz
                AND page.cost_from IS NULL,
                false
            ) AS is_usage
        FROM (
            SELECT s.quarter, s.organization_id AS slice_organization_id, s.quarters, u.id,
                u.corrects, u.user_id, u.group_id, u.provider, u.model, u.variant,
                u.provider_name, u.labels, u.input_tokens,
                u.output_tokens, u.cache_read_tokens, u.cache_write_tokens,
                u.cache_write_1h_tokens, u.other_units, u.cost_micros, u.stated_cost_micros,
                u.cost_from, u.usage_count, u.unpriced_usage_count, u.occurred_at, u.recorded_at,
                u.usage_format, u.usage_object
            FROM (
                SELECT d.starts_at AS quarter, d.organization_id, count(*) OVER () AS quarters,
                    (d.starts_at, d.organization_id)
                    = (%(after_quarter)s::timestamptz, %(after_organization)s::uuid) AS is_begun
                FROM (SELECT each.starts_at, each.organization_id FROM used AS each
                    LIMIT %(quarters)s::bigint) AS d
                ORDER BY d.starts_at, d.organization_id
            ) AS s
            LEFT JOIN LATERAL (
                SELECT each.id, each.corrects, each.user_id, each.group_id, each.provider,
                    each.model,
                    each.variant, each.provider_name, each.labels, each.input_tokens,
                    each.output_tokens, each.cache_read_tokens,
                    each.cache_write_tokens, each.cache_write_1h_tokens, each.other_units,
                    each.cost_micros, each.stated_cost_micros, each.cost_from, each.usage_count,
                    each.unpriced_usage_count, each.occurred_at, each.recorded_at,
                    each.usage_format, each.usage_object
                FROM ai_usage AS each
                WHERE (each.organization_id, each.occurred_at, each.id) > (
                        s.organization_id,
                        CASE WHEN s.is_begun THEN %(after_moment)s::timestamptz ELSE s.quarter END,
                        CASE WHEN s.is_begun THEN %(after_entry)s::bigint ELSE 0 END
                    )
                    AND (each.organization_id, each.occurred_at)
                    < (s.organization_id, s.quarter + interval '15 minutes')
                    AND each.occurred_at >= %(month_starts)s::timestamptz
                    AND each.occurred_at < %(month_ends)s::timestamptz
                ORDER BY each.organization_id, each.occurred_at, each.id
                LIMIT %(limit)s::bigint
            ) AS u ON true
            ORDER BY s.quarter, s.organization_id, u.occurred_at, u.id
            LIMIT %(limit)s::bigint
        ) AS page
    ) AS e
    LEFT JOIN LATERAL (
        SELECT sum(each.cost_micros) AS micros, count(*) AS corrections,
            sum(each.unpriced_usage_count)::bigint AS unpriced,
            bool_or(each.reason <> 'rerate') AS is_changed
        FROM ai_usage AS each
        WHERE e.is_usage AND each.corrects = e.id
            AND each.occurred_at >= %(month_starts)s::timestamptz
            AND each.occurred_at < %(month_ends)s::timestamptz
    ) AS c ON true
    -- Only these corrections have counts.
    LEFT JOIN LATERAL (
        SELECT sum(each.input_tokens)::bigint AS input_tokens,
            sum(each.output_tokens)::bigint AS output_tokens,
            sum(each.cache_read_tokens)::bigint AS cache_read_tokens,
            sum(each.cache_write_tokens)::bigint AS cache_write_tokens,
            sum(each.cache_write_1h_tokens)::bigint AS cache_write_1h_tokens,
            ai_other_units_sum(each.other_units) AS other_units,
            sum(each.usage_count)::bigint AS usage_count
        FROM ai_usage AS each
        WHERE e.is_usage AND e.usage_object IS NOT NULL AND each.corrects = e.id
            AND each.occurred_at >= %(month_starts)s::timestamptz
            AND each.occurred_at < %(month_ends)s::timestamptz
    ) AS t ON true
    WHERE (e.is_usage AND NOT coalesce(c.is_changed, false)) OR e.n = e.entries
) AS b;
