-- Why: a budget needs the spend it limits. Usage is a ledger of entries that never change; a
-- correction is another entry. The same statement keeps the sums, so no query adds up the ledger.

-- Money of the ledger is micro-units of USD with six decimals: exact to 1e-12 USD, which is what a
-- token costs at a price of one micro-unit per million.

-- Quantities of other units are a JSON object of whole numbers by unit, without those that are 0.
-- NULL: there are none.

-- The numbers of entries. One batch takes many.
CREATE SEQUENCE ai_usage_id_seq CACHE 100;

-- What makes a usage count once, however often it is sent, and the cost in the first response.
-- Dropping months of the ledger keeps these rows, so a row is small. The layer maps the name of the
-- primary key to an error.
CREATE TABLE ai_usage_keys (
    -- The first half of the SHA-256 of source, line feed and id, in UTF-8.
    key_digest uuid PRIMARY KEY,
    -- Of the parsed record: the same key with another content is a conflict.
    content_sha256 bytea NOT NULL
        CONSTRAINT ai_usage_keys_content_sha256_length CHECK (octet_length(content_sha256) = 32),
    usage_id bigint NOT NULL,
    cost_micros numeric(26, 6),
    -- Of the entry: with its id, it finds the entry.
    occurred_at timestamptz NOT NULL
);

-- `id` is the usage_id of the entry's key. `source` and `source_id` are the gateway's own names. A
-- correction names the entry that it corrects and has the same occurred_at; its cost and counts are
-- differences. `rerate` has counts only if an object was read again. Another reason takes back all
-- that is booked of the entry; what replaces it is an entry of that reason that corrects none.
-- Without a user, organization or group, the nil UUID is there. No foreign keys: an entry outlives
-- the rows that it names.
CREATE TABLE ai_usage (
    id bigint NOT NULL,
    corrects bigint,
    reason text NOT NULL CONSTRAINT ai_usage_reason
    CHECK (reason IN ('usage', 'rerate', 'amend', 'void', 'attribute')),
    source text COLLATE "C" NOT NULL,
    source_id text COLLATE "C" NOT NULL,
    user_id uuid NOT NULL,
    group_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    provider text COLLATE "C" NOT NULL,
    model text COLLATE "C" NOT NULL,
    variant text,
    -- The gateway's own name of its provider.
    provider_name text,
    -- As they were sent, with `allowance/provider_name` if that is not the provider's name, and the
    -- label set that the entry counts under in the sums. NULL: none.
    labels jsonb,
    label_set_id uuid,
    priced_provider text COLLATE "C",
    priced_model text COLLATE "C",
    price_version_id bigint,
    -- Micro-units of USD per million tokens, by token class, and the tier that they belong to.
    rates jsonb,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cache_read_tokens bigint NOT NULL,
    cache_write_tokens bigint NOT NULL,
    cache_write_1h_tokens bigint NOT NULL,
    other_units jsonb,
    cost_micros numeric(26, 6),
    -- The cost that the record states. NULL: none, or the entry is a correction by `rerate`.
    stated_cost_micros numeric(26, 6),
    -- Our cost, or its correction, less the stated cost. NULL: one of them is missing, or the
    -- stated cost is ours.
    stated_difference_micros numeric(26, 6),
    -- `record`: the stated cost is the cost, as the source's settings say. NULL: the price book.
    cost_from text CONSTRAINT ai_usage_cost_from CHECK (cost_from = 'record'),
    priced boolean NOT NULL,
    -- How the entry changes the counts of usages. A usage adds the requests that it is of, nearly
    -- always 1, to the first, and also to the second if it is unpriced. A correction that is the
    -- first price takes them from the second.
    usage_count bigint NOT NULL,
    unpriced_usage_count bigint NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    -- The user who sent it. NULL: the queue or a job.
    recorded_by uuid,
    -- A vendor's usage object that was not read whole, and why; NULL for nearly all entries. It is
    -- read again until it has a cost. The correction that follows has the format only.
    usage_format text,
    usage_object jsonb,
    unpriced_reasons jsonb,
    CONSTRAINT ai_usage_object CHECK (
        (usage_object IS NULL) = (unpriced_reasons IS NULL)
        AND (usage_object IS NULL OR usage_format IS NOT NULL)
        AND (usage_object IS NULL OR NOT priced OR cost_from IS NOT NULL)
    ),
    CONSTRAINT ai_usage_corrects CHECK (
        CASE WHEN corrects IS NULL THEN reason NOT IN ('rerate', 'void') ELSE reason <> 'usage' END
    ),
    CONSTRAINT ai_usage_priced CHECK (priced = (cost_micros IS NOT NULL)),
    -- Only a correction takes something away.
    CONSTRAINT ai_usage_adds CHECK (
        corrects IS NOT NULL OR (
            coalesce(cost_micros, 0) >= 0
            AND least(
                input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,
                cache_write_1h_tokens
            ) >= 0
            AND coalesce(stated_cost_micros, 0) >= 0
            AND (other_units IS NULL OR NOT jsonb_path_exists(other_units, '$.* ? (@ <= 0)'))
            AND usage_count >= 1
            AND unpriced_usage_count = CASE WHEN priced THEN 0 ELSE usage_count END
        )
    ),
    CONSTRAINT ai_usage_other_units CHECK (
        other_units IS NULL OR (jsonb_typeof(other_units) = 'object' AND other_units <> '{}')
    ),
    CONSTRAINT ai_usage_stated CHECK (
        (reason <> 'rerate' OR stated_cost_micros IS NULL)
        AND (cost_from IS NULL OR stated_cost_micros IS NOT NULL)
        AND (cost_from IS NULL OR cost_micros = stated_cost_micros)
        AND (
            corrects IS NOT NULL OR stated_difference_micros IS NULL
            OR coalesce(stated_difference_micros = cost_micros - stated_cost_micros, false)
        )
    ),
    CONSTRAINT ai_usage_labels CHECK ((labels IS NULL) = (label_set_id IS NULL)),
    -- This order keeps the usage of an organization together, and an entry beside its corrections.
    PRIMARY KEY (organization_id, occurred_at, id)
) PARTITION BY RANGE (occurred_at);

-- The corrections of an entry. A usage has no entry in this index, so recording one writes none.
CREATE INDEX ai_usage_corrects_idx ON ai_usage (corrects) WHERE corrects IS NOT NULL;

-- The day is the UTC day of the usage. Names are as the gateway sent them. Without labels, a label
-- set has the nil UUID. Updates of a sum stay on its page (fillfactor). No column that changes is
-- in an index. Sums have no declared precision, since checking it takes time, and columns of a
-- fixed width come first, where they are found without reading the others.
CREATE TABLE ai_spend_daily (
    user_id uuid NOT NULL,
    group_id uuid NOT NULL,
    -- Kept here because the group may be deleted, and usage of nobody has none.
    organization_id uuid NOT NULL,
    label_set_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    usage_count bigint NOT NULL,
    unpriced_usage_count bigint NOT NULL,
    day date NOT NULL,
    provider text COLLATE "C" NOT NULL,
    model text COLLATE "C" NOT NULL,
    cost_micros numeric NOT NULL,
    input_tokens numeric NOT NULL,
    output_tokens numeric NOT NULL,
    cache_read_tokens numeric NOT NULL,
    cache_write_tokens numeric NOT NULL,
    cache_write_1h_tokens numeric NOT NULL,
    other_units jsonb,
    -- Of the usages that state a cost, and of those that also have one of ours. NULL: none does.
    stated_cost_micros numeric,
    stated_difference_micros numeric,
    PRIMARY KEY (user_id, day, group_id, organization_id, provider, model, label_set_id)
) WITH (fillfactor = 70);

-- The daily export of an organization.
CREATE INDEX ai_spend_daily_organization_id_day_idx
ON ai_spend_daily (organization_id, day, user_id, group_id);

-- The sums of reports, by quarter of an hour, so that a day of any time zone is a sum of them. Also
-- the way from a model to its entries.
CREATE TABLE ai_usage_quarter_hourly (
    organization_id uuid NOT NULL,
    group_id uuid NOT NULL,
    label_set_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    starts_at timestamptz NOT NULL,
    usage_count bigint NOT NULL,
    unpriced_usage_count bigint NOT NULL,
    -- Of unpriced_usage_count, those with a usage object that was not read whole.
    unread_usage_count bigint NOT NULL DEFAULT 0,
    -- The usages in stated_difference_micros, and in compared_cost_micros our cost of them.
    compared_usage_count bigint NOT NULL DEFAULT 0,
    provider text COLLATE "C" NOT NULL,
    model text COLLATE "C" NOT NULL,
    cost_micros numeric NOT NULL,
    input_tokens numeric NOT NULL,
    output_tokens numeric NOT NULL,
    cache_read_tokens numeric NOT NULL,
    cache_write_tokens numeric NOT NULL,
    cache_write_1h_tokens numeric NOT NULL,
    compared_cost_micros numeric NOT NULL DEFAULT 0,
    other_units jsonb,
    -- Of the usages that state a cost, and of those that also have one of ours. NULL: none does.
    stated_cost_micros numeric,
    stated_difference_micros numeric,
    PRIMARY KEY (organization_id, starts_at, group_id, provider, model, label_set_id)
) WITH (fillfactor = 70);

-- Where the usage of a model is in the ledger. It holds no sum: updates of a sum do not write it.
CREATE INDEX ai_usage_quarter_hourly_model_idx
ON ai_usage_quarter_hourly (provider, model, starts_at, organization_id);
CREATE INDEX ai_usage_quarter_hourly_unpriced_idx
ON ai_usage_quarter_hourly (provider, model, starts_at, organization_id)
INCLUDE (unpriced_usage_count)
WHERE unpriced_usage_count > 0;
CREATE INDEX ai_usage_quarter_hourly_compared_idx ON ai_usage_quarter_hourly (provider, model)
WHERE compared_usage_count > 0;

-- The spend of a user in a month (its first day), in all groups: the sum that a limit applies to. A
-- writer holds the row until the end of its transaction, so it returns the complete sum.
CREATE TABLE ai_user_spend_monthly (
    user_id uuid NOT NULL,
    month date NOT NULL
        CONSTRAINT ai_user_spend_monthly_month CHECK (extract(DAY FROM month) = 1),
    cost_micros numeric NOT NULL,
    unpriced_usage_count bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, month)
) WITH (fillfactor = 70);

-- The same sum by group: a group of any size reads one row per member and month.
CREATE TABLE ai_group_spend_monthly (
    group_id uuid NOT NULL,
    month date NOT NULL
        CONSTRAINT ai_group_spend_monthly_month CHECK (extract(DAY FROM month) = 1),
    user_id uuid NOT NULL,
    cost_micros numeric NOT NULL,
    unpriced_usage_count bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (group_id, month, user_id)
) WITH (fillfactor = 70);

-- A month is read without the others: its rows lie together. An update of a sum does not write it.
CREATE INDEX ai_user_spend_monthly_month_idx ON ai_user_spend_monthly USING brin (month);
CREATE INDEX ai_group_spend_monthly_month_idx ON ai_group_spend_monthly USING brin (month);

-- The functions write these tables by record_ai_usage (0012_recording.sql).
REVOKE ALL ON ai_usage_keys, ai_usage, ai_spend_daily, ai_usage_quarter_hourly,
ai_user_spend_monthly, ai_group_spend_monthly
FROM PUBLIC, allowance_routes, allowance_jobs, allowance_directory;
GRANT SELECT (key_digest, content_sha256, cost_micros) ON ai_usage_keys
TO allowance_routes, allowance_jobs;
GRANT SELECT (
    id, corrects, reason, user_id, group_id, organization_id, provider, model, variant,
    provider_name, labels, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,
    cache_write_1h_tokens, other_units, cost_micros, stated_cost_micros, cost_from, usage_count,
    unpriced_usage_count, occurred_at, recorded_at, usage_format, usage_object
) ON ai_usage TO allowance_jobs;
GRANT SELECT ON ai_user_spend_monthly, ai_group_spend_monthly TO allowance_routes;
GRANT SELECT (
    user_id, group_id, organization_id, day, cost_micros, input_tokens, output_tokens,
    cache_read_tokens, cache_write_tokens, cache_write_1h_tokens, other_units, stated_cost_micros,
    stated_difference_micros, usage_count, unpriced_usage_count
) ON ai_spend_daily TO allowance_routes;
GRANT SELECT (
    starts_at, organization_id, group_id, provider, model, label_set_id, cost_micros, input_tokens,
    output_tokens, cache_read_tokens, cache_write_tokens, cache_write_1h_tokens, other_units,
    stated_difference_micros, usage_count, unpriced_usage_count, unread_usage_count,
    compared_usage_count, compared_cost_micros
) ON ai_usage_quarter_hourly TO allowance_routes;
