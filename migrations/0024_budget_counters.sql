-- Why: budgets of an organization hold only if every call and every usage counts in them, in the
-- transaction that admits or records it. Only these functions change the counters.

-- Whether calls of many people at once use one counter of a budget. It never changes.
CREATE FUNCTION is_ai_pool(b ai_budgets) RETURNS boolean
LANGUAGE sql IMMUTABLE RETURN b.per = 'total' AND b.scope <> 'user';

-- A writer of several counters takes pools last, and each kind by budget, subject and slice. So no
-- two wait in a circle. Usage of another period changes ai_budget_spend under the lock of a part.

-- The budgets of an organization that count a call or a usage, each with its subject.
CREATE FUNCTION ai_budgets_of(
    p_organization_id uuid, p_group_id uuid, p_user_id uuid, p_provider text, p_model text,
    p_labels jsonb, p_at timestamptz
) RETURNS TABLE (budget ai_budgets, subject text)
LANGUAGE sql STABLE ROWS 4 AS $$
    SELECT b, s.subject
    FROM ai_budgets AS b
    CROSS JOIN LATERAL (
        SELECT CASE b.per
            WHEN 'member' THEN p_user_id::text
            WHEN 'value' THEN coalesce(p_labels ->> b.label_key, '')
            ELSE ''
        END AS subject
    ) AS s
    WHERE b.organization_id = p_organization_id AND b.ended_at IS NULL
        AND (b.user_id IS NULL OR b.user_id = p_user_id)
        -- Nobody is no member.
        AND (b.per <> 'member' OR p_user_id <> '00000000-0000-0000-0000-000000000000')
        AND ai_budget_counts(b, s.subject, p_group_id, p_provider, p_model, p_labels)
        AND (b.starts_at IS NULL OR p_at >= b.starts_at)
        AND (b.ends_at IS NULL OR p_at < b.ends_at)
$$;

-- Add to the spend of a period that is not the current one. The first to do so counts the usage
-- that was recorded before. The caller has locked a part of the subject's counter.
CREATE FUNCTION add_ai_budget_spend(
    b ai_budgets, p_subject text, p_period_start timestamptz, p_micros numeric
) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ai_budget_spend AS s SET spent_micros = s.spent_micros + p_micros
    WHERE s.budget_id = b.id AND s.subject = p_subject AND s.period_start = p_period_start;
    IF NOT FOUND THEN
        INSERT INTO ai_budget_spend AS s (budget_id, subject, period_start, spent_micros)
        VALUES (
            b.id, p_subject, p_period_start, p_micros + ai_budget_spent(
                b, p_subject, p_period_start, (ai_budget_period(b, p_period_start)).ends
            )
        )
        ON CONFLICT (budget_id, subject, period_start) DO UPDATE
        SET spent_micros = s.spent_micros + p_micros;
    END IF;
END
$$;

-- Lock all parts of a counter, take expired holds off, and move it into the current period. Returns
-- the period, the sums, and the limit in effect. The time is that after the wait.
CREATE FUNCTION lock_ai_budget(
    INOUT b ai_budgets, p_subject text, OUT starts timestamptz, OUT ends timestamptz,
    OUT spent numeric, OUT reserved numeric, OUT limit_micros numeric
)
LANGUAGE plpgsql AS $$
DECLARE
    counter record;
    v_parts bigint;
    v_starts timestamptz;
    v_next_expiry timestamptz;
    v_spent numeric;
    v_now timestamptz;
BEGIN
    LOOP
        v_parts := 0;
        v_starts := NULL;
        v_next_expiry := 'infinity';
        FOR counter IN
            SELECT c.period_start, c.next_expiry FROM ai_budget_counters AS c
            WHERE c.budget_id = b.id AND c.subject = p_subject
            ORDER BY c.slice
            FOR NO KEY UPDATE
        LOOP
            v_parts := v_parts + 1;
            v_starts := counter.period_start;
            v_next_expiry := least(v_next_expiry, counter.next_expiry);
        END LOOP;
        -- Read after the locks, so the limit and the number of parts are those of now.
        SELECT each.* INTO b FROM ai_budgets AS each WHERE each.id = b.id;
        v_now := clock_timestamp();
        SELECT p.starts, p.ends INTO starts, ends FROM ai_budget_period(b, v_now) AS p;
        EXIT WHEN v_parts >= b.slices;
        -- The first part has the usage so far. A budget that had one part gets the others here.
        INSERT INTO ai_budget_counters (budget_id, subject, slice, period_start, spent_micros)
        SELECT b.id, p_subject, s.slice,
            coalesce(v_starts, starts),
            CASE WHEN s.slice = 0 THEN ai_budget_spent(b, p_subject, starts, ends) ELSE 0 END
        FROM generate_series(v_parts, b.slices - 1) AS s (slice)
        ON CONFLICT DO NOTHING;
    END LOOP;
    IF v_next_expiry <= v_now THEN
        WITH gone AS (
            DELETE FROM ai_budget_holds AS h
            WHERE h.budget_id = b.id AND h.subject = p_subject AND h.expires_at <= v_now
            RETURNING h.slice, h.amount_micros
        ),
        parts AS (
            SELECT c.slice,
                coalesce(
                    (SELECT sum(g.amount_micros) FROM gone AS g WHERE g.slice = c.slice), 0
                ) AS micros,
                coalesce(
                    (
                        SELECT min(h.expires_at) FROM ai_budget_holds AS h
                        WHERE h.budget_id = b.id AND h.subject = p_subject AND h.slice = c.slice
                            AND h.expires_at > v_now
                    ),
                    'infinity'
                ) AS next_expiry
            FROM ai_budget_counters AS c
            WHERE c.budget_id = b.id AND c.subject = p_subject AND c.next_expiry <= v_now
        )
        UPDATE ai_budget_counters AS c
        SET reserved_micros = c.reserved_micros - p.micros,
            room_micros = c.room_micros + p.micros, next_expiry = p.next_expiry
        FROM parts AS p
        WHERE c.budget_id = b.id AND c.subject = p_subject AND c.slice = p.slice;
    END IF;
    IF EXISTS (
        SELECT 1 FROM ai_budget_counters AS c
        WHERE c.budget_id = b.id AND c.subject = p_subject AND c.period_start < starts
    ) THEN
        INSERT INTO ai_budget_spend AS s (budget_id, subject, period_start, spent_micros)
        SELECT b.id, p_subject, c.period_start, sum(c.spent_micros) FROM ai_budget_counters AS c
        WHERE c.budget_id = b.id AND c.subject = p_subject AND c.period_start < starts
        GROUP BY c.period_start
        ON CONFLICT (budget_id, subject, period_start) DO UPDATE
        SET spent_micros = s.spent_micros + excluded.spent_micros;
        -- Usage of a clock that is ahead was counted there before.
        DELETE FROM ai_budget_spend AS s
        WHERE s.budget_id = b.id AND s.subject = p_subject AND s.period_start = starts
        RETURNING s.spent_micros INTO v_spent;
        IF v_spent IS NULL THEN
            v_spent := ai_budget_spent(b, p_subject, starts, ends);
        END IF;
        UPDATE ai_budget_counters AS c
        SET period_start = starts, room_revision = 0,
            spent_micros = CASE WHEN c.slice = 0 THEN v_spent ELSE 0 END
        WHERE c.budget_id = b.id AND c.subject = p_subject;
    END IF;
    SELECT sum(c.spent_micros), sum(c.reserved_micros) INTO spent, reserved
    FROM ai_budget_counters AS c
    WHERE c.budget_id = b.id AND c.subject = p_subject;
    limit_micros := CASE
        WHEN b.rollover_micros = 0 THEN b.limit_micros
        ELSE ai_budget_limit_in_effect(b, p_subject, v_now)
    END;
END
$$;

-- Share what is left of a limit among the parts of a counter, all of which are locked. If little is
-- left, one part gets all of it: small shares would be of use to nobody.
CREATE FUNCTION share_ai_budget(b ai_budgets, p_subject text, p_slice bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_parts bigint;
    v_room numeric;
    v_share numeric := 0;
BEGIN
    SELECT count(*), b.limit_micros - sum(c.spent_micros + c.reserved_micros)
    INTO v_parts, v_room
    FROM ai_budget_counters AS c WHERE c.budget_id = b.id AND c.subject = p_subject;
    IF v_room * 20 > b.limit_micros THEN
        v_share := trunc(v_room / v_parts, 6);
    END IF;
    UPDATE ai_budget_counters AS c
    SET room_revision = b.revision,
        room_micros = CASE
            WHEN c.slice = p_slice THEN v_room - v_share * (v_parts - 1) ELSE v_share
        END
    WHERE c.budget_id = b.id AND c.subject = p_subject;
END
$$;
