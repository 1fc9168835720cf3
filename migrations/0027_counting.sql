-- Why: a batch of usage by many people counts in many budgets. Those that need no care take two
-- statements together.

-- Count usage in counters that are in the period of the usage, in their order. Returns whether they
-- still are: otherwise what was changed must be rolled back. So a batch of usage by many members
-- takes two statements, whatever their number.
CREATE FUNCTION add_ai_budget_usage(
    p_ids uuid [], p_subjects text [], p_starts timestamptz [], p_micros numeric []
) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    v_rows bigint;
BEGIN
    IF cardinality(p_ids) = 0 THEN
        RETURN true;
    END IF;
    -- Every counter exists, so none is inserted: a row that is has this expiry. The conflict reads
    -- the primary key, where an UPDATE that joins reads the whole table if it was once small.
    WITH counted AS (
        INSERT INTO ai_budget_counters AS c (
            budget_id, subject, slice, period_start, spent_micros, next_expiry
        )
        SELECT n.id, n.subject, 0, n.starts, n.micros, '-infinity'
        FROM unnest(p_ids, p_subjects, p_starts, p_micros)
            WITH ORDINALITY AS n (id, subject, starts, micros, place)
        ORDER BY n.place
        ON CONFLICT (budget_id, subject, slice) DO UPDATE
        SET spent_micros = c.spent_micros + excluded.spent_micros
        WHERE c.period_start = excluded.period_start
        RETURNING c.next_expiry
    )
    SELECT count(*) INTO v_rows FROM counted AS c WHERE c.next_expiry > '-infinity';
    RETURN v_rows = cardinality(p_ids);
END
$$;

-- Count entries of usage in the budgets of their organizations, and change holds. The parameters of
-- entries are those of record_ai_usage. A quarter of an hour lies within one period of any budget,
-- and a UTC day if all budgets are of UTC. The dates of a budget may cut it. Models and labels keep
-- entries apart only if a budget asks for them.
CREATE FUNCTION count_ai_budgets(
    p_kinds jsonb, p_user_ids uuid [], p_group_ids uuid [], p_organization_ids uuid [],
    p_moments timestamptz [], p_persons bigint [], p_kinds_of bigint [], p_costs bigint [],
    p_large_costs text, p_label_sets jsonb, p_label_sets_of bigint [], p_holds jsonb
) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    counted record;
    v_key text;
    v_whole text [] := '{}';
    v_are_plain boolean := true;
    v_step interval;
    v_by_model boolean;
    v_by_label boolean;
    v_ids uuid [];
    v_subjects text [];
    v_starts timestamptz [];
    v_micros numeric [];
BEGIN
    SELECT CASE WHEN bool_and(b.time_zone = 'UTC') THEN '1 day' ELSE '15 minutes' END,
        bool_or(b.model_patterns IS NOT NULL), bool_or(b.label_key IS NOT NULL)
    INTO v_step, v_by_model, v_by_label
    FROM ai_budgets AS b
    WHERE b.organization_id = ANY(p_organization_ids) AND b.ended_at IS NULL;
    LOOP
        BEGIN
            v_ids := '{}';
            v_subjects := '{}';
            v_starts := '{}';
            v_micros := '{}';
            FOR counted IN
                WITH kinds AS MATERIALIZED (
                    SELECT k.kind, k.provider, k.model
                    FROM jsonb_to_recordset(p_kinds) AS k (kind bigint, provider text, model text)
                ),
                dates AS MATERIALIZED (
                    SELECT d.at FROM ai_budgets AS b
                    CROSS JOIN LATERAL (VALUES (b.starts_at), (b.ends_at)) AS d (at)
                    WHERE b.organization_id = ANY(p_organization_ids) AND b.ended_at IS NULL
                        AND d.at <> date_bin(v_step, d.at, '2020-01-01 00:00:00+00')
                ),
                entries AS MATERIALIZED (
                    SELECT e.person::integer AS person,
                        CASE WHEN v_by_model THEN k.provider END AS provider,
                        CASE WHEN v_by_model THEN k.model END AS model,
                        CASE WHEN v_by_label THEN p_label_sets -> (e.label_set::integer - 1) END
                            AS labels,
                        greatest(
                            date_bin(v_step, e.occurred_at, '2020-01-01 00:00:00+00'),
                            (SELECT max(d.at) FROM dates AS d WHERE d.at <= e.occurred_at)
                        ) AS at,
                        sum(e.cost) AS cost, sum(e.large_cost::numeric) AS large_cost
                    FROM unnest(
                        p_persons, p_kinds_of, p_label_sets_of, p_moments, p_costs,
                        string_to_array(p_large_costs, E'\n', '')
                    ) AS e (person, kind, label_set, occurred_at, cost, large_cost)
                    JOIN kinds AS k ON k.kind = e.kind
                    WHERE coalesce(e.large_cost::numeric, e.cost) <> 0
                    GROUP BY 1, 2, 3, 4, 5
                ),
                matched AS MATERIALIZED (
                    SELECT (o.budget).id AS budget_id, o.subject, e.at,
                        (coalesce(sum(e.cost), 0) + coalesce(sum(e.large_cost), 0)) * 0.000001
                            AS micros
                    FROM entries AS e
                    CROSS JOIN LATERAL ai_budgets_of(
                        p_organization_ids[e.person], p_group_ids[e.person], p_user_ids[e.person],
                        e.provider, e.model, e.labels, e.at
                    ) AS o
                    GROUP BY (o.budget).id, o.subject, e.at
                ),
                periods AS MATERIALIZED (
                    SELECT m.budget_id, m.at, (ai_budget_period(b, m.at)).starts
                    FROM (SELECT DISTINCT each.budget_id, each.at FROM matched AS each) AS m
                    JOIN ai_budgets AS b ON b.id = m.budget_id
                ),
                posted AS (
                    SELECT t.budget_id, t.subject, array_agg(t.starts) AS starts,
                        array_agg(t.micros) AS micros
                    FROM (
                        SELECT m.budget_id, m.subject, p.starts, sum(m.micros) AS micros
                        FROM matched AS m
                        JOIN periods AS p ON p.budget_id = m.budget_id AND p.at = m.at
                        GROUP BY m.budget_id, m.subject, p.starts
                    ) AS t
                    GROUP BY t.budget_id, t.subject
                ),
                held AS (
                    SELECT h.budget_id, h.subject, jsonb_agg(h) AS holds
                    FROM jsonb_to_recordset(p_holds) AS h (
                        budget_id uuid, subject text, slice bigint, expires_at timestamptz,
                        reservation_id uuid, used numeric, until timestamptz
                    )
                    GROUP BY h.budget_id, h.subject
                )
                SELECT b AS budget, c.subject, coalesce(c.starts, '{}') AS starts,
                    coalesce(c.micros, '{}') AS micros, coalesce(c.holds, '[]') AS holds,
                    v_are_plain AND NOT is_ai_pool(b) AND c.holds IS NULL
                    AND cardinality(c.starts) = 1 AND EXISTS (
                        SELECT 1 FROM ai_budget_counters AS known
                        WHERE known.budget_id = b.id AND known.subject = c.subject COLLATE "C"
                            AND known.slice = 0 AND known.period_start = c.starts[1]
                    ) AS is_plain
                FROM (
                    SELECT coalesce(p.budget_id, h.budget_id) AS budget_id,
                        coalesce(p.subject, h.subject) AS subject, p.starts, p.micros, h.holds
                    FROM posted AS p
                    FULL JOIN held AS h
                        ON h.budget_id = p.budget_id AND h.subject = p.subject COLLATE "C"
                ) AS c
                JOIN ai_budgets AS b ON b.id = c.budget_id
                ORDER BY is_ai_pool(b), c.budget_id, c.subject COLLATE "C"
            LOOP
                IF counted.is_plain THEN
                    v_ids := v_ids || (counted.budget).id;
                    v_subjects := v_subjects || counted.subject;
                    v_starts := v_starts || counted.starts[1];
                    v_micros := v_micros || counted.micros[1];
                    CONTINUE;
                END IF;
                -- Those before it first, in their order.
                v_are_plain := add_ai_budget_usage(v_ids, v_subjects, v_starts, v_micros);
                v_ids := '{}';
                v_subjects := '{}';
                v_starts := '{}';
                v_micros := '{}';
                v_key := (counted.budget).id || counted.subject;
                IF NOT v_are_plain OR NOT change_ai_budget(
                    counted.budget, counted.subject, counted.starts, counted.micros, counted.holds,
                    v_key = ANY(v_whole)
                ) THEN
                    RAISE SQLSTATE 'AL002';
                END IF;
            END LOOP;
            v_are_plain := add_ai_budget_usage(v_ids, v_subjects, v_starts, v_micros);
            IF v_are_plain THEN
                RETURN;
            END IF;
            RAISE SQLSTATE 'AL002';
        EXCEPTION
            -- The locks of this attempt are free again: the next one takes all parts in order.
            WHEN SQLSTATE 'AL002' THEN
                IF v_are_plain THEN
                    v_whole := v_whole || v_key;
                END IF;
        END;
    END LOOP;
END
$$;
