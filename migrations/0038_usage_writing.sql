-- Why: logins record usage by one function. It computes what a change takes back by itself, so that
-- no login can take back what was not booked.

-- Keep what changes made of usages, after the entries were written, and which usages have no user.
-- `p_key_digests` and `p_persons` are those of the entries. A number that is there already fails.
CREATE FUNCTION keep_ai_usage_changes(
    p_changes jsonb, p_unattributed jsonb, p_key_digests uuid [], p_persons bigint [],
    p_user_ids uuid [], p_organization_ids uuid []
) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ai_usage_revisions (
        key_digest, number, content_sha256, revision, usage_id, organization_id, occurred_at,
        cost_micros, recorded_by
    )
    SELECT c.key_digest, c.number,
        CASE WHEN c.reason <> 'void' THEN
            coalesce(c.content_sha256, before.content_sha256, known.content_sha256)
        END,
        coalesce(c.revision, before.revision, 0), made.usage_id,
        CASE WHEN c.reason <> 'void' THEN p_organization_ids[b.person::integer] END,
        made.occurred_at, made.cost_micros,
        CASE WHEN c.number = 1 THEN was.recorded_by ELSE before.recorded_by END
    FROM jsonb_to_recordset(p_changes) AS c (
        key_digest uuid, number bigint, reason text, content_sha256 bytea, revision bigint
    )
    JOIN ai_usage_keys AS known ON known.key_digest = c.key_digest
    LEFT JOIN ai_usage_revisions AS before
        ON before.key_digest = c.key_digest AND before.number = c.number - 1
    LEFT JOIN LATERAL ai_present_usage(c.key_digest, c.number) AS was ON true
    LEFT JOIN ai_usage_keys AS made
        ON c.reason <> 'void'
        AND made.key_digest = ai_own_usage_key(c.key_digest || '/' || c.number)
    LEFT JOIN unnest(p_key_digests, p_persons) AS b (key_digest, person)
        ON b.key_digest = made.key_digest
    ORDER BY c.key_digest;
    DELETE FROM ai_usage_unattributed AS u
    USING jsonb_to_recordset(p_changes) AS c (key_digest uuid)
    WHERE u.key_digest = c.key_digest;
    INSERT INTO ai_usage_unattributed (
        key_digest, source, name, named_group, usage_id, organization_id, occurred_at, usage_count,
        unpriced_usage_count, cost_micros
    )
    SELECT n.key_digest, n.source, n.name, n.named_group, made.usage_id,
        p_organization_ids[b.person::integer], made.occurred_at, n.usage_count,
        CASE WHEN made.cost_micros IS NULL THEN n.usage_count ELSE 0 END,
        coalesce(made.cost_micros, 0)
    FROM jsonb_to_recordset(p_unattributed) AS n (
        key_digest uuid, entry_key uuid, source text, name text, named_group text,
        usage_count bigint
    )
    JOIN unnest(p_key_digests, p_persons) AS b (key_digest, person) ON b.key_digest = n.entry_key
    JOIN ai_usage_keys AS made ON made.key_digest = n.entry_key
    WHERE p_user_ids[b.person::integer] = '00000000-0000-0000-0000-000000000000'
    ORDER BY n.key_digest;
END
$$;

-- Keep what corrections by other prices made of usage without a user.
CREATE FUNCTION keep_ai_unattributed_costs(
    p_corrects bigint [], p_costs bigint [], p_large_costs text, p_extra_counts bigint [],
    p_unpriced_counts bigint []
) RETURNS void
LANGUAGE sql AS $$
    UPDATE ai_usage_unattributed AS u
    SET usage_count = u.usage_count + c.usage_count,
        unpriced_usage_count = u.unpriced_usage_count + c.unpriced_usage_count,
        cost_micros = u.cost_micros + c.cost_micros
    FROM (
        SELECT e.corrects, sum(coalesce(e.extra_count, 0)) AS usage_count,
            sum(coalesce(e.unpriced_count, 0)) AS unpriced_usage_count,
            sum(coalesce(e.large_cost::numeric, e.cost)) * 0.000001 AS cost_micros
        FROM unnest(
            p_corrects, p_costs, string_to_array(p_large_costs, E'\n', ''), p_extra_counts,
            p_unpriced_counts
        ) AS e (corrects, cost, large_cost, extra_count, unpriced_count)
        GROUP BY e.corrects
    ) AS c
    WHERE u.usage_id = c.corrects
$$;

-- Record usage as write_ai_usage does, whose parameters it has, and change usages. A change takes
-- back what is booked for its key. It then has its new content among the entries (`amend`), or none
-- (`void`), or books the same for another user (`attribute`). All or nothing. The `number` of a
-- change is how many its key has with this one. If a usage is not there, this fails as if its month
-- were dropped. p_unattributed names the users of the entries that have none. Only jobs correct
-- entries by other entries of their own. A version of the code with other parameters adds another
-- function: the version before calls this.
CREATE FUNCTION record_ai_usage(
    p_kinds jsonb, p_label_sets jsonb, p_user_ids uuid [], p_group_ids uuid [],
    p_organization_ids uuid [], p_ids text, p_key_digests uuid [], p_content_sha256s bytea [],
    p_moments timestamptz [], p_persons bigint [], p_kinds_of bigint [],
    p_label_sets_of bigint [], p_input_tokens bigint [], p_output_tokens bigint [],
    p_cache_read_tokens bigint [], p_cache_write_tokens bigint [],
    p_cache_write_1h_tokens bigint [], p_other_units text, p_costs bigint [], p_large_costs text,
    p_stated_costs text, p_stated_differences text, p_corrects bigint [],
    p_extra_counts bigint [], p_unpriced_counts bigint [], p_limited_user_ids uuid [],
    p_spend_limits bigint [], p_thresholds bigint [], p_settlements jsonb,
    p_recorded_by uuid DEFAULT NULL, p_changes jsonb DEFAULT NULL,
    p_unattributed jsonb DEFAULT NULL
) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_rows bigint := cardinality(p_key_digests);
    v_persons bigint := cardinality(p_user_ids);
    v_kinds bigint := jsonb_array_length(p_kinds);
    v_sets bigint := jsonb_array_length(p_label_sets);
    v_settled jsonb;
    more record;
BEGIN
    IF session_user = 'allowance_routes' AND cardinality(p_corrects) > 0 THEN
        RAISE insufficient_privilege USING MESSAGE = 'only jobs correct usage';
    END IF;
    IF p_changes IS NOT NULL THEN
        SELECT count(DISTINCT e.place) AS places, array_agg(e.user_id ORDER BY e.n) AS user_ids,
            array_agg(e.group_id ORDER BY e.n) AS group_ids,
            array_agg(e.organization_id ORDER BY e.n) AS organization_ids,
            jsonb_agg(
                e.kind || jsonb_build_object('kind', v_kinds + e.n - 1) ORDER BY e.n
            ) AS kinds,
            array_agg(v_kinds + e.n - 1 ORDER BY e.n) AS kinds_of,
            array_agg(v_persons + e.n ORDER BY e.n) AS persons,
            array_agg(e.id ORDER BY e.n) AS ids,
            array_agg(e.key_digest ORDER BY e.n) AS key_digests,
            array_agg(e.content_sha256 ORDER BY e.n) AS content_sha256s,
            array_agg(e.occurred_at ORDER BY e.n) AS moments,
            jsonb_agg(coalesce(e.labels, '{}') ORDER BY e.n) AS label_sets,
            array_agg(CASE WHEN e.labels IS NOT NULL THEN v_sets + e.n END ORDER BY e.n)
                AS label_sets_of,
            array_agg(e.input_tokens ORDER BY e.n) AS input_tokens,
            array_agg(e.output_tokens ORDER BY e.n) AS output_tokens,
            array_agg(e.cache_read_tokens ORDER BY e.n) AS cache_read_tokens,
            array_agg(e.cache_write_tokens ORDER BY e.n) AS cache_write_tokens,
            array_agg(e.cache_write_1h_tokens ORDER BY e.n) AS cache_write_1h_tokens,
            array_agg(e.corrects ORDER BY e.n) AS corrects,
            array_agg(e.extra_count ORDER BY e.n) AS extra_counts,
            array_agg(e.unpriced_count ORDER BY e.n) AS unpriced_counts,
            array_agg(e.other_units ORDER BY e.n) AS other_units,
            array_agg(e.cost ORDER BY e.n) AS costs,
            array_agg(e.stated_cost ORDER BY e.n) AS stated_costs,
            array_agg(e.stated_difference ORDER BY e.n) AS stated_differences
        INTO more
        FROM (
            SELECT each.*,
                row_number() OVER (ORDER BY each.place, each.is_taken_back DESC) AS n
            FROM ai_usage_change_entries(p_changes) AS each
        ) AS e;
        IF more.places <> jsonb_array_length(p_changes) THEN
            RAISE check_violation USING MESSAGE = 'a usage to change is not in the ledger';
        END IF;
        p_kinds := p_kinds || more.kinds;
        p_label_sets := p_label_sets || more.label_sets;
        p_user_ids := p_user_ids || more.user_ids;
        p_group_ids := p_group_ids || more.group_ids;
        p_organization_ids := p_organization_ids || more.organization_ids;
        p_ids := ai_lines_with(p_ids, v_rows, more.ids);
        p_key_digests := p_key_digests || more.key_digests;
        p_content_sha256s := p_content_sha256s || more.content_sha256s;
        p_moments := p_moments || more.moments;
        p_persons := p_persons || more.persons;
        p_kinds_of := p_kinds_of || more.kinds_of;
        p_label_sets_of := ai_column_with(p_label_sets_of, v_rows, more.label_sets_of);
        p_input_tokens := p_input_tokens || more.input_tokens;
        p_output_tokens := p_output_tokens || more.output_tokens;
        p_cache_read_tokens := ai_column_with(
            p_cache_read_tokens, v_rows, more.cache_read_tokens
        );
        p_cache_write_tokens := ai_column_with(
            p_cache_write_tokens, v_rows, more.cache_write_tokens
        );
        p_cache_write_1h_tokens := ai_column_with(
            p_cache_write_1h_tokens, v_rows, more.cache_write_1h_tokens
        );
        p_other_units := ai_lines_with(p_other_units, v_rows, more.other_units);
        p_large_costs := ai_lines_with(
            coalesce(nullif(p_large_costs, ''), array_to_string(p_costs, E'\n', '')), v_rows,
            more.costs
        );
        p_costs := '{}';
        p_stated_costs := ai_lines_with(p_stated_costs, v_rows, more.stated_costs);
        p_stated_differences := ai_lines_with(
            p_stated_differences, v_rows, more.stated_differences
        );
        p_corrects := ai_column_with(p_corrects, v_rows, more.corrects);
        p_extra_counts := ai_column_with(p_extra_counts, v_rows, more.extra_counts);
        p_unpriced_counts := ai_column_with(p_unpriced_counts, v_rows, more.unpriced_counts);
        -- Alerts look at the users from whom usage is taken, too.
        SELECT p_limited_user_ids || array_agg(b.user_id),
            p_spend_limits || array_agg(b.spend_limit_micros)
        INTO p_limited_user_ids, p_spend_limits
        FROM ai_effective_budgets(more.user_ids) AS b
        WHERE b.limit_source IS NOT NULL AND b.user_id <> ALL(p_limited_user_ids);
    END IF;
    v_settled := write_ai_usage(
        p_kinds, p_label_sets, p_user_ids, p_group_ids, p_organization_ids, p_ids,
        p_key_digests, p_content_sha256s, p_moments, p_persons, p_kinds_of, p_label_sets_of,
        p_input_tokens, p_output_tokens, p_cache_read_tokens, p_cache_write_tokens,
        p_cache_write_1h_tokens, p_other_units, p_costs, p_large_costs, p_stated_costs,
        p_stated_differences, p_corrects, p_extra_counts, p_unpriced_counts, p_limited_user_ids,
        p_spend_limits, p_thresholds, p_settlements, p_recorded_by
    );
    IF p_changes IS NULL AND cardinality(p_corrects) > 0
        AND '00000000-0000-0000-0000-000000000000' = ANY(p_user_ids) THEN
        PERFORM keep_ai_unattributed_costs(
            p_corrects, p_costs, p_large_costs, p_extra_counts, p_unpriced_counts
        );
    END IF;
    IF p_changes IS NOT NULL OR p_unattributed IS NOT NULL THEN
        PERFORM keep_ai_usage_changes(
            p_changes, p_unattributed, p_key_digests, p_persons, p_user_ids, p_organization_ids
        );
    END IF;
    RETURN v_settled;
END
$$;

REVOKE ALL ON FUNCTION keep_ai_usage_changes(
    jsonb, jsonb, uuid [], bigint [], uuid [], uuid []
), keep_ai_unattributed_costs(bigint [], bigint [], text, bigint [], bigint []) FROM PUBLIC;
REVOKE ALL ON FUNCTION record_ai_usage FROM PUBLIC;
GRANT EXECUTE ON FUNCTION record_ai_usage TO allowance_routes, allowance_jobs;
