-- Why: a budget limits spend only if a call is refused before it is made. A reservation holds the
-- estimate of a call, and a decision counts what is spent and what is held under one lock.

-- What is held of each user's limit. Each decision and each settlement locks the row first, then
-- the user's sum of the month. `reserved_micros` includes holds that have expired since
-- `next_expiry`: the next decision takes them off. A reader adds up the live holds instead.
CREATE TABLE ai_user_reserved (
    user_id uuid PRIMARY KEY,
    reserved_micros numeric(36, 6) NOT NULL DEFAULT 0
        CONSTRAINT ai_user_reserved_micros CHECK (reserved_micros >= 0),
    -- No hold of the user expires before.
    next_expiry timestamptz NOT NULL DEFAULT 'infinity'
) WITH (fillfactor = 70);

-- One row for each grant. The id is a UUID of version 7 whose time is `granted_at`, so an id finds
-- its partition. A reservation that is not closed at `expires_at` counts for nothing from then on,
-- by the clock of the database alone. Money is micro-units of USD.
CREATE TABLE ai_reservations (
    id uuid NOT NULL,
    granted_at timestamptz NOT NULL,
    -- The first half of the SHA-256 of the maker's id, line feed and the maker's key.
    key_digest uuid NOT NULL,
    content_sha256 bytea NOT NULL CONSTRAINT ai_reservations_content_sha256_length
        CHECK (octet_length(content_sha256) = 32),
    maker_id uuid NOT NULL,
    user_id uuid NOT NULL,
    group_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    provider text COLLATE "C" NOT NULL,
    model text COLLATE "C" NOT NULL,
    variant text,
    labels jsonb,
    estimate_micros numeric(26, 6) NOT NULL
        CONSTRAINT ai_reservations_estimate CHECK (estimate_micros >= 0),
    expires_at timestamptz NOT NULL,
    closed_at timestamptz,
    state text NOT NULL DEFAULT 'held'
        CONSTRAINT ai_reservations_state CHECK (state IN ('held', 'settled', 'released')),
    settled_micros numeric(26, 6) NOT NULL DEFAULT 0,
    -- Where budgets of the organization hold it: budget, subject, and the slice of the counter.
    holds jsonb NOT NULL DEFAULT '[]',
    -- The facts of the grant: the same request gets the same response again.
    facts jsonb NOT NULL,
    CONSTRAINT ai_reservations_closed CHECK ((state = 'held') = (closed_at IS NULL)),
    PRIMARY KEY (granted_at, id)
) PARTITION BY RANGE (granted_at);

CREATE INDEX ai_reservations_key_digest_idx ON ai_reservations (key_digest);
CREATE INDEX ai_reservations_maker_id_idx ON ai_reservations (maker_id, granted_at DESC, id DESC);
CREATE INDEX ai_reservations_user_id_idx ON ai_reservations (user_id, granted_at DESC, id DESC);
CREATE INDEX ai_reservations_organization_id_idx
ON ai_reservations (organization_id, granted_at DESC, id DESC);
-- The few that a list by state would otherwise look for among all.
CREATE INDEX ai_reservations_unsettled_idx ON ai_reservations (granted_at DESC, id DESC)
WHERE state <> 'settled';

-- What is still held of each open reservation.
CREATE TABLE ai_reservation_holds (
    user_id uuid NOT NULL,
    expires_at timestamptz NOT NULL,
    reservation_id uuid NOT NULL,
    amount_micros numeric(26, 6) NOT NULL
        CONSTRAINT ai_reservation_holds_amount CHECK (amount_micros >= 0),
    -- The group that the call counts for, of the reservation.
    group_id uuid NOT NULL,
    PRIMARY KEY (user_id, expires_at, reservation_id)
);

-- The live holds of a group.
CREATE INDEX ai_reservation_holds_group_id_idx ON ai_reservation_holds (group_id, expires_at);

-- The settlements of a reservation, each by the key of its usage, with the response it got.
CREATE TABLE ai_reservation_settlements (
    reservation_id uuid NOT NULL,
    granted_at timestamptz NOT NULL,
    usage_key_digest uuid NOT NULL,
    content_sha256 bytea NOT NULL,
    source text COLLATE "C" NOT NULL,
    source_id text COLLATE "C" NOT NULL,
    cost_micros numeric(26, 6)
        CONSTRAINT ai_reservation_settlements_cost CHECK (cost_micros >= 0),
    facts jsonb NOT NULL,
    settled_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (granted_at, reservation_id, usage_key_digest)
) PARTITION BY RANGE (granted_at);

-- The partition of a month, for both tables. Decisions find it by the clock, so it exists before
-- its month: the job creates the next one, and the first decision of a month the current one.
CREATE FUNCTION ensure_ai_reservation_month(p_at timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    starts timestamptz := date_trunc('month', p_at, 'UTC');
    ends timestamptz := (starts AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC';
    suffix text := to_char(starts AT TIME ZONE 'UTC', '_YYYY_MM');
    name text;
BEGIN
    IF to_regclass('public.ai_reservation_settlements' || suffix) IS NOT NULL THEN
        RETURN;
    END IF;
    IF p_at NOT BETWEEN clock_timestamp() - interval '1 day'
        AND clock_timestamp() + interval '35 days' THEN
        RAISE EXCEPTION 'no reservation is granted at %', p_at;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('ai_reservations months', 0));
    FOREACH name IN ARRAY ARRAY['ai_reservations', 'ai_reservation_settlements'] LOOP
        CONTINUE WHEN EXISTS (
            SELECT 1 FROM pg_class AS c
            WHERE c.relname = name || suffix AND c.relnamespace = 'public'::regnamespace
        );
        EXECUTE format(
            'CREATE TABLE public.%I (LIKE public.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)',
            name || suffix, name
        );
        EXECUTE format(
            'REVOKE ALL ON public.%I '
            'FROM PUBLIC, allowance_routes, allowance_jobs, allowance_directory',
            name || suffix
        );
        EXECUTE format(
            'ALTER TABLE public.%I ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
            name, name || suffix, starts, ends
        );
    END LOOP;
END
$$;

-- Drop the reservations of the oldest month, with their settlements, if more than two whole months
-- lie between it and the current one. Returns the month; NULL: no month is that old, or it is in
-- use. Decisions queue behind a session that waits for the lock, so it gives up after 100 ms.
CREATE FUNCTION drop_oldest_ai_reservation_month() RETURNS date
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET lock_timeout = '100ms' AS $$
DECLARE
    suffix text;
BEGIN
    SELECT min(right(c.relname, 8)) INTO suffix
    FROM pg_inherits AS i
    JOIN pg_class AS c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'public.ai_reservations'::regclass
        AND to_date(right(c.relname, 7), 'YYYY_MM')
        < date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC') - interval '3 months';
    IF suffix IS NULL THEN
        RETURN NULL;
    END IF;
    -- In the order in which a settlement reads them. Another run may have dropped them.
    BEGIN
        EXECUTE format('DROP TABLE IF EXISTS public.%I', 'ai_reservations' || suffix);
        EXECUTE format('DROP TABLE IF EXISTS public.%I', 'ai_reservation_settlements' || suffix);
    EXCEPTION WHEN lock_not_available THEN
        RETURN NULL;
    END;
    RETURN to_date(right(suffix, 7), 'YYYY_MM');
END
$$;

REVOKE ALL ON ai_user_reserved, ai_reservations, ai_reservation_holds, ai_reservation_settlements
FROM PUBLIC, allowance_routes, allowance_jobs, allowance_directory;
REVOKE ALL ON FUNCTION ensure_ai_reservation_month(timestamptz), drop_oldest_ai_reservation_month()
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ensure_ai_reservation_month(timestamptz),
drop_oldest_ai_reservation_month() TO allowance_jobs;
GRANT SELECT (user_id, expires_at, reservation_id, amount_micros, group_id)
ON ai_reservation_holds TO allowance_routes;
GRANT SELECT (
    id, granted_at, key_digest, maker_id, user_id, group_id, organization_id, provider, model,
    variant, labels, estimate_micros, expires_at, closed_at, state, settled_micros, holds
) ON ai_reservations TO allowance_routes;
-- Usage from the queue names reservations, too.
GRANT SELECT (id, granted_at, key_digest, maker_id, user_id, state)
ON ai_reservations TO allowance_jobs;
GRANT SELECT (
    reservation_id, granted_at, usage_key_digest, content_sha256, source, source_id, cost_micros,
    settled_at, facts
) ON ai_reservation_settlements TO allowance_routes;
