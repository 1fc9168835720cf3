-- Why: what a call used replaces what was held for it, in one transaction, once. A hold whose call
-- was not made is released, and one whose time is over is tidied away.

-- Settle a part of a reservation, or all of it: take the cost off what is held, and keep the facts
-- of the response. The next statement of the same transaction records the usage. Raises AL001 if
-- the reservation was settled, released or dropped meanwhile: the caller looks it up again. A hold
-- that has expired stays so; its cost counts all the same.
CREATE FUNCTION settle_ai_reservation(
    p_id uuid, p_granted_at timestamptz, p_usage_key_digest uuid, p_content_sha256 bytea,
    p_cost_micros numeric, p_occurred_at timestamptz, p_is_new boolean, p_final boolean,
    p_extension interval
) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
-- Planning the budget in effect takes longer than running it.
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    reservation ai_reservations;
    effective record;
    v_cost numeric := coalesce(p_cost_micros, 0);
    v_held numeric;
    v_left numeric;
    v_reserved numeric;
    v_spent numeric;
    v_now timestamptz;
    v_start timestamptz;
    v_end timestamptz;
    v_expires_at timestamptz;
    v_facts jsonb;
BEGIN
    SELECT r.* INTO reservation FROM ai_reservations AS r
    WHERE r.granted_at = p_granted_at AND r.id = p_id;
    IF NOT FOUND THEN
        RAISE SQLSTATE 'AL001' USING MESSAGE = 'the reservation was dropped';
    END IF;
    v_reserved := lock_ai_user_reserved(reservation.user_id);
    SELECT r.* INTO reservation FROM ai_reservations AS r
    WHERE r.granted_at = p_granted_at AND r.id = p_id FOR UPDATE;
    IF reservation.state IS DISTINCT FROM 'held' OR EXISTS (
        SELECT 1 FROM ai_reservation_settlements AS s
        WHERE s.granted_at = p_granted_at AND s.reservation_id = p_id
            AND s.usage_key_digest = p_usage_key_digest
    ) THEN
        RAISE SQLSTATE 'AL001' USING MESSAGE = 'the reservation has changed';
    END IF;
    v_now := clock_timestamp();
    v_start := date_trunc('month', v_now, 'UTC');
    v_end := (v_start AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC';
    -- Not locked: writers of usage lock the sum of the day first.
    SELECT coalesce(sum(s.cost_micros), 0) INTO v_spent FROM ai_user_spend_monthly AS s
    WHERE s.user_id = reservation.user_id AND s.month = (v_start AT TIME ZONE 'UTC')::date;
    SELECT h.amount_micros INTO v_held FROM ai_reservation_holds AS h
    WHERE h.user_id = reservation.user_id AND h.expires_at = reservation.expires_at
        AND h.reservation_id = p_id;
    v_left := CASE WHEN p_final THEN 0 ELSE greatest(v_held - v_cost, 0) END;
    v_expires_at := reservation.expires_at;
    IF v_held IS NOT NULL AND NOT p_final THEN
        v_expires_at := greatest(
            v_expires_at,
            least(
                v_now + coalesce(p_extension, interval '0'),
                reservation.granted_at + interval '24 hours'
            )
        );
        UPDATE ai_reservation_holds AS h SET amount_micros = v_left, expires_at = v_expires_at
        WHERE h.user_id = reservation.user_id AND h.expires_at = reservation.expires_at
            AND h.reservation_id = p_id;
    ELSIF v_held IS NOT NULL THEN
        DELETE FROM ai_reservation_holds AS h
        WHERE h.user_id = reservation.user_id AND h.expires_at = reservation.expires_at
            AND h.reservation_id = p_id;
    END IF;
    v_reserved := v_reserved - coalesce(v_held - v_left, 0);
    UPDATE ai_user_reserved AS r SET reserved_micros = v_reserved
    WHERE r.user_id = reservation.user_id;
    SELECT e.group_id, e.spend_limit_micros, e.limit_source INTO effective
    FROM ai_effective_budget(reservation.user_id) AS e;
    -- A gateway's clock may be ahead: usage of the next month counts there.
    IF p_is_new AND p_occurred_at >= v_start AND p_occurred_at < v_end THEN
        v_spent := v_spent + v_cost;
    END IF;
    v_facts := jsonb_build_object(
        'is_final', p_final, 'is_expired', v_held IS NULL, 'cost_micros', p_cost_micros,
        'held_micros', coalesce(v_left, 0), 'expires_at', v_expires_at,
        'overrun_micros', greatest(
            reservation.settled_micros + v_cost - reservation.estimate_micros, 0
        ),
        'group_id', effective.group_id, 'limit_micros', effective.spend_limit_micros,
        'limit_source', effective.limit_source, 'spent_micros', v_spent,
        'reserved_micros', v_reserved, 'period_start', v_start,
        'period_end', v_end
    );
    UPDATE ai_reservations AS r
    SET settled_micros = r.settled_micros + v_cost, expires_at = v_expires_at,
        state = CASE WHEN p_final THEN 'settled' ELSE 'held' END,
        closed_at = CASE WHEN p_final THEN v_now END
    WHERE r.granted_at = p_granted_at AND r.id = p_id;
    INSERT INTO ai_reservation_settlements (
        reservation_id, granted_at, usage_key_digest, content_sha256, cost_micros, facts
    )
    VALUES (p_id, p_granted_at, p_usage_key_digest, p_content_sha256, p_cost_micros, v_facts);
    RETURN v_facts;
END
$$;

-- Release what a reservation still holds. Returns its state afterwards: `settled` if it was settled
-- finally before; NULL if there is none.
CREATE FUNCTION release_ai_reservation(p_id uuid, p_granted_at timestamptz) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    reservation ai_reservations;
    v_held numeric;
BEGIN
    SELECT r.* INTO reservation FROM ai_reservations AS r
    WHERE r.granted_at = p_granted_at AND r.id = p_id;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    PERFORM lock_ai_user_reserved(reservation.user_id);
    SELECT r.* INTO reservation FROM ai_reservations AS r
    WHERE r.granted_at = p_granted_at AND r.id = p_id FOR UPDATE;
    IF reservation.state IS DISTINCT FROM 'held' THEN
        RETURN reservation.state;
    END IF;
    DELETE FROM ai_reservation_holds AS h
    WHERE h.user_id = reservation.user_id AND h.expires_at = reservation.expires_at
        AND h.reservation_id = p_id
    RETURNING h.amount_micros INTO v_held;
    UPDATE ai_user_reserved AS r
    SET reserved_micros = r.reserved_micros - coalesce(v_held, 0)
    WHERE r.user_id = reservation.user_id;
    UPDATE ai_reservations AS r SET state = 'released', closed_at = clock_timestamp()
    WHERE r.granted_at = p_granted_at AND r.id = p_id;
    RETURN 'released';
END
$$;

-- Take the expired holds off the limits of users who have not come back. Returns how many users.
CREATE FUNCTION tidy_ai_reservations(p_limit bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    tidied bigint;
BEGIN
    SELECT count(lock_ai_user_reserved(o.user_id)) INTO tidied
    FROM (
        SELECT r.user_id FROM ai_user_reserved AS r
        WHERE r.next_expiry <= clock_timestamp()
        ORDER BY r.user_id
        LIMIT p_limit
        FOR UPDATE SKIP LOCKED
    ) AS o;
    RETURN tidied;
END
$$;

REVOKE ALL ON FUNCTION settle_ai_reservation(
    uuid, timestamptz, uuid, bytea, numeric, timestamptz, boolean, boolean, interval
), release_ai_reservation(uuid, timestamptz), tidy_ai_reservations(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION settle_ai_reservation(
    uuid, timestamptz, uuid, bytea, numeric, timestamptz, boolean, boolean, interval
), release_ai_reservation(uuid, timestamptz) TO allowance_routes;
GRANT EXECUTE ON FUNCTION tidy_ai_reservations(bigint) TO allowance_jobs;
