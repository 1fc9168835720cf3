-- Why: a new budget counts its whole current period, and rollover needs the period before. Both are
-- sums of usage that was recorded without regard to the budget.

-- Whether usage of these names and labels is in the scope of a budget, for one of its subjects. The
-- user is not asked here. A missing label is the value '' of a budget per value.
CREATE FUNCTION ai_budget_counts(
    b ai_budgets, p_subject text, p_group_id uuid, p_provider text, p_model text, p_labels jsonb
) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (b.group_id IS NULL OR b.group_id = p_group_id)
    AND (b.model_patterns IS NULL OR p_provider || '/' || p_model ILIKE ANY(b.model_patterns))
    AND CASE
        WHEN b.scope <> 'label' THEN true
        WHEN b.label_value IS NOT NULL
            THEN coalesce(p_labels ->> b.label_key = b.label_value, false)
        ELSE coalesce(p_labels ->> b.label_key, '') = p_subject
    END;

-- The exact sum of the usage that a budget counts for a subject between two times, within its
-- dates and before its end. Whole quarters of an hour come from the sums, or whole UTC days if it
-- is about one user. What they cut off comes from the ledger. So does usage whose labels the sums
-- do not keep apart.
CREATE FUNCTION ai_budget_spent(
    b ai_budgets, p_subject text, p_from timestamptz, p_to timestamptz
) RETURNS numeric
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_user_id uuid := CASE WHEN b.per = 'member' THEN p_subject::uuid ELSE b.user_id END;
    v_step interval := CASE WHEN v_user_id IS NULL THEN '15 minutes' ELSE '1 day' END;
    v_from timestamptz := greatest(p_from, b.starts_at);
    v_to timestamptz := least(p_to, b.ends_at, b.ended_at);
    v_whole_from timestamptz;
    v_whole_to timestamptz;
    v_other uuid;
    v_whole numeric;
    v_rest numeric;
BEGIN
    IF v_from >= v_to THEN
        RETURN 0;
    END IF;
    v_whole_from := date_bin(v_step, v_from + v_step - interval '1 microsecond', 'epoch');
    v_whole_to := date_bin(v_step, v_to, 'epoch');
    IF v_whole_from > v_whole_to THEN
        v_whole_from := v_to;
        v_whole_to := v_to;
    END IF;
    IF b.scope = 'label' THEN
        v_other := ai_other_label_set();
    END IF;
    IF v_user_id IS NULL THEN
        SELECT sum(q.cost_micros) INTO v_whole
        FROM ai_usage_quarter_hourly AS q
        LEFT JOIN ai_label_sets AS l ON l.id = q.label_set_id
        WHERE q.organization_id = b.organization_id
            AND q.starts_at >= v_whole_from AND q.starts_at < v_whole_to
            -- It has no labels here, and would count as usage without the label.
            AND q.label_set_id IS DISTINCT FROM v_other
            AND ai_budget_counts(b, p_subject, q.group_id, q.provider, q.model, l.labels);
    ELSE
        SELECT sum(d.cost_micros) INTO v_whole
        FROM ai_spend_daily AS d
        LEFT JOIN ai_label_sets AS l ON l.id = d.label_set_id
        WHERE d.user_id = v_user_id AND d.organization_id = b.organization_id
            AND d.day >= (v_whole_from AT TIME ZONE 'UTC')::date
            AND d.day < (v_whole_to AT TIME ZONE 'UTC')::date
            AND ai_budget_counts(b, p_subject, d.group_id, d.provider, d.model, l.labels);
    END IF;
    SELECT sum(u.cost_micros) INTO v_rest
    FROM (
        SELECT e.starts, e.ends, NULL::uuid AS label_set_id
        FROM (VALUES (v_from, v_whole_from), (v_whole_to, v_to)) AS e (starts, ends)
        -- A user without a sum of the day has nothing in the ledger, which is of all users.
        WHERE v_user_id IS NULL OR EXISTS (
            SELECT 1 FROM ai_spend_daily AS d
            WHERE d.user_id = v_user_id AND d.organization_id = b.organization_id
                AND d.day = (e.starts AT TIME ZONE 'UTC')::date
        )
        UNION ALL
        SELECT DISTINCT q.starts_at, q.starts_at + v_step, v_other
        FROM ai_usage_quarter_hourly AS q
        WHERE v_user_id IS NULL AND q.organization_id = b.organization_id
            AND q.starts_at >= v_whole_from AND q.starts_at < v_whole_to
            AND q.label_set_id = v_other
        UNION ALL
        SELECT DISTINCT d.day::timestamp AT TIME ZONE 'UTC',
            (d.day + 1)::timestamp AT TIME ZONE 'UTC', v_other
        FROM ai_spend_daily AS d
        WHERE d.user_id = v_user_id AND d.organization_id = b.organization_id
            AND d.day >= (v_whole_from AT TIME ZONE 'UTC')::date
            AND d.day < (v_whole_to AT TIME ZONE 'UTC')::date
            AND d.label_set_id = v_other
    ) AS r
    CROSS JOIN LATERAL (
        -- OFFSET 0: read the ledger by its key for each range, and nothing in between.
        SELECT e.user_id, e.group_id, e.provider, e.model, e.labels, e.cost_micros
        FROM ai_usage AS e
        WHERE e.organization_id = b.organization_id
            AND e.occurred_at >= r.starts AND e.occurred_at < r.ends
            AND (r.label_set_id IS NULL OR e.label_set_id = r.label_set_id)
        OFFSET 0
    ) AS u
    WHERE (v_user_id IS NULL OR u.user_id = v_user_id)
        AND ai_budget_counts(b, p_subject, u.group_id, u.provider, u.model, u.labels);
    RETURN coalesce(v_whole, 0) + coalesce(v_rest, 0);
END
$$;

-- What a subject spent in the period with this start, wherever it is counted.
CREATE FUNCTION ai_budget_spent_in(
    b ai_budgets, p_subject text, p_starts timestamptz, p_ends timestamptz
) RETURNS numeric
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_spent numeric;
BEGIN
    SELECT sum(c.spent_micros) INTO v_spent
    FROM ai_budget_counters AS c
    WHERE c.budget_id = b.id AND c.subject = p_subject AND c.period_start = p_starts;
    IF v_spent IS NULL THEN
        SELECT s.spent_micros INTO v_spent
        FROM ai_budget_spend AS s
        WHERE s.budget_id = b.id AND s.subject = p_subject AND s.period_start = p_starts;
    END IF;
    RETURN coalesce(v_spent, ai_budget_spent(b, p_subject, p_starts, p_ends));
END
$$;

-- The limit in effect for a subject in the period that contains a time: the budget's own, and what
-- is carried over of the period before. A budget that was not in force then carries nothing, and
-- what was carried into that period is not carried on. A period that is over has the limit that it
-- had at its end.
CREATE FUNCTION ai_budget_limit_in_effect(b ai_budgets, p_subject text, p_at timestamptz)
RETURNS numeric
LANGUAGE plpgsql STABLE AS $$
DECLARE
    period record;
    before record;
    v_limit bigint := b.limit_micros;
    v_limit_before bigint;
BEGIN
    SELECT p.starts, p.ends INTO period FROM ai_budget_period(b, p_at) AS p;
    IF period.ends <= now() THEN
        SELECT l.limit_micros INTO v_limit
        FROM ai_budget_limits AS l
        WHERE l.budget_id = b.id AND l.since < period.ends
        ORDER BY l.since DESC
        LIMIT 1;
    END IF;
    IF b.rollover_micros = 0 OR b.period_unit = 'none' OR b.starts_at >= period.starts THEN
        RETURN v_limit;
    END IF;
    SELECT p.starts, p.ends INTO before
    FROM ai_budget_period(b, period.starts - interval '1 microsecond') AS p;
    SELECT l.limit_micros INTO v_limit_before
    FROM ai_budget_limits AS l
    WHERE l.budget_id = b.id AND l.since < before.ends
    ORDER BY l.since DESC
    LIMIT 1;
    IF v_limit_before IS NULL THEN
        RETURN v_limit;
    END IF;
    RETURN v_limit + least(
        b.rollover_micros,
        greatest(
            v_limit_before - ai_budget_spent_in(b, p_subject, before.starts, before.ends), 0
        )
    );
END
$$;

REVOKE ALL ON FUNCTION ai_budget_counts(ai_budgets, text, uuid, text, text, jsonb),
ai_budget_spent(ai_budgets, text, timestamptz, timestamptz),
ai_budget_spent_in(ai_budgets, text, timestamptz, timestamptz),
ai_budget_limit_in_effect(ai_budgets, text, timestamptz)
FROM PUBLIC;
