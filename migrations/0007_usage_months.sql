-- Why: the ledger has one partition per UTC month, and a deployment may drop old ones. The
-- application owns no tables, so it creates and drops partitions by these functions alone.

-- Create the partition that holds the given time, unless it exists. It is created as a table and
-- then attached, because creating it in place waits for every writer.
CREATE FUNCTION ensure_ai_usage_month(occurred_at timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    starts timestamptz := date_trunc('month', occurred_at, 'UTC');
    ends timestamptz := (starts AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC';
    name text := 'ai_usage_' || to_char(starts AT TIME ZONE 'UTC', 'YYYY_MM');
BEGIN
    IF to_regclass('public.' || name) IS NOT NULL THEN
        RETURN;
    END IF;
    IF occurred_at < '2020-01-01 00:00:00+00'
        OR occurred_at > clock_timestamp() + interval '1 day' THEN
        RAISE EXCEPTION 'the ledger has no month for %', occurred_at;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('ai_usage months', 0));
    -- A query, not to_regclass: its cached result survives the wait for an advisory lock.
    IF EXISTS (
        SELECT 1 FROM pg_class AS c
        WHERE c.relname = name AND c.relnamespace = 'public'::regnamespace
    ) THEN
        RETURN;
    END IF;
    EXECUTE format(
        'CREATE TABLE public.%I (LIKE public.ai_usage INCLUDING DEFAULTS INCLUDING CONSTRAINTS)',
        name
    );
    EXECUTE format(
        'REVOKE ALL ON public.%I '
        'FROM PUBLIC, allowance_routes, allowance_jobs, allowance_directory',
        name
    );
    EXECUTE format(
        'ALTER TABLE public.ai_usage ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
        name, starts, ends
    );
END
$$;

-- The first moment of each month that has a partition.
CREATE FUNCTION ai_usage_months() RETURNS SETOF timestamptz
LANGUAGE sql STABLE ROWS 24 SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT to_date(right(c.relname, 7), 'YYYY_MM')::timestamp AT TIME ZONE 'UTC'
    FROM pg_inherits AS i
    JOIN pg_class AS c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'public.ai_usage'::regclass
$$;

-- Drop the oldest month if more than `kept_months` whole months lie between it and the current one,
-- by the clock of the database. Keys and sums stay. A run passes the months that it has handled,
-- because a late record recreates a dropped month. Returns the month and whether it was dropped;
-- NULL if no other month is that old. One month per transaction. The lock timeout is short, because
-- writers queue behind a session that waits for the lock.
CREATE FUNCTION drop_oldest_ai_usage_month(
    kept_months integer, handled date [], OUT month date, OUT dropped boolean
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET lock_timeout = '100ms' AS $$
BEGIN
    IF kept_months IS NULL OR kept_months < 1 THEN
        RAISE EXCEPTION 'the ledger keeps the current month and the month before it';
    END IF;
    SELECT min(m.starts AT TIME ZONE 'UTC') INTO month FROM public.ai_usage_months() AS m (starts)
    WHERE m.starts AT TIME ZONE 'UTC'
        < date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC')
            - make_interval(months => kept_months)
        AND NOT (m.starts AT TIME ZONE 'UTC')::date = ANY(handled);
    IF month IS NULL THEN
        RETURN;
    END IF;
    BEGIN
        PERFORM pg_advisory_xact_lock(hashtextextended('ai_usage months', 0));
        -- Another run may have dropped it during the wait for the lock.
        dropped := month IN (
            SELECT (m.starts AT TIME ZONE 'UTC')::date FROM public.ai_usage_months() AS m (starts)
        );
        EXECUTE format(
            'DROP TABLE IF EXISTS public.%I', 'ai_usage_' || to_char(month, 'YYYY_MM')
        );
        -- Nobody can get it any more.
        UPDATE public.ai_usage_unattributed AS u SET usage_id = NULL
        WHERE u.occurred_at >= month::timestamp AT TIME ZONE 'UTC'
            AND u.occurred_at < (month + interval '1 month') AT TIME ZONE 'UTC';
    EXCEPTION WHEN lock_not_available THEN
        dropped := false;
    END;
END
$$;

REVOKE ALL ON FUNCTION ensure_ai_usage_month(timestamptz), ai_usage_months(),
drop_oldest_ai_usage_month(integer, date []) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ensure_ai_usage_month(timestamptz), ai_usage_months()
TO allowance_routes, allowance_jobs;
GRANT EXECUTE ON FUNCTION drop_oldest_ai_usage_month(integer, date []) TO allowance_jobs;
