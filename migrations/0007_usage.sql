-- Why: a budget means nothing until usage is counted against it. Usage is a ledger that is only
-- ever added to: what was wrong is put right by another entry. Its sums are kept by the same
-- statement, so that no question adds it up again.

-- What makes an entry count once, however often it is sent. Kept when the months of the ledger are
-- dropped.
CREATE TABLE ai_usage_keys (
    source text COLLATE "C" NOT NULL
        CONSTRAINT ai_usage_keys_source_length CHECK (char_length(source) BETWEEN 1 AND 255),
    id text COLLATE "C" NOT NULL CONSTRAINT ai_usage_keys_id_length CHECK (char_length(id) BETWEEN 1 AND 255),
    -- Of the record as it was understood: the same key with another one is a conflict.
    content_sha256 bytea NOT NULL CONSTRAINT ai_usage_keys_content_sha256_length CHECK (octet_length(content_sha256) = 32),
    usage_id bigint GENERATED ALWAYS AS IDENTITY,
    occurred_at timestamptz NOT NULL,
    -- What was answered, and is answered again: corrections that came later are not in it.
    cost_micros bigint,
    priced boolean NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source, id),
    CONSTRAINT ai_usage_keys_priced CHECK (priced = (cost_micros IS NOT NULL))
);

-- `id` is the usage_id of its key. A correction names the entry of the usage that it corrects,
-- occurred when that did, has no tokens of its own, and its cost is the difference. No organization
-- or group: the UUID of zeros. No foreign keys: an entry outlives what it speaks of.
CREATE TABLE ai_usage (
    id bigint NOT NULL,
    corrects bigint,
    reason text NOT NULL CONSTRAINT ai_usage_reason CHECK (reason IN ('usage', 'rerate')),
    user_id uuid NOT NULL,
    group_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    provider text COLLATE "C" NOT NULL,
    model text COLLATE "C" NOT NULL,
    variant text,
    priced_provider text COLLATE "C",
    priced_model text COLLATE "C",
    price_version_id bigint,
    -- Micro-units of USD per million tokens, by class, and the tier that they are of.
    rates jsonb,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cache_read_tokens bigint NOT NULL,
    cache_write_tokens bigint NOT NULL,
    cache_write_1h_tokens bigint NOT NULL,
    cost_micros bigint,
    priced boolean NOT NULL,
    -- How the entry changes the numbers of usages: 1 and 0 or 1 of a usage; 0 and 0 or -1 of a
    -- correction.
    usage_count bigint NOT NULL,
    unpriced_usage_count bigint NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ai_usage_corrects CHECK ((reason = 'usage') = (corrects IS NULL)),
    CONSTRAINT ai_usage_priced CHECK (priced = (cost_micros IS NOT NULL)),
    -- The usage of an organization, and an entry with its corrections, lie together.
    PRIMARY KEY (organization_id, occurred_at, id)
) PARTITION BY RANGE (occurred_at);

-- What is compared with limits. The day is that of the usage, in UTC. Sums are as wide as anything
-- that is added up.
CREATE TABLE ai_spend_daily (
    user_id uuid NOT NULL,
    group_id uuid NOT NULL,
    day date NOT NULL,
    cost_micros numeric(30, 0) NOT NULL,
    input_tokens numeric(30, 0) NOT NULL,
    output_tokens numeric(30, 0) NOT NULL,
    cache_read_tokens numeric(30, 0) NOT NULL,
    cache_write_tokens numeric(30, 0) NOT NULL,
    cache_write_1h_tokens numeric(30, 0) NOT NULL,
    usage_count bigint NOT NULL,
    unpriced_usage_count bigint NOT NULL,
    PRIMARY KEY (user_id, group_id, day)
);

-- The spend of a group is read from this index alone.
CREATE INDEX ai_spend_daily_group_id_day_user_id_idx
ON ai_spend_daily (group_id, day, user_id) INCLUDE (cost_micros, usage_count, unpriced_usage_count);

-- What reports are made of, and the way to the entries of a model: names are as they were sent.
CREATE TABLE ai_usage_hourly (
    hour timestamptz NOT NULL,
    organization_id uuid NOT NULL,
    group_id uuid NOT NULL,
    provider text COLLATE "C" NOT NULL,
    model text COLLATE "C" NOT NULL,
    cost_micros numeric(30, 0) NOT NULL,
    input_tokens numeric(30, 0) NOT NULL,
    output_tokens numeric(30, 0) NOT NULL,
    cache_read_tokens numeric(30, 0) NOT NULL,
    cache_write_tokens numeric(30, 0) NOT NULL,
    cache_write_1h_tokens numeric(30, 0) NOT NULL,
    usage_count bigint NOT NULL,
    unpriced_usage_count bigint NOT NULL,
    PRIMARY KEY (organization_id, hour, group_id, provider, model)
);

CREATE INDEX ai_usage_hourly_unpriced_idx
ON ai_usage_hourly (provider, model, hour) INCLUDE (unpriced_usage_count) WHERE unpriced_usage_count > 0;

-- Up to which version of the price book usage was rated anew.
CREATE TABLE ai_usage_rating (
    id boolean PRIMARY KEY DEFAULT true CONSTRAINT ai_usage_rating_one_row CHECK (id),
    rated_until timestamptz NOT NULL DEFAULT now()
);
INSERT INTO ai_usage_rating (id) VALUES (true);

-- The month of the ledger that holds a moment, made when it is first needed: the application owns
-- no tables. Attached rather than created in place, which would wait for every writer.
CREATE FUNCTION ensure_ai_usage_month(moment timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    first_moment timestamptz := date_trunc('month', moment, 'UTC');
    next_month timestamptz := (first_moment AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC';
    name text := 'ai_usage_' || to_char(first_moment AT TIME ZONE 'UTC', 'YYYY_MM');
BEGIN
    IF to_regclass('public.' || name) IS NOT NULL THEN
        RETURN;
    END IF;
    IF moment < '2020-01-01 00:00:00+00' OR moment > clock_timestamp() + interval '1 day' THEN
        RAISE EXCEPTION 'no usage is kept of %', moment;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('ai_usage months', 0));
    -- By a query: what to_regclass remembers is not forgotten by waiting for a lock of this kind.
    IF EXISTS (SELECT 1 FROM pg_class AS c WHERE c.relname = name AND c.relnamespace = 'public'::regnamespace) THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE public.%I (LIKE public.ai_usage INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
    EXECUTE format('REVOKE ALL ON public.%I FROM PUBLIC, allowance_app', name);
    EXECUTE format(
        'ALTER TABLE public.ai_usage ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)', name, first_moment, next_month
    );
END
$$;

-- Drops the months of the ledger that ended by a moment, and answers how many those were. Keys and
-- sums stay.
CREATE FUNCTION drop_ai_usage_months(ended_by timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    dropped integer := 0;
    name text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('ai_usage months', 0));
    FOR name IN
        SELECT c.relname FROM pg_inherits AS i
        JOIN pg_class AS c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'public.ai_usage'::regclass
            AND (to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month') AT TIME ZONE 'UTC' <= ended_by
        ORDER BY c.relname
    LOOP
        EXECUTE format('DROP TABLE public.%I', name);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END
$$;

-- An entry is never changed: the application may add and read, and change the sums.
REVOKE ALL ON ai_usage_keys, ai_usage, ai_spend_daily, ai_usage_hourly, ai_usage_rating FROM PUBLIC, allowance_app;
REVOKE ALL ON FUNCTION ensure_ai_usage_month(timestamptz), drop_ai_usage_months(timestamptz) FROM PUBLIC;
GRANT SELECT, INSERT ON ai_usage_keys, ai_usage TO allowance_app;
GRANT SELECT, INSERT, UPDATE ON ai_spend_daily, ai_usage_hourly TO allowance_app;
GRANT SELECT, UPDATE ON ai_usage_rating TO allowance_app;
GRANT EXECUTE ON FUNCTION ensure_ai_usage_month(timestamptz), drop_ai_usage_months(timestamptz) TO allowance_app;
