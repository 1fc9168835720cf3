-- Why: senders make mistakes, and send usage of users who are not known yet. What was recorded is
-- put right by entries of their own, never by rewriting, and each change counts once.

-- The changes of a usage, numbered from 1. Its key keeps the first content. A row is also what
-- makes a change count once: the next one needs the next number. Void: no entry is left.
CREATE TABLE ai_usage_revisions (
    key_digest uuid NOT NULL,
    number bigint NOT NULL,
    -- NULL for a void, as the entry is.
    content_sha256 bytea,
    -- The sender's number of the content, 0 without one.
    revision bigint NOT NULL,
    -- The entry that has the content now, and its place in the ledger.
    usage_id bigint,
    organization_id uuid,
    occurred_at timestamptz,
    cost_micros numeric(26, 6),
    -- The user who recorded the usage first, and may change it. NULL: the queue.
    recorded_by uuid,
    PRIMARY KEY (key_digest, number),
    CONSTRAINT ai_usage_revisions_void
        CHECK (num_nulls(content_sha256, usage_id, organization_id, occurred_at) % 4 = 0)
);

-- Usage whose user is not known, by the name that was sent, until it is assigned or changed. The
-- entries have the nil UUID as their user.
CREATE TABLE ai_usage_unattributed (
    key_digest uuid PRIMARY KEY,
    source text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    -- The group that the record names.
    named_group text COLLATE "C",
    -- The entry. NULL: its month was dropped, so it stays nobody's.
    usage_id bigint,
    organization_id uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    -- What is booked of it. Usage without a price has no cost.
    usage_count bigint NOT NULL,
    unpriced_usage_count bigint NOT NULL,
    cost_micros numeric(26, 6) NOT NULL
);

CREATE INDEX ai_usage_unattributed_name_idx
ON ai_usage_unattributed (source, name, occurred_at, key_digest) WHERE usage_id IS NOT NULL;
-- A correction of a cost names the entry.
CREATE INDEX ai_usage_unattributed_usage_id_idx ON ai_usage_unattributed (usage_id)
WHERE usage_id IS NOT NULL;

-- Return the first half of the SHA-256 of our own source, line feed and id: the key of an entry
-- that is no usage as it was sent.
CREATE FUNCTION ai_own_usage_key(p_id text) RETURNS uuid
LANGUAGE sql IMMUTABLE
RETURN encode(
    substring(sha256(convert_to('allowance' || E'\n' || p_id, 'UTF8')) FROM 1 FOR 16), 'hex'
)::uuid;

-- Return the entry that has the present content of a usage, given the number of its next change.
-- No row: the usage is not known, has had that change, is void, or its month was dropped.
CREATE FUNCTION ai_present_usage(p_key_digest uuid, p_number bigint) RETURNS SETOF ai_usage
LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT e.*
    FROM ai_usage_keys AS k
    CROSS JOIN (
        SELECT o.id FROM organizations AS o
        UNION ALL
        SELECT '00000000-0000-0000-0000-000000000000'
    ) AS o
    JOIN ai_usage AS e
        ON e.organization_id = o.id AND e.occurred_at = k.occurred_at AND e.id = k.usage_id
    WHERE p_number = 1 AND k.key_digest = p_key_digest
    UNION ALL
    SELECT e.*
    FROM ai_usage_revisions AS r
    JOIN ai_usage AS e ON e.organization_id = r.organization_id
        AND e.occurred_at = r.occurred_at AND e.id = r.usage_id
    WHERE r.key_digest = p_key_digest AND r.number = p_number - 1
$$;

-- Return who recorded each usage, NULL for the queue, for whom its present entry is booked, and
-- whether the ledger has that entry.
CREATE FUNCTION ai_usage_recorders(p_key_digests uuid []) RETURNS TABLE (
    key_digest uuid, recorded_by uuid, user_id uuid, is_present boolean
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT k.key_digest, CASE WHEN r.number IS NULL THEN e.recorded_by ELSE r.recorded_by END,
        e.user_id, e.id IS NOT NULL
    FROM ai_usage_keys AS k
    LEFT JOIN LATERAL (
        SELECT each.number, each.recorded_by
        FROM ai_usage_revisions AS each
        WHERE each.key_digest = k.key_digest
        ORDER BY each.number DESC
        LIMIT 1
    ) AS r ON true
    LEFT JOIN LATERAL ai_present_usage(k.key_digest, coalesce(r.number, 0) + 1) AS e ON true
    WHERE k.key_digest = ANY(p_key_digests)
$$;

-- Return the entries that changes of usages write, beside new contents: one takes back all that is
-- booked for a usage, and for `attribute` another that books it for the change's user. Amounts
-- are whole units of 1e-12 USD. `place` counts the changes from 1. Fewer places than changes:
-- not every usage is present.
CREATE FUNCTION ai_usage_change_entries(p_changes jsonb) RETURNS TABLE (
    place bigint, is_taken_back boolean, user_id uuid, group_id uuid, organization_id uuid,
    kind jsonb, id text, key_digest uuid, content_sha256 bytea, occurred_at timestamptz,
    labels jsonb, input_tokens bigint, output_tokens bigint, cache_read_tokens bigint,
    cache_write_tokens bigint, cache_write_1h_tokens bigint, other_units text, cost text,
    stated_cost text, stated_difference text, corrects bigint, extra_count bigint,
    unpriced_count bigint
)
LANGUAGE sql STABLE AS $$
    SELECT c.place, s.sign < 0, CASE WHEN s.sign < 0 THEN e.user_id ELSE c.user_id END,
        CASE WHEN s.sign < 0 THEN e.group_id ELSE c.group_id END,
        CASE WHEN s.sign < 0 THEN e.organization_id ELSE c.organization_id END,
        jsonb_build_object(
            'reason', c.reason, 'provider', e.provider, 'model', e.model,
            'provider_name', e.provider_name, 'usage_format', e.usage_format
        ) || CASE
            WHEN s.sign < 0 THEN jsonb_build_object('source', 'allowance', 'variant', e.variant)
            ELSE jsonb_build_object(
                'source', e.source, 'variant', coalesce((b.priced).variant, e.variant),
                'cost_from', e.cost_from, 'priced_provider', (b.priced).priced_provider,
                'priced_model', (b.priced).priced_model,
                'price_version_id', (b.priced).price_version_id, 'rates', (b.priced).rates
            )
        END || CASE
            WHEN s.sign > 0 AND (b.unpriced_usage_count > 0 OR e.cost_from IS NOT NULL)
                THEN jsonb_build_object(
                    'usage_object', e.usage_object::text, 'unpriced_reasons', e.unpriced_reasons
                )
            ELSE '{}'
        END,
        CASE WHEN s.sign < 0 THEN own.id ELSE e.source_id END, ai_own_usage_key(own.id),
        sha256(convert_to(own.id, 'UTF8')), e.occurred_at, e.labels, s.sign * b.input_tokens,
        s.sign * b.output_tokens, s.sign * b.cache_read_tokens, s.sign * b.cache_write_tokens,
        s.sign * b.cache_write_1h_tokens,
        (
            SELECT jsonb_object_agg(u.key, s.sign * u.value::numeric)::text
            FROM jsonb_each_text(b.other_units) AS u
        ),
        CASE
            WHEN s.sign < 0 OR b.unpriced_usage_count = 0
                THEN trunc(s.sign * b.cost_micros * 1000000)
        END::text,
        trunc(s.sign * b.stated_cost_micros * 1000000)::text,
        CASE
            WHEN s.sign < 0 OR b.unpriced_usage_count = 0
                THEN trunc(s.sign * b.stated_difference_micros * 1000000)
        END::text,
        CASE WHEN s.sign < 0 THEN e.id END,
        s.sign * b.usage_count - (s.sign > 0)::integer, s.sign * b.unpriced_usage_count
    FROM ROWS FROM (
        jsonb_to_recordset(p_changes) AS (
            key_digest uuid, number bigint, reason text, user_id uuid, group_id uuid,
            organization_id uuid
        )
    ) WITH ORDINALITY AS c (
        key_digest, number, reason, user_id, group_id, organization_id, place
    )
    JOIN LATERAL ai_present_usage(c.key_digest, c.number) AS e
        ON c.reason <> 'attribute' OR e.user_id = '00000000-0000-0000-0000-000000000000'
    CROSS JOIN LATERAL (
        SELECT count((each.line).corrects) AS corrections,
            sum((each.line).cost_micros) AS cost_micros,
            sum((each.line).stated_cost_micros) AS stated_cost_micros,
            sum((each.line).stated_difference_micros) AS stated_difference_micros,
            sum((each.line).input_tokens)::bigint AS input_tokens,
            sum((each.line).output_tokens)::bigint AS output_tokens,
            sum((each.line).cache_read_tokens)::bigint AS cache_read_tokens,
            sum((each.line).cache_write_tokens)::bigint AS cache_write_tokens,
            sum((each.line).cache_write_1h_tokens)::bigint AS cache_write_1h_tokens,
            ai_other_units_sum((each.line).other_units) AS other_units,
            sum((each.line).usage_count)::bigint AS usage_count,
            sum((each.line).unpriced_usage_count)::bigint AS unpriced_usage_count,
            (
                array_agg(each.line ORDER BY (each.line).id DESC)
                FILTER (WHERE (each.line).priced)
            )[1] AS priced
        FROM (
            SELECT e AS line
            UNION ALL
            SELECT d FROM ai_usage AS d WHERE d.corrects = e.id AND d.occurred_at = e.occurred_at
        ) AS each
    ) AS b
    JOIN (VALUES (-1), (1)) AS s (sign) ON s.sign < 0 OR c.reason = 'attribute'
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN s.sign < 0 THEN e.id || '/' || b.corrections + 1
            ELSE c.key_digest || '/' || c.number
        END AS id
    ) AS own
$$;

-- Return a column of a batch with more values at its end. A column may lack its last elements.
CREATE FUNCTION ai_column_with(p_column anyarray, p_rows bigint, p_more anyarray) RETURNS anyarray
LANGUAGE sql IMMUTABLE AS $$
    SELECT p_column
        || array_fill(p_more[0], ARRAY[greatest(p_rows - cardinality(p_column), 0)::integer])
        || p_more
$$;

-- The same for a column of texts, one a line.
CREATE FUNCTION ai_lines_with(p_lines text, p_rows bigint, p_more text []) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN array_to_string(
    ai_column_with(string_to_array(p_lines, E'\n', ''), p_rows, p_more), E'\n', ''
);

REVOKE ALL ON ai_usage_revisions, ai_usage_unattributed
FROM PUBLIC, allowance_routes, allowance_jobs, allowance_directory;
REVOKE ALL ON FUNCTION ai_own_usage_key(text), ai_present_usage(uuid, bigint),
ai_usage_change_entries(jsonb), ai_column_with(anyarray, bigint, anyarray),
ai_lines_with(text, bigint, text []), ai_usage_recorders(uuid []) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ai_usage_recorders(uuid []) TO allowance_routes, allowance_jobs;
GRANT SELECT (key_digest) ON ai_usage_unattributed TO allowance_routes, allowance_jobs;
GRANT SELECT (source, name, named_group, usage_id, occurred_at) ON ai_usage_unattributed
TO allowance_jobs;
GRANT SELECT (key_digest, number, content_sha256, revision, cost_micros)
ON ai_usage_revisions TO allowance_routes, allowance_jobs;
