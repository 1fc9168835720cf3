-- Why: a hold whose call was not made is released, one whose usage is recorded already is settled
-- without counting it again, and one whose time is over is tidied away.

-- Change holds, and count no usage.
CREATE FUNCTION change_ai_budget_holds(p_holds jsonb) RETURNS void
LANGUAGE sql AS $$
    SELECT count_ai_budgets('[]', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '', '[]', '{}', p_holds)
$$;

-- Settle these reservations by usage that is recorded already, so it counts in no budget again.
CREATE FUNCTION settle_ai_recorded(p_settlements jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_holds jsonb := lock_ai_settlements(p_settlements);
BEGIN
    PERFORM change_ai_budget_holds(v_holds);
    RETURN settle_ai_reservations(p_settlements);
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
    WHERE r.granted_at = p_granted_at AND r.id = p_id;
    IF reservation.state = 'held' AND reservation.holds <> '[]' THEN
        PERFORM change_ai_budget_holds((
            SELECT jsonb_agg(
                h.value || jsonb_build_object(
                    'reservation_id', p_id, 'expires_at', reservation.expires_at,
                    'until', reservation.expires_at
                )
            )
            FROM jsonb_array_elements(reservation.holds) AS h
        ));
    END IF;
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

-- Take the expired holds off counters that nobody has used since. Returns how many counters.
CREATE FUNCTION tidy_ai_budget_holds(p_limit bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    expired record;
    tidied bigint := 0;
BEGIN
    FOR expired IN
        SELECT b, d.subject
        FROM (
            SELECT DISTINCT c.budget_id, c.subject FROM ai_budget_counters AS c
            WHERE c.next_expiry <= clock_timestamp()
            LIMIT p_limit
        ) AS d
        JOIN ai_budgets AS b ON b.id = d.budget_id
        ORDER BY is_ai_pool(b), d.budget_id, d.subject
    LOOP
        PERFORM lock_ai_budget(expired.b, expired.subject);
        tidied := tidied + 1;
    END LOOP;
    RETURN tidied;
END
$$;

REVOKE ALL ON FUNCTION lock_ai_settlements(jsonb), settle_ai_reservations(jsonb),
settle_ai_reservation(
    uuid, timestamptz, uuid, bytea, text, text, numeric, timestamptz, boolean, boolean, bigint,
    jsonb
), settle_ai_recorded(jsonb), release_ai_reservation(uuid, timestamptz),
tidy_ai_reservations(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION settle_ai_recorded(jsonb), release_ai_reservation(uuid, timestamptz)
TO allowance_routes;
GRANT EXECUTE ON FUNCTION tidy_ai_reservations(bigint), tidy_ai_budget_holds(bigint)
TO allowance_jobs;
