-- Why: a check and the hold that follows it are one decision. A login that may change what is held
-- could also reset it, so the logins decide by the function below only.

-- The functions with SECURITY DEFINER set the search path, also for those that only they may call:
-- setting it again at each call is a tenth of a decision's time.

-- Lock what is held of a user's limit, take expired holds off, and return what is left.
CREATE FUNCTION lock_ai_user_reserved(p_user_id uuid) RETURNS numeric
LANGUAGE plpgsql AS $$
DECLARE
    counter ai_user_reserved;
    expired numeric;
    v_now timestamptz;
BEGIN
    LOOP
        SELECT r.* INTO counter FROM ai_user_reserved AS r
        WHERE r.user_id = p_user_id FOR NO KEY UPDATE;
        EXIT WHEN FOUND;
        INSERT INTO ai_user_reserved (user_id) VALUES (p_user_id) ON CONFLICT DO NOTHING;
    END LOOP;
    -- The time is that after the wait for the lock, and the same for all holds.
    v_now := clock_timestamp();
    IF counter.next_expiry > v_now THEN
        RETURN counter.reserved_micros;
    END IF;
    WITH gone AS (
        DELETE FROM ai_reservation_holds AS h
        WHERE h.user_id = p_user_id AND h.expires_at <= v_now
        RETURNING h.amount_micros
    )
    SELECT coalesce(sum(g.amount_micros), 0) INTO expired FROM gone AS g;
    UPDATE ai_user_reserved AS r
    SET reserved_micros = r.reserved_micros - expired,
        next_expiry = coalesce(
            (
                SELECT min(h.expires_at) FROM ai_reservation_holds AS h
                WHERE h.user_id = p_user_id
            ),
            'infinity'
        )
    WHERE r.user_id = p_user_id
    RETURNING r.reserved_micros INTO counter.reserved_micros;
    RETURN counter.reserved_micros;
END
$$;

-- Lock the user's sum of a month, so that no usage counts between a decision and its commit, and
-- return it.
CREATE FUNCTION lock_ai_user_spend(p_user_id uuid, p_month date) RETURNS numeric
LANGUAGE plpgsql AS $$
DECLARE
    spent numeric;
BEGIN
    LOOP
        SELECT s.cost_micros INTO spent FROM ai_user_spend_monthly AS s
        WHERE s.user_id = p_user_id AND s.month = p_month FOR NO KEY UPDATE;
        EXIT WHEN FOUND;
        INSERT INTO ai_user_spend_monthly (user_id, month, cost_micros)
        VALUES (p_user_id, p_month, 0) ON CONFLICT DO NOTHING;
    END LOOP;
    RETURN spent;
END
$$;

-- The user's sum of a month.
CREATE FUNCTION ai_user_spend_of(p_user_id uuid, p_month date) RETURNS numeric
LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(s.cost_micros), 0) FROM ai_user_spend_monthly AS s
    WHERE s.user_id = p_user_id AND s.month = p_month
$$;
