-- Why: a check and the hold that follows it are one decision, so they are one statement.

-- Decide on a call, and hold its estimate if it is admitted. Returns the facts of the decision,
-- those before the grant. Its `outcome` is `granted`, `refused` (no room), `unpriced` (no estimate,
-- and the policy denies that), or as the only fact `unknown` (no user has the name), `inactive`
-- (the user is suspended or deleted), `other_group` (the user is not in the group that the request
-- names), `too_large` (no call costs so much) or `conflict` (the key belongs to another request). A
-- request that was granted before gets its facts again, whatever became of the user, the group, the
-- price and the policy. A dry run locks and writes nothing.
--
-- `p_group_id` is the group that the call counts for. If it was deleted since the caller read it,
-- AL003 is raised: the caller looks it up again. The user with the nil UUID is nobody: the call has
-- no limit of a person, and counts for `p_organization_id`. `p_unpriced` is the deployment's policy
-- for models without a price. The tokens are of the estimate; NULL: it has other units as well.
--
-- The order of the locks: the key, what is held of the user, counters of budgets in their
-- order, the sum of the month. A settlement locks what is held, counters, the reservation, then
-- the sums that its usage counts in. So no two wait in a circle.
CREATE FUNCTION reserve_ai_spend(
    p_key_digest uuid, p_content_sha256 bytea, p_maker_id uuid, p_user_id uuid, p_group_id uuid,
    p_is_in_group boolean, p_provider text, p_model text, p_variant text, p_labels jsonb,
    p_estimate_micros numeric, p_input_tokens numeric, p_output_tokens numeric, p_unpriced jsonb,
    p_ttl_seconds bigint, p_dry_run boolean, p_price jsonb, p_organization_id uuid DEFAULT NULL
) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
-- Planning the budget in effect takes longer than running it.
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    known record;
    policy record;
    v_nil constant uuid := '00000000-0000-0000-0000-000000000000';
    v_status text;
    v_username text;
    v_now timestamptz;
    v_month date;
    v_expires_at timestamptz;
    v_next_expiry timestamptz;
    v_reserved numeric;
    v_spent numeric;
    v_estimate numeric := coalesce(p_estimate_micros, 0);
    v_limit_group_id uuid;
    v_limit bigint;
    v_limit_source text;
    v_group_id uuid;
    v_group_name text;
    v_organization_id uuid;
    v_has_budgets boolean;
    v_budgets ai_budgets [];
    v_subjects text [];
    v_budget_facts jsonb [] := '{}';
    v_fact jsonb;
    v_starts timestamptz [] := '{}';
    v_starts_at timestamptz;
    v_room numeric;
    v_holds jsonb := '[]';
    v_full integer;
    v_full_facts jsonb;
    v_outcome text := 'granted';
    v_facts jsonb;
    v_id uuid;
    v_granted_at timestamptz;
BEGIN
    IF NOT p_dry_run THEN
        PERFORM pg_advisory_xact_lock(uuid_hash_extended(p_key_digest, 0));
        SELECT r.content_sha256, r.facts INTO known FROM ai_reservations AS r
        WHERE r.key_digest = p_key_digest AND r.granted_at > now() - interval '2 months'
        LIMIT 1;
        IF FOUND THEN
            IF known.content_sha256 = p_content_sha256 THEN
                RETURN known.facts;
            END IF;
            RETURN '{"outcome": "conflict"}';
        END IF;
        SELECT u.status, u.username, r.reserved_micros, r.next_expiry
        INTO v_status, v_username, v_reserved, v_next_expiry
        FROM ai_user_reserved AS r
        JOIN users AS u ON u.id = r.user_id
        WHERE r.user_id = p_user_id FOR NO KEY UPDATE OF r;
    END IF;
    IF v_status IS NULL THEN
        -- A dry run, the user's first decision, or no user.
        SELECT u.status, u.username INTO v_status, v_username FROM users AS u
        WHERE u.id = p_user_id;
    END IF;
    IF v_status IS DISTINCT FROM 'active' AND p_user_id IS DISTINCT FROM v_nil THEN
        RETURN CASE
            WHEN v_status IS NULL THEN '{"outcome": "unknown"}' ELSE '{"outcome": "inactive"}'
        END;
    ELSIF NOT p_is_in_group THEN
        RETURN '{"outcome": "other_group"}';
    END IF;
    -- The time is that after the wait for the lock.
    v_now := clock_timestamp();
    v_month := date_trunc('month', v_now AT TIME ZONE 'UTC')::date;
    IF p_dry_run THEN
        -- One statement: between two, a settlement could move an amount from one to the other.
        SELECT
            (
                SELECT coalesce(sum(h.amount_micros), 0) FROM ai_reservation_holds AS h
                WHERE h.user_id = p_user_id AND h.expires_at > v_now
            ),
            ai_user_spend_of(p_user_id, v_month)
        INTO v_reserved, v_spent;
    ELSIF v_next_expiry IS NULL OR v_next_expiry <= v_now THEN
        v_reserved := lock_ai_user_reserved(p_user_id);
        v_now := clock_timestamp();
        v_month := date_trunc('month', v_now AT TIME ZONE 'UTC')::date;
    END IF;
    -- Read after the lock, so it is the limit of now.
    SELECT e.group_id, e.spend_limit_micros, e.limit_source, g.id, g.name,
        coalesce(g.organization_id, p_organization_id),
        EXISTS (
            SELECT 1 FROM ai_budgets AS b
            WHERE b.organization_id = coalesce(g.organization_id, p_organization_id)
                AND b.ended_at IS NULL
        )
    INTO v_limit_group_id, v_limit, v_limit_source, v_group_id, v_group_name, v_organization_id,
        v_has_budgets
    FROM ai_effective_budget(p_user_id) AS e
    LEFT JOIN groups AS g ON g.id = coalesce(p_group_id, e.group_id);
    IF v_group_id IS NULL AND p_group_id IS NOT NULL THEN
        RAISE SQLSTATE 'AL003' USING MESSAGE = 'the group was deleted';
    END IF;
    IF v_has_budgets THEN
        -- A budget is here once, for one subject.
        SELECT array_agg(o.budget ORDER BY is_ai_pool(o.budget), (o.budget).id),
            array_agg(o.subject ORDER BY is_ai_pool(o.budget), (o.budget).id)
        INTO v_budgets, v_subjects
        FROM ai_budgets_of(
            v_organization_id, v_group_id, p_user_id, p_provider, p_model, p_labels, v_now
        ) AS o;
    END IF;
    IF v_spent IS NULL AND v_budgets IS NULL THEN
        SELECT s.cost_micros INTO v_spent FROM ai_user_spend_monthly AS s
        WHERE s.user_id = p_user_id AND s.month = v_month FOR NO KEY UPDATE;
        IF NOT FOUND THEN
            v_spent := lock_ai_user_spend(p_user_id, v_month);
        END IF;
    ELSIF v_spent IS NULL THEN
        v_spent := ai_user_spend_of(p_user_id, v_month);
    END IF;
    IF p_estimate_micros IS NULL THEN
        SELECT p.* INTO policy FROM ai_unpriced_policy(v_organization_id, p_unpriced) AS p;
        IF policy.unpriced = 'assume' AND p_input_tokens IS NOT NULL THEN
            v_estimate := (
                p_input_tokens * policy.assumed_input_price
                + p_output_tokens * policy.assumed_output_price
            ) * 0.000001;
        ELSIF policy.unpriced <> 'allow' AND (
            v_limit IS NOT NULL
            OR EXISTS (SELECT 1 FROM unnest(v_budgets) AS b WHERE b.enforcement = 'enforce')
        ) THEN
            v_outcome := 'unpriced';
        END IF;
    END IF;
    IF v_estimate > 10000000000000 THEN
        RETURN '{"outcome": "too_large"}';
    END IF;
    IF v_outcome = 'granted' AND v_spent + v_reserved + v_estimate > v_limit THEN
        v_outcome := 'refused';
    END IF;
    FOR place IN 1..coalesce(cardinality(v_budgets), 0) LOOP
        SELECT f.facts, f.starts, f.room INTO v_fact, v_starts_at, v_room
        FROM ai_budget_facts(v_budgets[place], v_subjects[place], v_now) AS f;
        v_budget_facts[place] := v_fact;
        v_starts[place] := v_starts_at;
        IF v_outcome = 'granted' AND (v_budgets[place]).enforcement = 'enforce'
            AND v_room < v_estimate THEN
            v_outcome := 'refused';
        END IF;
    END LOOP;
    IF v_outcome = 'granted' AND NOT p_dry_run THEN
        v_granted_at := date_trunc('milliseconds', v_now);
        v_expires_at := v_now + p_ttl_seconds * interval '1 second';
        v_id := ai_uuid_of(v_now);
    END IF;
    IF v_id IS NOT NULL AND v_budgets IS NOT NULL THEN
        SELECT h.holds, coalesce(h.spent, v_spent), h.full_place, h.full_facts
        INTO v_holds, v_spent, v_full, v_full_facts
        FROM hold_ai_budgets(
            v_budgets, v_subjects, v_starts, v_estimate, v_expires_at, v_id, p_user_id,
            v_month, v_limit - v_reserved - v_estimate
        ) AS h;
        IF v_full IS NOT NULL THEN
            v_outcome := 'refused';
            v_id := NULL;
            v_expires_at := NULL;
        END IF;
        IF v_full > 0 THEN
            v_budget_facts[v_full] := v_full_facts;
        END IF;
    END IF;
    IF p_user_id = v_nil THEN
        SELECT 0, 0 INTO v_spent, v_reserved; -- Others are nobody too.
    END IF;
    v_facts := jsonb_build_object(
        'outcome', v_outcome, 'reservation_id', v_id, 'estimate_micros', v_estimate,
        'expires_at', v_expires_at, 'user_id', p_user_id, 'username', v_username,
        'group_id', v_group_id, 'group_name', v_group_name, 'price', p_price,
        'limit_group_id', v_limit_group_id, 'limit_micros', v_limit,
        'limit_source', v_limit_source, 'spent_micros', v_spent, 'reserved_micros', v_reserved,
        'period_start', v_month::timestamp AT TIME ZONE 'UTC', 'budgets', to_jsonb(v_budget_facts),
        'period_end', (v_month + interval '1 month') AT TIME ZONE 'UTC'
    );
    IF v_id IS NULL THEN
        IF v_outcome = 'refused' THEN
            v_facts := v_facts || jsonb_build_object(
                'retry_at', ai_decision_fits_at(v_facts, v_now)
            );
        END IF;
        -- An alert about a refused call without a price is for its user.
        IF NOT p_dry_run
            AND v_outcome IN ('refused', CASE WHEN p_user_id <> v_nil THEN 'unpriced' END) THEN
            PERFORM count_ai_refusal(v_facts, v_organization_id, p_provider, p_model, v_now);
        END IF;
        RETURN v_facts;
    END IF;
    IF to_regclass('public.ai_reservation_settlements' || to_char(v_month, '_YYYY_MM')) IS NULL THEN
        PERFORM ensure_ai_reservation_month(v_granted_at);
    END IF;
    UPDATE ai_user_reserved AS r
    SET reserved_micros = r.reserved_micros + v_estimate,
        next_expiry = least(r.next_expiry, v_expires_at)
    WHERE r.user_id = p_user_id;
    INSERT INTO ai_reservation_holds (
        user_id, expires_at, reservation_id, amount_micros, group_id
    )
    VALUES (p_user_id, v_expires_at, v_id, v_estimate, coalesce(v_group_id, v_nil));
    INSERT INTO ai_reservations (
        id, granted_at, key_digest, content_sha256, maker_id, user_id, group_id, organization_id,
        provider, model, variant, labels, estimate_micros, expires_at, holds, facts
    )
    VALUES (
        v_id, v_granted_at, p_key_digest, p_content_sha256, p_maker_id, p_user_id,
        coalesce(v_group_id, v_nil), coalesce(v_organization_id, v_nil), p_provider, p_model,
        p_variant, p_labels, v_estimate, v_expires_at, v_holds, v_facts
    );
    RETURN v_facts;
END
$$;

REVOKE ALL ON FUNCTION lock_ai_user_reserved(uuid), lock_ai_user_spend(uuid, date),
ai_user_spend_of(uuid, date), reserve_ai_spend(
    uuid, bytea, uuid, uuid, uuid, boolean, text, text, text, jsonb, numeric, numeric, numeric,
    jsonb, bigint, boolean, jsonb, uuid
) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION reserve_ai_spend(
    uuid, bytea, uuid, uuid, uuid, boolean, text, text, text, jsonb, numeric, numeric, numeric,
    jsonb, bigint, boolean, jsonb, uuid
) TO allowance_routes;
