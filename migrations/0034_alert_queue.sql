-- Why: limits and memberships change in many ways, and a group may have 100,000 members. So a write
-- only notes what to look at again, and DeliverAlerts works it off.

-- Look again at the allowances of these entries of the queue: of users, and of a page of the
-- members of one group, which keeps its place. Take off the queue what is done. All or nothing. It
-- returns how many alerts it raised.
CREATE FUNCTION look_again_at_ai_allowances(
    p_ids bigint [], p_page bigint, p_thresholds bigint []
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    nobody CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
    entry ai_alert_queue;
    v_page uuid [];
    v_users uuid [];
    v_spenders uuid [];
    v_months date [];
BEGIN
    WITH taken AS (
        DELETE FROM ai_alert_queue AS q WHERE q.id = ANY(p_ids) AND q.user_id IS NOT NULL
        RETURNING q.user_id
    )
    SELECT coalesce(array_agg(DISTINCT t.user_id), '{}') INTO v_users FROM taken AS t;
    SELECT q.* INTO entry FROM ai_alert_queue AS q
    WHERE q.id = ANY(p_ids) AND q.group_id IS NOT NULL
    ORDER BY q.id LIMIT 1 FOR UPDATE;
    IF FOUND THEN
        IF entry.after_user_id = nobody THEN
            -- What they are about is committed, so the looks that begin here see it too.
            DELETE FROM ai_alert_queue AS q
            WHERE q.id IN (
                SELECT other.id FROM ai_alert_queue AS other
                WHERE other.group_id = entry.group_id AND other.after_user_id = nobody
                    AND other.id <> entry.id
                FOR UPDATE SKIP LOCKED
            );
        END IF;
        SELECT coalesce(array_agg(m.user_id ORDER BY m.user_id), '{}') INTO v_page
        FROM (
            SELECT each.user_id
            FROM (
                SELECT gm.user_id FROM group_members AS gm
                WHERE gm.group_id = entry.group_id AND gm.user_id > entry.after_user_id
                UNION ALL
                SELECT om.user_id FROM organization_members AS om
                WHERE om.organization_id = entry.group_id AND om.user_id > entry.after_user_id
            ) AS each
            ORDER BY each.user_id
            LIMIT p_page
        ) AS m;
        IF cardinality(v_page) = p_page THEN
            UPDATE ai_alert_queue AS q
            SET after_user_id = v_page[p_page::integer], due_at = now()
            WHERE q.id = entry.id;
        ELSE
            DELETE FROM ai_alert_queue AS q WHERE q.id = entry.id;
        END IF;
        v_users := v_users || v_page;
    END IF;
    SELECT array_agg(s.user_id), array_agg(s.month) INTO v_spenders, v_months
    FROM ai_user_spend_monthly AS s
    WHERE s.user_id = ANY(v_users)
        AND s.month >= date_trunc('month', now() AT TIME ZONE 'UTC')::date;
    RETURN raise_ai_allowance_alerts(v_spenders, v_months, p_thresholds)
        + raise_ai_allowance_refusals(v_users);
END
$$;

-- The triggers that fill the queue.
CREATE FUNCTION queue_ai_allowances_of_group() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO ai_alert_queue (group_id) VALUES (coalesce(new.group_id, old.group_id));
    RETURN NULL;
END
$$;

CREATE FUNCTION queue_ai_allowances_of_organization() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO ai_alert_queue (group_id) VALUES (new.id);
    RETURN NULL;
END
$$;

CREATE FUNCTION queue_ai_allowance_of_user() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO ai_alert_queue (user_id) VALUES (coalesce(new.user_id, old.user_id));
    RETURN NULL;
END
$$;

CREATE FUNCTION queue_ai_allowances_of_members() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO ai_alert_queue (user_id) SELECT DISTINCT c.user_id FROM changed AS c;
    RETURN NULL;
END
$$;

CREATE TRIGGER group_ai_budgets_set AFTER INSERT OR DELETE ON group_ai_budgets
FOR EACH ROW EXECUTE FUNCTION queue_ai_allowances_of_group();
CREATE TRIGGER group_ai_budgets_changed AFTER UPDATE ON group_ai_budgets
FOR EACH ROW WHEN (new.spend_limit_micros <> old.spend_limit_micros)
EXECUTE FUNCTION queue_ai_allowances_of_group();
CREATE TRIGGER user_ai_budget_overrides_alerted AFTER INSERT OR UPDATE OR DELETE
ON user_ai_budget_overrides
FOR EACH ROW EXECUTE FUNCTION queue_ai_allowance_of_user();
CREATE TRIGGER organizations_ended AFTER UPDATE OF deleted_at ON organizations
FOR EACH ROW EXECUTE FUNCTION queue_ai_allowances_of_organization();
CREATE TRIGGER group_members_joined AFTER INSERT ON group_members
REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION queue_ai_allowances_of_members();
CREATE TRIGGER group_members_left AFTER DELETE ON group_members
REFERENCING OLD TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION queue_ai_allowances_of_members();
CREATE TRIGGER organization_members_joined AFTER INSERT ON organization_members
REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION queue_ai_allowances_of_members();
CREATE TRIGGER organization_members_left AFTER DELETE ON organization_members
REFERENCING OLD TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION queue_ai_allowances_of_members();
-- Only the first refusal of a day inserts a row.
CREATE TRIGGER ai_refusals_of_allowances AFTER INSERT ON ai_refusals
FOR EACH ROW WHEN (new.budget_id = '00000000-0000-0000-0000-000000000000')
EXECUTE FUNCTION queue_ai_allowance_of_user();

-- Queue the users whose override has ended by its time. ExpireOverrides may not have deleted it.
CREATE FUNCTION queue_ended_ai_overrides() RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    WITH queued AS (
        INSERT INTO ai_alert_queue (user_id)
        SELECT v.user_id FROM user_ai_budget_overrides AS v WHERE v.expires_at <= now()
        RETURNING true
    )
    SELECT count(*) FROM queued
$$;

REVOKE ALL ON FUNCTION look_again_at_ai_allowances(bigint [], bigint, bigint []),
queue_ended_ai_overrides() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION look_again_at_ai_allowances(bigint [], bigint, bigint []),
queue_ended_ai_overrides() TO allowance_jobs;
