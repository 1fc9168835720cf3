-- Why: every decision, usage and report must put a time into the same period of a budget. So the
-- rule is one function of time: no job resets anything.

-- The first time at which the clocks of a zone show a local time or a later one. So a period whose
-- first midnight does not exist starts where the clocks go forward over it. If midnight occurs
-- twice, the period starts at the first.
CREATE FUNCTION ai_first_time_of(p_local timestamp, p_zone text) RETURNS timestamptz
LANGUAGE plpgsql STABLE AS $$
DECLARE
    -- PostgreSQL takes the later of two, and counts a time that does not exist from before the gap.
    v_late timestamptz := p_local AT TIME ZONE p_zone;
    v_early timestamptz := v_late + (p_local - (v_late - interval '24 hours') AT TIME ZONE p_zone)
        - interval '24 hours';
    v_between timestamptz;
BEGIN
    IF v_early < v_late AND v_early AT TIME ZONE p_zone = p_local THEN
        RETURN v_early;
    ELSIF v_late AT TIME ZONE p_zone = p_local
        OR (v_late - interval '1 microsecond') AT TIME ZONE p_zone < p_local THEN
        RETURN v_late;
    END IF;
    -- The gap starts before the local time: search for its place.
    v_early := v_late - (v_late AT TIME ZONE p_zone - p_local);
    WHILE v_late - v_early > interval '1 microsecond' LOOP
        v_between := v_early + (v_late - v_early) / 2;
        IF v_between AT TIME ZONE p_zone < p_local THEN
            v_early := v_between;
        ELSE
            v_late := v_between;
        END IF;
    END LOOP;
    RETURN v_late;
END
$$;

-- The period of a budget that contains a time, in the budget's own zone. Without a unit it has no
-- start or end. `allowance.budgets.periods` is the same rule in Python.
CREATE FUNCTION ai_budget_period(
    b ai_budgets, p_at timestamptz, OUT starts timestamptz, OUT ends timestamptz
)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_day timestamp;
    v_start timestamp;
    v_months integer;
    v_length interval;
BEGIN
    IF b.period_unit = 'none' THEN
        starts := '-infinity';
        ends := 'infinity';
        RETURN;
    ELSIF NOT isfinite(p_at) THEN
        RAISE datetime_field_overflow USING MESSAGE = 'a period contains no infinite time';
    END IF;
    v_day := date_trunc('day', p_at AT TIME ZONE b.time_zone);
    IF b.period_unit = 'day' THEN
        v_start := v_day;
        v_length := interval '1 day';
    ELSIF b.period_unit = 'week' THEN
        v_start := v_day - make_interval(
            days => (extract(ISODOW FROM v_day)::integer - b.week_starts::integer + 7) % 7
        );
        v_length := interval '7 days';
    ELSE
        v_months := CASE b.period_unit WHEN 'month' THEN 1 WHEN 'quarter' THEN 3 ELSE 12 END;
        v_start := date_trunc('month', v_day) - make_interval(
            months => (extract(MONTH FROM v_day)::integer - b.year_starts::integer + 12) % v_months
        );
        v_length := make_interval(months => v_months);
    END IF;
    IF b.time_zone = 'UTC' THEN
        starts := v_start AT TIME ZONE 'UTC';
        ends := (v_start + v_length) AT TIME ZONE 'UTC';
        RETURN;
    END IF;
    starts := ai_first_time_of(v_start, b.time_zone);
    ends := ai_first_time_of(v_start + v_length, b.time_zone);
    -- Clocks that go back over the end show a time before it once more.
    WHILE p_at >= ends LOOP
        v_start := v_start + v_length;
        starts := ends;
        ends := ai_first_time_of(v_start + v_length, b.time_zone);
    END LOOP;
END
$$;

REVOKE ALL ON FUNCTION ai_first_time_of(timestamp, text), ai_budget_period(ai_budgets, timestamptz)
FROM PUBLIC;
