-- Why: spend over time is asked for in any time zone. The points of a series start where the clocks
-- there show a new hour, day, week or month, and only the database knows all rules of clocks.

-- Whether the database knows a time zone by this name, which is no path. A name with a digit may
-- also be a rule of POSIX, such as Europe/Berlin3. So it is looked up in the list, which takes
-- 15 ms.
CREATE FUNCTION ai_knows_time_zone(p_zone text) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF p_zone ~* '^(posix|right)/' OR p_zone NOT LIKE '%/%' THEN
        RETURN p_zone = 'UTC';
    ELSIF p_zone ~ '[0-9]' THEN
        RETURN EXISTS (SELECT 1 FROM pg_timezone_names AS z WHERE z.name = p_zone);
    END IF;
    PERFORM now() AT TIME ZONE p_zone;
    RETURN true;
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN false;
END
$$;

-- The points of a series between two times, or in a month of the zone (NULL: the current one):
-- where each starts, and where the last ends. The first and the last are cut off. An hour starts
-- when the clocks show a full hour, and when they are put into another one. NULL: the zone is
-- not known.
CREATE FUNCTION ai_series_period(
    p_by text, p_zone text, p_month date, p_from timestamptz, p_to timestamptz,
    OUT starts timestamptz [], OUT ends timestamptz
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_month timestamp;
    v_from timestamptz;
    v_step interval := '1 ' || p_by;
BEGIN
    IF NOT ai_knows_time_zone(p_zone) THEN
        RETURN;
    END IF;
    v_month := coalesce(p_month, date_trunc('month', now() AT TIME ZONE p_zone));
    v_from := coalesce(p_from, ai_first_time_of(v_month, p_zone));
    ends := coalesce(p_to, ai_first_time_of(v_month + interval '1 month', p_zone));
    IF p_by = 'hour' THEN
        starts := v_from || ARRAY(
            SELECT q.at
            FROM generate_series(
                v_from + interval '15 minutes', ends - interval '15 minutes', '15 minutes'
            ) AS q (at)
            CROSS JOIN LATERAL (SELECT q.at AT TIME ZONE p_zone AS clock) AS c
            WHERE extract(MINUTE FROM c.clock) = 0
                OR date_trunc('hour', c.clock)
                <> date_trunc('hour', (q.at - interval '15 minutes') AT TIME ZONE p_zone)
            ORDER BY q.at
        );
    ELSE
        -- Clocks that go back over midnight show the last day again: one day more.
        starts := v_from || ARRAY(
            SELECT DISTINCT b.at
            FROM generate_series(
                date_trunc(p_by, v_from AT TIME ZONE p_zone),
                ends AT TIME ZONE p_zone + interval '1 day', v_step
            ) AS l (clock)
            CROSS JOIN LATERAL (
                SELECT CASE
                    WHEN p_zone = 'UTC' THEN l.clock AT TIME ZONE 'UTC'
                    ELSE ai_first_time_of(l.clock, p_zone)
                END AS at
            ) AS b
            WHERE b.at > v_from AND b.at < ends
            ORDER BY b.at
        );
    END IF;
END
$$;

-- Return the quantity of these units together.
CREATE FUNCTION ai_quantity_of(p_other_units jsonb, p_units text []) RETURNS numeric
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(sum(u.value::numeric), 0)
    FROM jsonb_each_text(p_other_units) AS u
    WHERE u.key = ANY(p_units)
$$;

REVOKE ALL ON FUNCTION ai_quantity_of(jsonb, text []), ai_knows_time_zone(text),
ai_series_period(text, text, date, timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ai_counts(bigint), ai_quantity_of(jsonb, text []),
ai_series_period(text, text, date, timestamptz, timestamptz) TO allowance_routes;
GRANT SELECT (provider, model, label_set_id) ON ai_spend_daily TO allowance_routes;
