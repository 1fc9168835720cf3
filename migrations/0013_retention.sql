-- Why: a deployment that must forget who used what after some months drops those months of the
-- ledger by itself, without holding up those who write to it; and what is gone is not looked for
-- again. What nobody asks any more goes, too.

-- The months that are in the ledger, each by its first moment.
CREATE FUNCTION ai_usage_months() RETURNS SETOF timestamptz
LANGUAGE sql STABLE ROWS 24 SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT to_date(right(c.relname, 7), 'YYYY_MM')::timestamp AT TIME ZONE 'UTC'
    FROM pg_inherits AS i
    JOIN pg_class AS c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'public.ai_usage'::regclass
$$;

-- Drops the oldest month of the ledger, if it is older than so many whole months before the present
-- one, by the clock of the database. Keys and sums stay. Answers that month, and whether it is
-- gone; null when none is that old. One month a transaction, and a lock that is not to be had at
-- once is not waited for: whoever writes queues behind who waits for it.
CREATE FUNCTION drop_oldest_ai_usage_month(kept_months integer, OUT month date, OUT dropped boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET lock_timeout = '100ms' AS $$
BEGIN
    IF kept_months IS NULL OR kept_months < 1 THEN
        RAISE EXCEPTION 'the present month of the ledger and the one before it are kept';
    END IF;
    SELECT min(m.starts AT TIME ZONE 'UTC') INTO month FROM public.ai_usage_months() AS m (starts)
    WHERE m.starts AT TIME ZONE 'UTC'
        < date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC') - make_interval(months => kept_months);
    IF month IS NULL THEN
        RETURN;
    END IF;
    BEGIN
        PERFORM pg_advisory_xact_lock(hashtextextended('ai_usage months', 0));
        EXECUTE format('DROP TABLE IF EXISTS public.%I', 'ai_usage_' || to_char(month, 'YYYY_MM'));
        dropped := true;
    EXCEPTION WHEN lock_not_available THEN
        dropped := false;
    END;
END
$$;

-- Nothing calls it: it took the caller's word for the time, and all months at once.
-- squawk-ignore ban-drop-function
DROP FUNCTION drop_ai_usage_months(timestamptz);

-- Usage finds its prices by the names that it may stand for, and no longer by what was remembered
-- of them. The memory itself (ai_model_aliases, and generation and rules_version of ai_price_book)
-- is still written by the version before.
-- squawk-ignore ban-drop-function
DROP FUNCTION ai_model_price_of(text, text, timestamptz);

REVOKE ALL ON FUNCTION ai_usage_months(), drop_oldest_ai_usage_month(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ai_usage_months(), drop_oldest_ai_usage_month(integer) TO allowance_app;
