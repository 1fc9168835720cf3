-- Why: a vendor's invoice never equals the ledger at once. What a vendor counted is kept by day and
-- model beside what the ledger has, so that each difference is found and explained.

-- What a vendor counted on a UTC day, in one of its accounts, for one model. Names are those of the
-- report in lower case, and what they mean is decided when they are read. An empty account or
-- model: the report names none. A usage report fills tokens and requests, a cost report the cost:
-- NULL in a column says that no report has it. Costs may be negative: vendors book credits.
CREATE TABLE ai_vendor_usage (
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    day date NOT NULL,
    vendor text COLLATE "C" NOT NULL
        CONSTRAINT ai_vendor_usage_vendor_length CHECK (char_length(vendor) BETWEEN 1 AND 1000),
    account text COLLATE "C" NOT NULL
        CONSTRAINT ai_vendor_usage_account_length CHECK (char_length(account) <= 1000),
    model text COLLATE "C" NOT NULL
        CONSTRAINT ai_vendor_usage_model_length CHECK (char_length(model) <= 1000),
    -- By class, without those that are 0.
    tokens jsonb CONSTRAINT ai_vendor_usage_tokens CHECK (jsonb_typeof(tokens) = 'object'),
    requests bigint CONSTRAINT ai_vendor_usage_requests CHECK (requests >= 0),
    cost_micros numeric(26, 6),
    -- The last reports of tokens or requests, and of the cost, also if they changed nothing.
    usage_reported_at timestamptz,
    cost_reported_at timestamptz,
    PRIMARY KEY (organization_id, day, vendor, account, model),
    CONSTRAINT ai_vendor_usage_anything CHECK (num_nonnulls(tokens, requests, cost_micros) > 0),
    CONSTRAINT ai_vendor_usage_reported_at CHECK (
        (num_nonnulls(tokens, requests) > 0) = (usage_reported_at IS NOT NULL)
        AND (cost_micros IS NOT NULL) = (cost_reported_at IS NOT NULL)
    )
);

-- Return how many tokens all classes have together; NULL of NULL.
CREATE FUNCTION ai_vendor_tokens(p_tokens jsonb) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_tokens IS NOT NULL THEN coalesce(sum(e.value::numeric), 0) END
    FROM jsonb_each_text(p_tokens) AS e
$$;

-- The sums of a rolled-up day by model, without group, user and labels. `stated_alone_micros`: the
-- cost that usages state to which no cost of the price book is known. `changed_at`: when a later
-- roll-up found other sums than the first. Rows of a day that is not in ai_rolled_days count for
-- nothing.
CREATE TABLE ai_rolled_models (
    organization_id uuid NOT NULL,
    day date NOT NULL,
    usage_count bigint NOT NULL,
    unpriced_usage_count bigint NOT NULL,
    changed_at timestamptz,
    provider text COLLATE "C" NOT NULL,
    model text COLLATE "C" NOT NULL,
    cost_micros numeric NOT NULL,
    input_tokens numeric NOT NULL,
    output_tokens numeric NOT NULL,
    cache_read_tokens numeric NOT NULL,
    cache_write_tokens numeric NOT NULL,
    cache_write_1h_tokens numeric NOT NULL,
    stated_alone_micros numeric NOT NULL,
    other_units jsonb,
    PRIMARY KEY (organization_id, day, provider, model)
);

-- Days that were rolled up before this table existed are rolled up again.
DELETE FROM ai_rolled_days;

-- Return the sums of a UTC day of an organization by model, from the sums by quarter of an hour.
CREATE FUNCTION ai_models_of_day(p_organization_id uuid, p_day date) RETURNS TABLE (
    provider text, model text, usage_count bigint, unpriced_usage_count bigint,
    cost_micros numeric, input_tokens numeric, output_tokens numeric, cache_read_tokens numeric,
    cache_write_tokens numeric, cache_write_1h_tokens numeric, stated_alone_micros numeric,
    other_units jsonb
)
LANGUAGE sql STABLE ROWS 20 AS $$
    SELECT q.provider, q.model, sum(q.usage_count)::bigint, sum(q.unpriced_usage_count)::bigint,
        sum(q.cost_micros), sum(q.input_tokens), sum(q.output_tokens), sum(q.cache_read_tokens),
        sum(q.cache_write_tokens), sum(q.cache_write_1h_tokens),
        -- Of a usage that has both costs, the stated one is ours less the difference.
        coalesce(sum(q.stated_cost_micros), 0) + coalesce(sum(q.stated_difference_micros), 0)
            - sum(q.compared_cost_micros),
        nullif(ai_other_units_sum(q.other_units), '{}')
    FROM ai_usage_quarter_hourly AS q
    WHERE q.organization_id = p_organization_id
        AND q.starts_at >= p_day::timestamp AT TIME ZONE 'UTC'
        AND q.starts_at < (p_day + 1)::timestamp AT TIME ZONE 'UTC'
    GROUP BY q.provider, q.model
$$;

-- Roll up the models of a day that roll_up_ai_day marks, under its lock. A sum never disappears, so
-- no row does.
CREATE FUNCTION roll_up_ai_models() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ai_rolled_models AS r (
        organization_id, day, provider, model, usage_count, unpriced_usage_count, cost_micros,
        input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cache_write_1h_tokens,
        stated_alone_micros, other_units, changed_at
    )
    SELECT new.organization_id, new.day, s.*,
        -- Of a day that was rolled up before, a model without a row is late too.
        CASE WHEN EXISTS (
            SELECT 1 FROM ai_rolled_models AS m
            WHERE m.organization_id = new.organization_id AND m.day = new.day
        ) THEN now() END
    FROM ai_models_of_day(new.organization_id, new.day) AS s
    ON CONFLICT (organization_id, day, provider, model) DO UPDATE
    SET usage_count = excluded.usage_count, unpriced_usage_count = excluded.unpriced_usage_count,
        cost_micros = excluded.cost_micros, input_tokens = excluded.input_tokens,
        output_tokens = excluded.output_tokens, cache_read_tokens = excluded.cache_read_tokens,
        cache_write_tokens = excluded.cache_write_tokens,
        cache_write_1h_tokens = excluded.cache_write_1h_tokens,
        stated_alone_micros = excluded.stated_alone_micros, other_units = excluded.other_units,
        changed_at = now()
    WHERE (
            r.usage_count, r.unpriced_usage_count, r.cost_micros, r.input_tokens, r.output_tokens,
            r.cache_read_tokens, r.cache_write_tokens, r.cache_write_1h_tokens,
            r.stated_alone_micros, r.other_units
        ) IS DISTINCT FROM (
            excluded.usage_count, excluded.unpriced_usage_count, excluded.cost_micros,
            excluded.input_tokens, excluded.output_tokens, excluded.cache_read_tokens,
            excluded.cache_write_tokens, excluded.cache_write_1h_tokens,
            excluded.stated_alone_micros, excluded.other_units
        );
    RETURN NULL;
END
$$;

CREATE TRIGGER roll_up_ai_models AFTER INSERT ON ai_rolled_days
FOR EACH ROW EXECUTE FUNCTION roll_up_ai_models();

-- Return the usage of an organization by UTC day and model, from p_first to the day before p_end:
-- of rolled-up days from their rows, of other days from the sums by quarter of an hour.
CREATE FUNCTION ai_usage_by_model(p_organization_id uuid, p_first date, p_end date) RETURNS TABLE (
    day date, changed_at timestamptz, provider text, model text, usage_count bigint,
    unpriced_usage_count bigint, cost_micros numeric, input_tokens numeric, output_tokens numeric,
    cache_read_tokens numeric, cache_write_tokens numeric, cache_write_1h_tokens numeric,
    stated_alone_micros numeric, other_units jsonb
)
LANGUAGE sql STABLE SET jit = off AS $$
    SELECT m.day, m.changed_at, m.provider, m.model, m.usage_count, m.unpriced_usage_count,
        m.cost_micros, m.input_tokens, m.output_tokens, m.cache_read_tokens, m.cache_write_tokens,
        m.cache_write_1h_tokens, m.stated_alone_micros, m.other_units
    FROM ai_rolled_days AS r
    JOIN ai_rolled_models AS m ON m.organization_id = r.organization_id AND m.day = r.day
    WHERE r.organization_id = p_organization_id AND r.day >= p_first AND r.day < p_end
    UNION ALL
    SELECT d.day::date, NULL, s.*
    FROM generate_series(p_first::timestamp, (p_end - 1)::timestamp, '1 day') AS d (day)
    CROSS JOIN LATERAL ai_models_of_day(p_organization_id, d.day::date) AS s
    WHERE NOT EXISTS (
        SELECT 1 FROM ai_rolled_days AS r
        WHERE r.organization_id = p_organization_id AND r.day = d.day::date
    )
$$;

REVOKE ALL ON ai_vendor_usage, ai_rolled_models
FROM PUBLIC, allowance_routes, allowance_jobs, allowance_directory;
REVOKE ALL ON FUNCTION ai_vendor_tokens(jsonb), ai_models_of_day(uuid, date), roll_up_ai_models(),
ai_usage_by_model(uuid, date, date) FROM PUBLIC;
GRANT SELECT, INSERT, DELETE, UPDATE (
    tokens, requests, cost_micros, usage_reported_at, cost_reported_at
) ON ai_vendor_usage TO allowance_routes;
GRANT SELECT ON ai_rolled_models TO allowance_routes;
GRANT SELECT (stated_cost_micros) ON ai_usage_quarter_hourly TO allowance_routes;
GRANT EXECUTE ON FUNCTION ai_vendor_tokens(jsonb), ai_models_of_day(uuid, date),
ai_usage_by_model(uuid, date, date) TO allowance_routes;
