-- Why: a decision says of every budget what was spent, held and left, and when a refused call fits.

-- What a budget has of a subject, for people and programs: read without a lock, from one snapshot.
-- A counter that nobody has touched in this period has the usage so far.
CREATE FUNCTION ai_budget_facts(
    b ai_budgets, p_subject text, p_now timestamptz, OUT facts jsonb, OUT starts timestamptz,
    OUT room numeric
)
LANGUAGE plpgsql AS $$
DECLARE
    v_ends timestamptz;
    v_spent numeric;
    v_reserved numeric;
    v_limit numeric := b.limit_micros;
BEGIN
    SELECT p.starts, p.ends INTO starts, v_ends FROM ai_budget_period(b, p_now) AS p;
    SELECT sum(c.spent_micros) FILTER (WHERE c.period_start >= starts),
        sum(c.reserved_micros) - CASE
            WHEN min(c.next_expiry) > p_now THEN 0
            ELSE (
                SELECT coalesce(sum(h.amount_micros), 0) FROM ai_budget_holds AS h
                WHERE h.budget_id = b.id AND h.subject = p_subject AND h.expires_at <= p_now
            )
        END
    INTO v_spent, v_reserved
    FROM ai_budget_counters AS c WHERE c.budget_id = b.id AND c.subject = p_subject;
    IF v_spent IS NULL THEN
        SELECT s.spent_micros INTO v_spent FROM ai_budget_spend AS s
        WHERE s.budget_id = b.id AND s.subject = p_subject AND s.period_start = starts;
    END IF;
    IF v_spent IS NULL THEN
        v_spent := ai_budget_spent(b, p_subject, starts, v_ends);
    END IF;
    IF b.rollover_micros > 0 THEN
        v_limit := ai_budget_limit_in_effect(b, p_subject, p_now);
    END IF;
    v_reserved := coalesce(v_reserved, 0);
    room := v_limit - v_spent - v_reserved;
    facts := jsonb_build_object(
        'id', b.id, 'name', b.name, 'scope', b.scope, 'group_id', b.group_id,
        'user_id', b.user_id, 'label_key', b.label_key, 'label_value', b.label_value, 'per', b.per,
        'subject', p_subject, 'models', b.models, 'enforcement', b.enforcement,
        'limit_micros', v_limit, 'spent_micros', v_spent,
        'reserved_micros', v_reserved,
        'period_start', nullif(starts, '-infinity'), 'period_end', nullif(v_ends, 'infinity'),
        'ends_at', b.ends_at,
        -- With what is carried over if nothing more is spent.
        'next_limit_micros', b.limit_micros
        + least(b.rollover_micros, greatest(b.limit_micros - v_spent, 0))
    );
END
$$;

-- What is left of the limit of a budget that has these facts.
CREATE FUNCTION ai_budget_room(p_facts jsonb) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$
    SELECT (p_facts ->> 'limit_micros')::numeric - (p_facts ->> 'spent_micros')::numeric
        - (p_facts ->> 'reserved_micros')::numeric
$$;

-- When an estimate fits a limit at the earliest, if nothing else is spent or held: when holds of
-- these amounts expire, or when the period ends. The next one may have another limit. NULL: never.
CREATE FUNCTION ai_spend_fits_at(
    p_expiries timestamptz [], p_amounts numeric [], p_estimate numeric, p_limit numeric,
    p_spent numeric, p_period_end timestamptz, p_next_limit numeric
) RETURNS timestamptz
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT min(c.at)
    FROM (
        SELECT each.at,
            sum(each.amount) OVER (ORDER BY each.at DESC)
            - sum(each.amount) OVER (PARTITION BY each.at) AS held_after
        FROM (
            SELECT h.at, h.amount FROM unnest(p_expiries, p_amounts) AS h (at, amount)
            UNION ALL
            SELECT p_period_end, 0 WHERE isfinite(p_period_end)
        ) AS each
    ) AS c
    WHERE c.held_after + p_estimate + CASE WHEN c.at >= p_period_end THEN 0 ELSE p_spent END
        <= CASE WHEN c.at >= p_period_end THEN p_next_limit ELSE p_limit END
$$;

-- The same for a budget that has these facts. One that has ended refuses nothing.
CREATE FUNCTION ai_budget_fits_at(p_facts jsonb, p_estimate numeric, p_now timestamptz)
RETURNS timestamptz
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT ai_spend_fits_at(
        array_agg(h.expires_at), array_agg(h.amount_micros), p_estimate,
        (p_facts ->> 'limit_micros')::numeric, (p_facts ->> 'spent_micros')::numeric,
        least((p_facts ->> 'period_end')::timestamptz, (p_facts ->> 'ends_at')::timestamptz),
        CASE
            WHEN (p_facts ->> 'period_end')::timestamptz < (p_facts ->> 'ends_at')::timestamptz
                OR p_facts ->> 'ends_at' IS NULL THEN (p_facts ->> 'next_limit_micros')::numeric
            ELSE 'Infinity'
        END
    )
    FROM ai_budget_holds AS h
    WHERE h.budget_id = (p_facts ->> 'id')::uuid AND h.subject = p_facts ->> 'subject'
        AND h.expires_at > p_now
$$;

-- When a refused call fits all limits at the earliest, if nothing else is spent or held. NULL:
-- never.
CREATE FUNCTION ai_decision_fits_at(p_facts jsonb, p_now timestamptz) RETURNS timestamptz
LANGUAGE plpgsql AS $$
DECLARE
    v_estimate numeric := (p_facts ->> 'estimate_micros')::numeric;
    v_limit numeric := (p_facts ->> 'limit_micros')::numeric;
    v_spent numeric := (p_facts ->> 'spent_micros')::numeric;
    each jsonb;
    v_at timestamptz;
    v_latest timestamptz := '-infinity';
BEGIN
    IF v_spent + (p_facts ->> 'reserved_micros')::numeric + v_estimate > v_limit THEN
        SELECT ai_spend_fits_at(
            array_agg(h.expires_at), array_agg(h.amount_micros), v_estimate, v_limit, v_spent,
            (p_facts ->> 'period_end')::timestamptz, v_limit
        )
        INTO v_latest
        FROM ai_reservation_holds AS h
        WHERE h.user_id = (p_facts ->> 'user_id')::uuid AND h.expires_at > p_now;
    END IF;
    FOR each IN SELECT value FROM jsonb_array_elements(p_facts -> 'budgets') LOOP
        CONTINUE WHEN each ->> 'enforcement' <> 'enforce' OR ai_budget_room(each) >= v_estimate;
        v_at := ai_budget_fits_at(each, v_estimate, p_now);
        v_latest := CASE WHEN v_at > v_latest THEN v_at WHEN v_at IS NOT NULL THEN v_latest END;
    END LOOP;
    RETURN nullif(v_latest, '-infinity');
END
$$;

-- Count a refusal by each limit that refuses: a budget, or the nil UUID for the user's own limit.
-- Each of them alerts if it is 0, whichever has the least room. Without a price there is no
-- comparison with a limit, so such a refusal has the nil UUID. What is held of the user is locked,
-- so no two refusals wait for each other's rows in a circle.
CREATE FUNCTION count_ai_refusal(
    p_facts jsonb, p_organization_id uuid, p_provider text, p_model text, p_now timestamptz
) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_nil uuid := '00000000-0000-0000-0000-000000000000';
    v_estimate numeric := (p_facts ->> 'estimate_micros')::numeric;
    v_is_priced boolean := p_facts ->> 'outcome' = 'refused';
BEGIN
    INSERT INTO ai_refusals AS r (
        organization_id, user_id, day, code, budget_id, provider, model, refused, last_at
    )
    SELECT coalesce(p_organization_id, v_nil), (p_facts ->> 'user_id')::uuid,
        (p_now AT TIME ZONE 'UTC')::date,
        CASE WHEN v_is_priced THEN 'ai_budget_exceeded' ELSE 'unpriced_model' END,
        l.budget_id, p_provider, p_model, 1, p_now
    FROM (
        SELECT v_nil AS budget_id
        WHERE NOT v_is_priced OR ai_budget_room(p_facts) < v_estimate
        UNION ALL
        SELECT (b.value ->> 'id')::uuid
        FROM jsonb_array_elements(p_facts -> 'budgets') AS b
        WHERE v_is_priced AND b.value ->> 'enforcement' = 'enforce'
            AND ai_budget_room(b.value) < v_estimate
    ) AS l
    ON CONFLICT (organization_id, user_id, day, code, budget_id, provider, model) DO UPDATE
    SET refused = r.refused + 1, last_at = excluded.last_at;
END
$$;
