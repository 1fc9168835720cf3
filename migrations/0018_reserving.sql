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

-- A new UUID of version 7 (RFC 9562, 5.7) of the time `p_at`, in milliseconds.
CREATE FUNCTION ai_uuid_of(p_at timestamptz) RETURNS uuid
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    -- Version 4 has its variant in the same bits. Only the version and the time are replaced.
    bytes bytea := uuid_send(gen_random_uuid());
BEGIN
    bytes := set_byte(bytes, 6, (get_byte(bytes, 6) & 15) | 112);
    bytes := overlay(
        bytes PLACING substring(int8send((extract(EPOCH FROM p_at) * 1000)::bigint) FROM 3)
        FROM 1 FOR 6
    );
    RETURN encode(bytes, 'hex')::uuid;
END
$$;

-- When an estimate fits a limit at the earliest, if nothing else is spent or held: at the expiry of
-- a hold, or in the next period. NULL: never.
CREATE FUNCTION ai_spend_fits_at(
    p_user_id uuid, p_estimate numeric, p_limit bigint, p_spent numeric, p_now timestamptz,
    p_period_end timestamptz
) RETURNS timestamptz
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT min(c.at)
    FROM (
        SELECT each.at,
            sum(each.amount) OVER (ORDER BY each.at DESC)
            - sum(each.amount) OVER (PARTITION BY each.at) AS held_after
        FROM (
            SELECT h.expires_at AS at, h.amount_micros AS amount FROM ai_reservation_holds AS h
            WHERE h.user_id = p_user_id AND h.expires_at > p_now
            UNION ALL
            SELECT p_period_end, 0
        ) AS each
    ) AS c
    WHERE c.held_after + p_estimate
        + CASE WHEN c.at < p_period_end THEN p_spent ELSE 0 END <= p_limit
$$;

-- Decide on a call, and hold its estimate if it is admitted. `outcome` is `granted`, `refused` (no
-- room), `unpriced` (no estimate, and a limit applies), or without facts `unknown` (no user has the
-- name), `inactive` (the user is suspended or deleted) or `conflict` (the key belongs to another
-- request). A request that was granted before gets its facts again, whatever became of the user.
-- `spent_micros` and `reserved_micros` are those before the grant. A dry run locks and writes
-- nothing.
--
-- The order of the locks: the key, what is held, the sum of the month. A settlement locks what is
-- held, then the reservation, then the sums that its usage counts in. So no two wait in a circle.
CREATE FUNCTION reserve_ai_spend(
    p_key_digest uuid, p_content_sha256 bytea, p_maker_id uuid, p_user_id uuid, p_provider text,
    p_model text, p_variant text, p_estimate_micros numeric, p_ttl interval, p_dry_run boolean,
    p_price jsonb, OUT outcome text, OUT facts jsonb
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
-- Planning the budget in effect takes longer than running it.
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    known ai_reservations;
    person users;
    effective record;
    v_now timestamptz;
    v_start timestamptz;
    v_end timestamptz;
    v_reserved numeric;
    v_spent numeric;
    v_estimate numeric := coalesce(p_estimate_micros, 0);
    v_id uuid;
    v_granted_at timestamptz;
BEGIN
    IF NOT p_dry_run THEN
        PERFORM pg_advisory_xact_lock(hashtextextended(p_key_digest::text, 0));
        SELECT r.* INTO known FROM ai_reservations AS r
        WHERE r.key_digest = p_key_digest AND r.granted_at > now() - interval '2 months'
        LIMIT 1;
        IF FOUND THEN
            IF known.content_sha256 = p_content_sha256 THEN
                outcome := 'granted';
                facts := known.facts;
            ELSE
                outcome := 'conflict';
            END IF;
            RETURN;
        END IF;
    END IF;
    SELECT u.* INTO person FROM users AS u WHERE u.id = p_user_id;
    IF person.status IS DISTINCT FROM 'active' THEN
        outcome := CASE WHEN person.id IS NULL THEN 'unknown' ELSE 'inactive' END;
        RETURN;
    END IF;
    IF p_dry_run THEN
        v_now := clock_timestamp();
        -- One statement: between two, a settlement could move an amount from one to the other.
        SELECT
            (
                SELECT coalesce(sum(h.amount_micros), 0) FROM ai_reservation_holds AS h
                WHERE h.user_id = p_user_id AND h.expires_at > v_now
            ),
            (
                SELECT coalesce(sum(s.cost_micros), 0) FROM ai_user_spend_monthly AS s
                WHERE s.user_id = p_user_id
                    AND s.month = date_trunc('month', v_now AT TIME ZONE 'UTC')::date
            )
        INTO v_reserved, v_spent;
    ELSE
        v_reserved := lock_ai_user_reserved(p_user_id);
        v_now := clock_timestamp();
        v_spent := lock_ai_user_spend(
            p_user_id, date_trunc('month', v_now AT TIME ZONE 'UTC')::date
        );
    END IF;
    v_start := date_trunc('month', v_now, 'UTC');
    v_end := (v_start AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC';
    -- After the locks: the limit and the group are those of now.
    SELECT e.group_id, e.spend_limit_micros, e.limit_source, g.name AS group_name, g.organization_id
    INTO effective
    FROM ai_effective_budget(p_user_id) AS e
    LEFT JOIN groups AS g ON g.id = e.group_id;
    outcome := 'granted';
    IF p_estimate_micros IS NULL AND effective.spend_limit_micros IS NOT NULL THEN
        outcome := 'unpriced';
    ELSIF v_spent + v_reserved + v_estimate > effective.spend_limit_micros THEN
        outcome := 'refused';
    ELSIF NOT p_dry_run THEN
        v_granted_at := date_trunc('milliseconds', v_now);
        v_id := ai_uuid_of(v_granted_at);
    END IF;
    facts := jsonb_build_object(
        'allowed', outcome = 'granted', 'reservation_id', v_id, 'estimate_micros', v_estimate,
        'expires_at', CASE WHEN v_id IS NOT NULL THEN v_now + p_ttl END, 'user_id', p_user_id,
        'username', person.username, 'group_id', effective.group_id,
        'group_name', effective.group_name, 'price', p_price,
        'limit_micros', effective.spend_limit_micros, 'limit_source', effective.limit_source,
        'spent_micros', v_spent, 'reserved_micros', v_reserved,
        'period_start', v_start, 'period_end', v_end,
        'retry_at', CASE
            WHEN outcome = 'refused' THEN ai_spend_fits_at(
                p_user_id, v_estimate, effective.spend_limit_micros, v_spent, v_now, v_end
            )
        END
    );
    IF v_id IS NULL THEN
        RETURN;
    END IF;
    PERFORM ensure_ai_reservation_month(v_granted_at);
    UPDATE ai_user_reserved AS r
    SET reserved_micros = r.reserved_micros + v_estimate,
        next_expiry = least(r.next_expiry, v_now + p_ttl)
    WHERE r.user_id = p_user_id;
    INSERT INTO ai_reservation_holds (user_id, expires_at, reservation_id, amount_micros)
    VALUES (p_user_id, v_now + p_ttl, v_id, v_estimate);
    INSERT INTO ai_reservations (
        id, granted_at, key_digest, content_sha256, maker_id, user_id, group_id, organization_id,
        provider, model, variant, estimate_micros, expires_at, facts
    )
    VALUES (
        v_id, v_granted_at, p_key_digest, p_content_sha256, p_maker_id, p_user_id,
        coalesce(effective.group_id, '00000000-0000-0000-0000-000000000000'),
        coalesce(effective.organization_id, '00000000-0000-0000-0000-000000000000'),
        p_provider, p_model, p_variant, v_estimate, v_now + p_ttl, facts
    );
END
$$;

REVOKE ALL ON FUNCTION lock_ai_user_reserved(uuid), lock_ai_user_spend(uuid, date),
ai_uuid_of(timestamptz),
ai_spend_fits_at(uuid, numeric, bigint, numeric, timestamptz, timestamptz),
reserve_ai_spend(uuid, bytea, uuid, uuid, text, text, text, numeric, interval, boolean, jsonb)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
reserve_ai_spend(uuid, bytea, uuid, uuid, text, text, text, numeric, interval, boolean, jsonb)
TO allowance_routes;
