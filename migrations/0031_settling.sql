-- Why: what a call used replaces what was held for it, in one transaction, once. A hold whose call
-- was not made is released, and one whose time is over is tidied away.

-- Lock what is held of the users of reservations, by user, and return the holds that their
-- settlements change in budgets of organizations: what a part used is taken off each of them, and
-- the last part ends them.
CREATE FUNCTION lock_ai_settlements(p_settlements jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    v_holds jsonb;
BEGIN
    PERFORM lock_ai_user_reserved(u.user_id)
    FROM (
        SELECT DISTINCT r.user_id
        FROM jsonb_to_recordset(p_settlements) AS s (reservation_id uuid, granted_at timestamptz)
        JOIN ai_reservations AS r ON r.granted_at = s.granted_at AND r.id = s.reservation_id
        ORDER BY r.user_id
    ) AS u;
    -- A statement of its own: nobody changes these holds any more, but for those that expire.
    SELECT jsonb_agg(
        h.value || jsonb_build_object(
            'reservation_id', r.id, 'expires_at', r.expires_at,
            'used', CASE
                WHEN NOT s.final AND EXISTS (
                    SELECT 1 FROM ai_reservation_holds AS u
                    WHERE u.user_id = r.user_id AND u.expires_at = r.expires_at
                        AND u.reservation_id = r.id
                ) THEN coalesce(s.cost_micros, 0)
            END,
            'until', ai_extended_until(r.granted_at, r.expires_at, s.extend_seconds)
        )
    )
    INTO v_holds
    FROM jsonb_to_recordset(p_settlements) AS s (
        reservation_id uuid, granted_at timestamptz, final boolean, cost_micros numeric,
        extend_seconds bigint
    )
    JOIN ai_reservations AS r
        ON r.granted_at = s.granted_at AND r.id = s.reservation_id AND r.state = 'held'
    CROSS JOIN jsonb_array_elements(r.holds) AS h;
    RETURN coalesce(v_holds, '[]');
END
$$;

-- When a hold ends that is extended now. It never ends earlier than before, nor later than a day
-- after the grant.
CREATE FUNCTION ai_extended_until(
    p_granted_at timestamptz, p_expires_at timestamptz, p_seconds bigint
) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    SELECT greatest(
        p_expires_at,
        least(
            now() + make_interval(secs => coalesce(p_seconds, 0)),
            p_granted_at + interval '24 hours'
        )
    )
$$;

-- Settle a part of a reservation, or all of it: take the cost off what is held, and return the
-- facts of the response, which are kept. The same transaction counts and records the usage. Raises
-- AL001 if the reservation was settled, released or dropped meanwhile: the caller looks it up
-- again. A hold that has expired stays so; its cost counts all the same. `lock_ai_settlements` has
-- locked what is held of the user.
CREATE FUNCTION settle_ai_reservation(
    p_id uuid, p_granted_at timestamptz, p_usage_key_digest uuid, p_content_sha256 bytea,
    p_source text, p_source_id text, p_cost_micros numeric, p_occurred_at timestamptz,
    p_is_new boolean, p_final boolean, p_extend_seconds bigint, p_validations jsonb
) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    reservation ai_reservations;
    effective record;
    v_cost numeric := coalesce(p_cost_micros, 0);
    v_held numeric;
    v_left numeric;
    v_reserved numeric;
    v_spent numeric;
    v_now timestamptz := clock_timestamp();
    v_start timestamptz := date_trunc('month', v_now, 'UTC');
    v_end timestamptz := (v_start AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC';
    v_expires_at timestamptz;
    v_facts jsonb;
BEGIN
    SELECT r.* INTO reservation FROM ai_reservations AS r
    WHERE r.granted_at = p_granted_at AND r.id = p_id FOR UPDATE;
    IF NOT FOUND THEN
        RAISE SQLSTATE 'AL001' USING MESSAGE = 'the reservation was dropped';
    END IF;
    IF reservation.state <> 'held' OR EXISTS (
        SELECT 1 FROM ai_reservation_settlements AS s
        WHERE s.granted_at = p_granted_at AND s.reservation_id = p_id
            AND s.usage_key_digest = p_usage_key_digest
    ) THEN
        RAISE SQLSTATE 'AL001' USING MESSAGE = 'the reservation has changed';
    END IF;
    -- Not locked: writers of usage lock the sum of the day first.
    v_spent := ai_user_spend_of(reservation.user_id, (v_start AT TIME ZONE 'UTC')::date);
    SELECT h.amount_micros INTO v_held FROM ai_reservation_holds AS h
    WHERE h.user_id = reservation.user_id AND h.expires_at = reservation.expires_at
        AND h.reservation_id = p_id;
    v_left := CASE WHEN p_final THEN 0 ELSE greatest(v_held - v_cost, 0) END;
    v_expires_at := reservation.expires_at;
    IF p_final THEN
        DELETE FROM ai_reservation_holds AS h
        WHERE h.user_id = reservation.user_id AND h.expires_at = reservation.expires_at
            AND h.reservation_id = p_id;
    ELSIF v_held IS NOT NULL THEN
        v_expires_at := ai_extended_until(
            reservation.granted_at, reservation.expires_at, p_extend_seconds
        );
        UPDATE ai_reservation_holds AS h SET amount_micros = v_left, expires_at = v_expires_at
        WHERE h.user_id = reservation.user_id AND h.expires_at = reservation.expires_at
            AND h.reservation_id = p_id;
    END IF;
    UPDATE ai_user_reserved AS r
    SET reserved_micros = r.reserved_micros - coalesce(v_held - v_left, 0)
    WHERE r.user_id = reservation.user_id
    RETURNING r.reserved_micros INTO v_reserved;
    SELECT e.group_id, e.spend_limit_micros, e.limit_source INTO effective
    FROM ai_effective_budget(reservation.user_id) AS e;
    -- A gateway's clock may be ahead: usage of the next month counts there.
    IF p_is_new AND p_occurred_at >= v_start AND p_occurred_at < v_end THEN
        v_spent := v_spent + v_cost;
    END IF;
    -- What others spend and hold as nobody does not concern this call.
    IF reservation.user_id = '00000000-0000-0000-0000-000000000000' THEN
        v_spent := 0;
        v_reserved := 0;
    END IF;
    v_facts := jsonb_build_object(
        'is_final', p_final, 'is_expired', v_held IS NULL, 'cost_micros', p_cost_micros,
        'held_micros', coalesce(v_left, 0), 'expires_at', v_expires_at,
        'overrun_micros', greatest(
            reservation.settled_micros + v_cost - reservation.estimate_micros, 0
        ),
        'limit_group_id', effective.group_id, 'limit_micros', effective.spend_limit_micros,
        'limit_source', effective.limit_source, 'spent_micros', v_spent,
        'reserved_micros', v_reserved, 'period_start', v_start, 'period_end', v_end,
        'validations', p_validations, 'budgets', (
            SELECT coalesce(
                jsonb_agg(
                    (ai_budget_facts(b, h.subject, v_now)).facts ORDER BY b.id, h.subject
                ),
                '[]'
            )
            FROM jsonb_to_recordset(reservation.holds) AS h (budget_id uuid, subject text)
            JOIN ai_budgets AS b ON b.id = h.budget_id
            WHERE coalesce(least(b.ended_at, b.ends_at) > v_now, true)
        )
    );
    UPDATE ai_reservations AS r
    SET settled_micros = r.settled_micros + v_cost, expires_at = v_expires_at,
        state = CASE WHEN p_final THEN 'settled' ELSE 'held' END,
        closed_at = CASE WHEN p_final THEN v_now END
    WHERE r.granted_at = p_granted_at AND r.id = p_id;
    INSERT INTO ai_reservation_settlements (
        reservation_id, granted_at, usage_key_digest, content_sha256, source, source_id,
        cost_micros, facts
    )
    VALUES (
        p_id, p_granted_at, p_usage_key_digest, p_content_sha256, p_source, p_source_id,
        p_cost_micros, v_facts
    );
    RETURN v_facts;
END
$$;

-- Settle these reservations, each by one usage, after their counters were changed. Returns the
-- facts of each, in the order given.
CREATE FUNCTION settle_ai_reservations(p_settlements jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    settlement record;
    v_facts jsonb := '{}';
    v_in_order jsonb;
BEGIN
    FOR settlement IN
        SELECT s.reservation_id, s.granted_at, s.usage_key_digest, s.content_sha256, s.source,
            s.source_id, s.cost_micros, s.occurred_at, s.is_new, s.final, s.extend_seconds,
            s.validations
        FROM jsonb_to_recordset(p_settlements) AS s (
            reservation_id uuid, granted_at timestamptz, usage_key_digest uuid,
            content_sha256 bytea, source text, source_id text, cost_micros numeric,
            occurred_at timestamptz, is_new boolean, final boolean, extend_seconds bigint,
            validations jsonb
        )
        ORDER BY s.reservation_id
    LOOP
        v_facts := v_facts || jsonb_build_object(
            settlement.reservation_id, settle_ai_reservation(
                settlement.reservation_id, settlement.granted_at, settlement.usage_key_digest,
                settlement.content_sha256, settlement.source, settlement.source_id,
                settlement.cost_micros, settlement.occurred_at, settlement.is_new,
                settlement.final, settlement.extend_seconds, settlement.validations
            )
        );
    END LOOP;
    SELECT jsonb_agg(v_facts -> (s.value ->> 'reservation_id') ORDER BY s.ordinality)
    INTO v_in_order
    FROM jsonb_array_elements(p_settlements) WITH ORDINALITY AS s;
    RETURN v_in_order;
END
$$;

-- Count entries of usage in the budgets of their organizations, and settle reservations by them.
-- Returns the facts of each settlement. The parameters of entries are those of record_ai_usage.
CREATE FUNCTION settle_ai_usage(
    p_kinds jsonb, p_user_ids uuid [], p_group_ids uuid [], p_organization_ids uuid [],
    p_moments timestamptz [], p_persons bigint [], p_kinds_of bigint [], p_costs bigint [],
    p_large_costs text, p_label_sets jsonb, p_label_sets_of bigint [], p_settlements jsonb
) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    v_holds jsonb;
BEGIN
    -- The creation of a budget waits for these locks: all usage recorded later counts in it.
    PERFORM pg_advisory_xact_lock_shared(ai_budgets_lock_key(o.id))
    FROM (SELECT DISTINCT each.id FROM unnest(p_organization_ids) AS each (id) ORDER BY 1) AS o;
    IF p_settlements IS NULL AND NOT EXISTS (
        SELECT 1 FROM ai_budgets AS b
        WHERE b.organization_id = ANY(p_organization_ids) AND b.ended_at IS NULL
    ) THEN
        RETURN NULL;
    END IF;
    v_holds := lock_ai_settlements(p_settlements);
    PERFORM count_ai_budgets(
        p_kinds, p_user_ids, p_group_ids, p_organization_ids, p_moments, p_persons, p_kinds_of,
        p_costs, p_large_costs, p_label_sets, p_label_sets_of, v_holds
    );
    RETURN settle_ai_reservations(p_settlements);
END
$$;
