-- Why: a month of an organization may have a million sums by quarter of an hour. Most reports are
-- by model, or by group and day. So days that are over are rolled up.

-- The sums of a rolled-up day by hour, without the group. `is_nobodys`: usage without a known user.
-- `unpriced_tokens`: of the quarters of an hour with usage that has no price.
CREATE TABLE ai_rolled_hours (
    organization_id uuid NOT NULL,
    label_set_id uuid NOT NULL,
    starts_at timestamptz NOT NULL,
    usage_count bigint NOT NULL,
    unpriced_usage_count bigint NOT NULL,
    is_nobodys boolean NOT NULL,
    provider text COLLATE "C" NOT NULL,
    model text COLLATE "C" NOT NULL,
    cost_micros numeric NOT NULL,
    tokens numeric NOT NULL,
    unpriced_tokens numeric NOT NULL,
    other_units jsonb,
    PRIMARY KEY (organization_id, starts_at, is_nobodys, provider, model, label_set_id)
);

-- The sums of a rolled-up day by group.
CREATE TABLE ai_rolled_groups (
    organization_id uuid NOT NULL,
    group_id uuid NOT NULL,
    usage_count bigint NOT NULL,
    unpriced_usage_count bigint NOT NULL,
    day date NOT NULL,
    cost_micros numeric NOT NULL,
    tokens numeric NOT NULL,
    other_units jsonb,
    -- Groups are ranked by the index alone.
    PRIMARY KEY (organization_id, day, group_id) INCLUDE (cost_micros, unpriced_usage_count)
);

-- The UTC days of which the tables above have all usage; also days without usage. Rows there of
-- another day count for nothing. Late usage deletes the row, and the job rolls the day up again.
CREATE TABLE ai_rolled_days (
    organization_id uuid NOT NULL,
    day date NOT NULL,
    PRIMARY KEY (organization_id, day)
);

-- Return the key of an organization's advisory lock. Writers of late usage share it. The job has it
-- alone, so it reads no sums that are about to change.
CREATE FUNCTION ai_rolled_days_lock(p_organization_id uuid) RETURNS bigint
LANGUAGE sql STABLE
RETURN hashtextextended(format('ai_rolled_days %s', p_organization_id), 0);

-- Reopen the days before today that a batch writes to. write_ai_usage calls it before it locks
-- anything else. All locks are taken in the order of their keys.
CREATE FUNCTION reopen_ai_days(
    p_organization_ids uuid [], p_persons bigint [], p_moments timestamptz []
) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(o.key)
    FROM (
        SELECT DISTINCT ai_rolled_days_lock(p_organization_ids[e.person::integer]) AS key
        FROM unnest(p_persons) AS e (person)
        ORDER BY key
    ) AS o;
    -- Another statement: it sees the days that the lock waited for.
    WITH late AS MATERIALIZED (
        SELECT r.organization_id, r.day FROM ai_rolled_days AS r
        WHERE (r.organization_id, r.day) IN (
            SELECT p_organization_ids[e.person::integer], (e.occurred_at AT TIME ZONE 'UTC')::date
            FROM unnest(p_persons, p_moments) AS e (person, occurred_at)
        )
        ORDER BY r.organization_id, r.day
        FOR UPDATE
    )
    DELETE FROM ai_rolled_days AS r
    USING late AS l WHERE r.organization_id = l.organization_id AND r.day = l.day;
END
$$;

-- Return a page of the days to roll up, the latest first: all that ended 15 minutes ago, from the
-- first usage of an organization on. No transaction of a login lasts for 15 minutes.
CREATE FUNCTION ai_days_to_roll_up(p_before_day date, p_after_organization uuid, p_limit bigint)
RETURNS TABLE (organization_id uuid, day date)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT o.id, d.day::date
    FROM organizations AS o
    CROSS JOIN LATERAL (
        SELECT q.starts_at FROM ai_usage_quarter_hourly AS q
        WHERE q.organization_id = o.id
        ORDER BY q.starts_at
        LIMIT 1
    ) AS f
    CROSS JOIN LATERAL generate_series(
        date_trunc('day', f.starts_at AT TIME ZONE 'UTC'),
        date_trunc('day', now() AT TIME ZONE 'UTC' - interval '1 day 15 minutes'), '1 day'
    ) AS d (day)
    WHERE (d.day < p_before_day OR d.day = p_before_day AND o.id > p_after_organization)
        AND NOT EXISTS (
            SELECT 1 FROM ai_rolled_days AS r WHERE r.organization_id = o.id AND r.day = d.day::date
        )
    ORDER BY d.day DESC, o.id
    LIMIT p_limit
$$;

-- Roll up a day of an organization. Return false if late usage is being written to it: nobody
-- waits for the lock. The statements after the lock see all usage of before.
CREATE FUNCTION roll_up_ai_day(p_organization_id uuid, p_day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_starts timestamptz := p_day::timestamp AT TIME ZONE 'UTC';
    v_ends timestamptz := v_starts + interval '1 day';
BEGIN
    IF v_ends + interval '15 minutes' > now() THEN
        RAISE check_violation USING MESSAGE = 'the day is not over';
    END IF;
    IF NOT pg_try_advisory_xact_lock(ai_rolled_days_lock(p_organization_id)) THEN
        RETURN false;
    END IF;
    DELETE FROM ai_rolled_hours AS h
    WHERE h.organization_id = p_organization_id AND h.starts_at >= v_starts
        AND h.starts_at < v_ends;
    DELETE FROM ai_rolled_groups AS g
    WHERE g.organization_id = p_organization_id AND g.day = p_day;
    INSERT INTO ai_rolled_hours (
        organization_id, label_set_id, starts_at, usage_count, unpriced_usage_count, is_nobodys,
        provider, model, cost_micros, tokens, unpriced_tokens, other_units
    )
    SELECT p_organization_id, s.label_set_id, date_bin('1 hour', s.starts_at, v_starts),
        sum(s.usage_count), sum(s.unpriced_usage_count), s.is_nobodys, s.provider, s.model,
        sum(s.cost_micros), sum(s.tokens), sum(s.unpriced_tokens),
        nullif(ai_other_units_sum(s.other_units), '{}')
    FROM ai_quarter_hours(p_organization_id, v_starts, v_ends) AS s
    GROUP BY s.label_set_id, 3, s.is_nobodys, s.provider, s.model;
    INSERT INTO ai_rolled_groups (
        organization_id, group_id, usage_count, unpriced_usage_count, day, cost_micros, tokens,
        other_units
    )
    SELECT p_organization_id, s.group_id, sum(s.usage_count), sum(s.unpriced_usage_count), p_day,
        sum(s.cost_micros), sum(s.tokens), nullif(ai_other_units_sum(s.other_units), '{}')
    FROM ai_quarter_hours(p_organization_id, v_starts, v_ends) AS s
    GROUP BY s.group_id;
    INSERT INTO ai_rolled_days (organization_id, day) VALUES (p_organization_id, p_day)
    ON CONFLICT (organization_id, day) DO NOTHING;
    RETURN true;
END
$$;

CREATE FUNCTION ai_quarter_hours(p_organization_id uuid, p_starts timestamptz, p_ends timestamptz)
RETURNS TABLE (
    starts_at timestamptz, is_nobodys boolean, group_id uuid, provider text, model text,
    label_set_id uuid, cost_micros numeric, tokens numeric, other_units jsonb, usage_count bigint,
    unpriced_usage_count bigint, unpriced_tokens numeric
)
LANGUAGE sql STABLE AS $$
    SELECT q.starts_at, q.group_id = '00000000-0000-0000-0000-000000000000', q.group_id,
        q.provider, q.model, q.label_set_id, q.cost_micros, t.tokens, q.other_units,
        q.usage_count, q.unpriced_usage_count,
        CASE WHEN q.unpriced_usage_count > 0 THEN t.tokens ELSE 0 END
    FROM ai_usage_quarter_hourly AS q
    CROSS JOIN LATERAL (
        SELECT q.input_tokens + q.output_tokens + q.cache_read_tokens + q.cache_write_tokens
            + q.cache_write_1h_tokens AS tokens
    ) AS t
    WHERE q.organization_id = p_organization_id AND q.starts_at >= p_starts
        AND q.starts_at < p_ends
$$;

-- Return which time of an organization to read from rolled-up days, if points start at these times:
-- all but the steps with another start or end than their own. p_step: `hour`, `day`. NULL: none.
CREATE FUNCTION ai_rolled_time(
    p_organization_id uuid, p_starts timestamptz [], p_ends timestamptz, p_step text
) RETURNS tstzmultirange
LANGUAGE sql STABLE AS $$
    SELECT coalesce(range_agg(tstzrange(
            r.day::timestamp AT TIME ZONE 'UTC', (r.day + 1)::timestamp AT TIME ZONE 'UTC'
        )), '{}') * tstzmultirange(tstzrange(p_starts[1], p_ends)) - coalesce((
            SELECT range_agg(tstzrange(c.step, c.step + ('1 ' || p_step)::interval))
            FROM unnest(p_starts || p_ends) AS s (at)
            CROSS JOIN LATERAL (SELECT date_trunc(p_step, s.at, 'UTC') AS step) AS c
            WHERE s.at <> c.step
        ), '{}')
    FROM ai_rolled_days AS r
    WHERE r.organization_id = p_organization_id AND p_step IS NOT NULL
        AND r.day >= (p_starts[1] AT TIME ZONE 'UTC')::date
        AND r.day <= (p_ends AT TIME ZONE 'UTC')::date
$$;

-- Return the sums of an organization: of the rolled-up time by hour without the group, or by day
-- and group alone, and of other time by quarter of an hour. Planned as a part of the query.
CREATE FUNCTION ai_organization_sums(
    p_organization_id uuid, p_rolled tstzmultirange, p_starts timestamptz, p_ends timestamptz,
    p_step text
) RETURNS TABLE (
    starts_at timestamptz, is_nobodys boolean, group_id uuid, provider text, model text,
    label_set_id uuid, cost_micros numeric, tokens numeric, other_units jsonb, usage_count bigint,
    unpriced_usage_count bigint, unpriced_tokens numeric
)
LANGUAGE sql STABLE AS $$
    SELECT s.*
    FROM unnest(p_rolled) AS r (range)
    CROSS JOIN LATERAL (
        SELECT h.starts_at, h.is_nobodys, NULL::uuid, h.provider, h.model, h.label_set_id,
            h.cost_micros, h.tokens, h.other_units, h.usage_count, h.unpriced_usage_count,
            h.unpriced_tokens
        FROM ai_rolled_hours AS h
        WHERE h.organization_id = p_organization_id AND h.starts_at >= lower(r.range)
            AND h.starts_at < upper(r.range)
        -- OFFSET 0: read each time by the index, whatever the planner expects of it.
        OFFSET 0
    ) AS s
    WHERE p_step = 'hour'
    UNION ALL
    SELECT s.*
    FROM unnest(p_rolled) AS r (range)
    CROSS JOIN LATERAL (
        SELECT g.day::timestamp AT TIME ZONE 'UTC',
            g.group_id = '00000000-0000-0000-0000-000000000000', g.group_id, NULL::text,
            NULL::text, NULL::uuid, g.cost_micros, g.tokens, g.other_units, g.usage_count,
            g.unpriced_usage_count, NULL::numeric
        FROM ai_rolled_groups AS g
        WHERE g.organization_id = p_organization_id
            AND g.day >= (lower(r.range) AT TIME ZONE 'UTC')::date
            AND g.day < (upper(r.range) AT TIME ZONE 'UTC')::date
        OFFSET 0
    ) AS s
    WHERE p_step = 'day'
    UNION ALL
    SELECT s.*
    FROM unnest(tstzmultirange(tstzrange(p_starts, p_ends)) - p_rolled) AS r (range)
    CROSS JOIN LATERAL (
        SELECT q.* FROM ai_quarter_hours(p_organization_id, lower(r.range), upper(r.range)) AS q
        OFFSET 0
    ) AS s
$$;

REVOKE ALL ON ai_rolled_hours, ai_rolled_groups, ai_rolled_days
FROM PUBLIC, allowance_routes, allowance_jobs, allowance_directory;
REVOKE ALL ON FUNCTION ai_rolled_days_lock(uuid), ai_days_to_roll_up(date, uuid, bigint),
reopen_ai_days(uuid [], bigint [], timestamptz []), roll_up_ai_day(uuid, date),
ai_quarter_hours(uuid, timestamptz, timestamptz),
ai_rolled_time(uuid, timestamptz [], timestamptz, text),
ai_organization_sums(uuid, tstzmultirange, timestamptz, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ai_days_to_roll_up(date, uuid, bigint), roll_up_ai_day(uuid, date)
TO allowance_jobs;
GRANT SELECT ON ai_rolled_hours, ai_rolled_groups, ai_rolled_days TO allowance_routes;
GRANT EXECUTE ON FUNCTION ai_quarter_hours(uuid, timestamptz, timestamptz),
ai_rolled_time(uuid, timestamptz [], timestamptz, text),
ai_organization_sums(uuid, tstzmultirange, timestamptz, timestamptz, text) TO allowance_routes;
