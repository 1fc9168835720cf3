-- Why: usage counts in the budgets of its organization in the transaction that records it.

-- Count usage in one budget, by the start of its period, and change holds: `used` is taken off a
-- hold, which then lasts until `until`; without `used` the hold ends. Returns whether it was done:
-- in one part of the counter, or in all of them if `p_whole`. Nothing is refused: usage above the
-- limit leaves no room. What was changed before a false must be rolled back.
CREATE FUNCTION change_ai_budget(
    b ai_budgets, p_subject text, p_starts timestamptz [], p_micros numeric [], p_holds jsonb,
    p_whole boolean
) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    whole record;
    hold record;
    is_whole boolean := p_whole OR b.slices = 1;
    v_starts timestamptz;
    v_part bigint;
    v_posted numeric;
    v_held numeric;
    v_left numeric;
    v_freed numeric := 0;
    v_expires_at timestamptz := 'infinity';
BEGIN
    IF is_whole THEN
        SELECT l.* INTO whole FROM lock_ai_budget(b, p_subject) AS l;
        b := whole.b;
        v_starts := whole.starts;
    ELSE
        v_starts := (ai_budget_period(b, clock_timestamp())).starts;
    END IF;
    SELECT coalesce(sum(p.micros), 0) INTO v_posted
    FROM unnest(p_starts, p_micros) AS p (starts, micros) WHERE p.starts = v_starts;
    IF is_whole THEN
        v_part := 0;
    ELSIF jsonb_array_length(p_holds) > 1 THEN
        RETURN false;
    ELSIF jsonb_array_length(p_holds) = 1 THEN
        v_part := (p_holds -> 0 ->> 'slice')::bigint;
        PERFORM FROM ai_budget_counters AS c
        WHERE c.budget_id = b.id AND c.subject = p_subject AND c.slice = v_part
        FOR NO KEY UPDATE;
    ELSE
        -- A part that nobody uses at this time.
        SELECT c.slice INTO v_part FROM ai_budget_counters AS c
        WHERE c.budget_id = b.id AND c.subject = p_subject AND c.period_start = v_starts
            AND (
                (b.enforcement <> 'enforce' AND c.room_revision < b.revision)
                OR (c.room_revision = b.revision AND c.room_micros >= v_posted)
            )
        ORDER BY random()
        LIMIT 1
        FOR NO KEY UPDATE SKIP LOCKED;
        IF v_part IS NULL THEN
            RETURN false;
        END IF;
    END IF;
    FOR hold IN
        SELECT h.slice, h.expires_at, h.reservation_id, h.used, h.until
        FROM jsonb_to_recordset(p_holds) AS h (
            slice bigint, expires_at timestamptz, reservation_id uuid, used numeric,
            until timestamptz
        )
        ORDER BY h.slice, h.reservation_id
    LOOP
        SELECT h.amount_micros INTO v_held FROM ai_budget_holds AS h
        WHERE h.budget_id = b.id AND h.subject = p_subject AND h.slice = hold.slice
            AND h.expires_at = hold.expires_at AND h.reservation_id = hold.reservation_id;
        -- It has expired, and was taken off already.
        IF v_held IS NULL AND hold.used IS NOT NULL THEN
            RAISE SQLSTATE 'AL001' USING MESSAGE = 'the hold has expired';
        END IF;
        CONTINUE WHEN v_held IS NULL;
        IF hold.used IS NULL THEN
            v_left := 0;
            DELETE FROM ai_budget_holds AS h
            WHERE h.budget_id = b.id AND h.subject = p_subject AND h.slice = hold.slice
                AND h.expires_at = hold.expires_at AND h.reservation_id = hold.reservation_id;
        ELSE
            v_left := greatest(v_held - hold.used, 0);
            UPDATE ai_budget_holds AS h SET amount_micros = v_left, expires_at = hold.until
            WHERE h.budget_id = b.id AND h.subject = p_subject AND h.slice = hold.slice
                AND h.expires_at = hold.expires_at AND h.reservation_id = hold.reservation_id;
        END IF;
        IF is_whole THEN
            UPDATE ai_budget_counters AS c
            SET reserved_micros = c.reserved_micros - v_held + v_left,
                next_expiry = least(c.next_expiry, hold.until)
            WHERE c.budget_id = b.id AND c.subject = p_subject AND c.slice = hold.slice;
        ELSE
            v_freed := v_held - v_left;
            v_expires_at := hold.until;
        END IF;
    END LOOP;
    UPDATE ai_budget_counters AS c
    SET spent_micros = c.spent_micros + v_posted,
        reserved_micros = c.reserved_micros - v_freed,
        room_micros = c.room_micros + v_freed - v_posted,
        next_expiry = least(c.next_expiry, v_expires_at)
    WHERE c.budget_id = b.id AND c.subject = p_subject AND c.slice = v_part AND (
        is_whole OR (
            c.period_start = v_starts AND (
                (b.enforcement <> 'enforce' AND c.room_revision < b.revision) OR (
                    c.room_revision = b.revision AND c.room_micros + v_freed >= v_posted
                )
            )
        )
    );
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF is_whole AND b.slices > 1 AND b.enforcement = 'enforce' THEN
        PERFORM share_ai_budget(b, p_subject, floor(random() * b.slices)::bigint);
    END IF;
    PERFORM add_ai_budget_spend(b, p_subject, p.starts, p.micros)
    FROM unnest(p_starts, p_micros) AS p (starts, micros)
    WHERE p.starts <> v_starts
    ORDER BY p.starts;
    RETURN true;
END
$$;
