-- Why: a call is admitted only if it fits every budget that concerns it, and it is held in all of
-- them or in none.

-- Hold an amount in one budget. Returns whether it has room. In mode 0 it takes a part of the
-- counter that nobody uses at this time, if there is one, and never waits. In mode 1 it waits for
-- one part, and in mode 2 for all of them, in order; if all together have no room, `facts` says of
-- what. What was changed before a false must be rolled back, with its locks: a row stays locked
-- although its condition is false, and nobody may wait for a part who holds another.
--
-- A budget that was only warning when the caller read it may be enforced by now. The parts of its
-- counter have room under the new revision then, so the caller locks all of them.
CREATE FUNCTION hold_ai_budget(
    b ai_budgets, p_subject text, p_starts timestamptz, p_micros numeric, p_until timestamptz,
    p_reservation_id uuid, p_mode integer, OUT holds boolean, OUT part bigint, OUT facts jsonb
)
LANGUAGE plpgsql AS $$
DECLARE
    whole record;
    v_part bigint;
BEGIN
    IF b.slices > 1 AND p_mode < 2 THEN
        -- What is asked of a part here only saves time: the UPDATE below decides.
        IF p_mode = 0 THEN
            -- Nearly always free, and quicker than to look at all.
            v_part := floor(random() * b.slices);
            PERFORM FROM ai_budget_counters AS c
            WHERE c.budget_id = b.id AND c.subject = p_subject AND c.slice = v_part
                AND (b.enforcement <> 'enforce' OR c.room_micros >= p_micros)
            FOR NO KEY UPDATE SKIP LOCKED;
            IF NOT FOUND THEN
                SELECT c.slice INTO v_part FROM ai_budget_counters AS c
                WHERE c.budget_id = b.id AND c.subject = p_subject
                    AND (b.enforcement <> 'enforce' OR c.room_micros >= p_micros)
                ORDER BY (c.slice + b.slices - v_part) % b.slices
                LIMIT 1
                FOR NO KEY UPDATE SKIP LOCKED;
            END IF;
        ELSE
            SELECT c.slice INTO v_part FROM ai_budget_counters AS c
            WHERE c.budget_id = b.id AND c.subject = p_subject AND c.period_start = p_starts
                AND (
                    (b.enforcement <> 'enforce' AND c.room_revision < b.revision)
                    OR (c.room_revision = b.revision AND c.room_micros >= p_micros)
                )
            ORDER BY random()
            LIMIT 1;
        END IF;
        -- The condition is read again after a wait. Without a part there is none to change.
        UPDATE ai_budget_counters AS c
        SET reserved_micros = c.reserved_micros + p_micros,
            room_micros = c.room_micros - p_micros,
            next_expiry = least(c.next_expiry, p_until)
        WHERE c.budget_id = b.id AND c.subject = p_subject AND c.slice = v_part
            AND c.period_start = p_starts
            AND (
                (b.enforcement <> 'enforce' AND c.room_revision < b.revision)
                OR (c.room_revision = b.revision AND c.room_micros >= p_micros)
            )
        RETURNING c.slice INTO part;
        holds := part IS NOT NULL;
    ELSE
        SELECT l.* INTO whole FROM lock_ai_budget(b, p_subject) AS l;
        b := whole.b;
        holds := b.enforcement <> 'enforce'
            OR whole.spent + whole.reserved + p_micros <= whole.limit_micros;
        IF holds THEN
            part := floor(random() * b.slices);
            UPDATE ai_budget_counters AS c
            SET reserved_micros = c.reserved_micros + p_micros,
                next_expiry = least(c.next_expiry, p_until)
            WHERE c.budget_id = b.id AND c.subject = p_subject AND c.slice = part;
            IF b.slices > 1 AND b.enforcement = 'enforce' THEN
                PERFORM share_ai_budget(b, p_subject, part);
            END IF;
        ELSE
            facts := (ai_budget_facts(b, p_subject, clock_timestamp())).facts;
        END IF;
    END IF;
    IF holds THEN
        INSERT INTO ai_budget_holds (
            budget_id, subject, slice, expires_at, reservation_id, amount_micros
        )
        VALUES (b.id, p_subject, part, p_until, p_reservation_id, p_micros);
    END IF;
END
$$;

-- Hold an amount in each of these budgets, in their order, and lock the user's sum of the month.
-- Returns the holds and the sum. Otherwise nothing is held, and `full_place` is the place of a
-- budget that has no room, with its facts under the lock; 0: `p_room_micros` of the user is less
-- than the sum (NULL: there is no limit).
CREATE FUNCTION hold_ai_budgets(
    p_budgets ai_budgets [], p_subjects text [], p_starts timestamptz [], p_micros numeric,
    p_until timestamptz, p_reservation_id uuid, p_user_id uuid, p_month date,
    p_room_micros numeric, OUT holds jsonb, OUT spent numeric, OUT full_place integer,
    OUT full_facts jsonb
)
LANGUAGE plpgsql AS $$
DECLARE
    v_modes integer [] := array_fill(0, ARRAY[cardinality(p_budgets)]);
    v_held boolean;
    v_part bigint;
BEGIN
    LOOP
        BEGIN
            holds := '[]';
            FOR place IN 1..cardinality(p_budgets) LOOP
                full_place := place;
                SELECT h.holds, h.part, h.facts INTO v_held, v_part, full_facts
                FROM hold_ai_budget(
                    p_budgets[place], p_subjects[place], p_starts[place], p_micros, p_until,
                    p_reservation_id, v_modes[place]
                ) AS h;
                IF NOT v_held THEN
                    RAISE SQLSTATE 'AL002';
                END IF;
                holds := holds || jsonb_build_object(
                    'budget_id', (p_budgets[place]).id, 'subject', p_subjects[place],
                    'slice', v_part
                );
            END LOOP;
            full_place := 0;
            spent := lock_ai_user_spend(p_user_id, p_month);
            IF spent > p_room_micros THEN
                RAISE SQLSTATE 'AL002';
            END IF;
            full_place := NULL;
            RETURN;
        EXCEPTION
            -- The locks of this attempt are free again.
            WHEN SQLSTATE 'AL002' THEN
                holds := NULL;
                IF full_place = 0 OR full_facts IS NOT NULL THEN
                    RETURN;
                END IF;
                v_modes[full_place] := v_modes[full_place] + 1;
        END;
    END LOOP;
END
$$;
