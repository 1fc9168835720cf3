-- Why: alerts, what was alerted last, and refusals are of use for a while. Without an end their
-- tables grow without limit, and the job that reads them is slower each month.

-- Delete a page of each: alerts and refusals from before 13 whole months, so that the year before
-- can be compared, and what was alerted of periods that are over and of budgets that have ended. An
-- alert is deleted with its deliveries, also if nobody accepted it: after a year it prevents
-- nothing. Returns how many of each; a whole page: there may be more.
CREATE FUNCTION tidy_ai_alerts(
    p_page bigint, OUT alerts bigint, OUT states bigint, OUT refusals bigint
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_nil CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
    v_before CONSTANT timestamptz := date_trunc('month', now(), 'UTC') - interval '13 months';
BEGIN
    -- Ids have the order of their times.
    DELETE FROM ai_alerts AS a
    WHERE a.id IN (
        SELECT old.id FROM ai_alerts AS old
        WHERE old.id < ai_uuid_of(v_before)
        ORDER BY old.id
        LIMIT p_page
        FOR UPDATE SKIP LOCKED
    );
    GET DIAGNOSTICS alerts = ROW_COUNT;
    -- Writers change only what is of a current period.
    WITH current AS MATERIALIZED (
        SELECT b.id, p.starts FROM ai_budgets AS b
        CROSS JOIN LATERAL ai_budget_period(b, now()) AS p
        WHERE b.ended_at IS NULL
        UNION ALL
        SELECT v_nil, date_trunc('month', now(), 'UTC')
    )
    DELETE FROM ai_alert_states AS s
    WHERE s.ctid = ANY(ARRAY(
        SELECT old.ctid FROM ai_alert_states AS old
        LEFT JOIN current AS c ON c.id = old.budget_id
        WHERE c.id IS NULL OR old.period_start < c.starts
        LIMIT p_page
        FOR UPDATE OF old SKIP LOCKED
    ));
    GET DIAGNOSTICS states = ROW_COUNT;
    DELETE FROM ai_refusals AS r
    WHERE r.ctid = ANY(ARRAY(
        SELECT old.ctid FROM ai_refusals AS old
        WHERE old.day < (v_before AT TIME ZONE 'UTC')::date
        LIMIT p_page
        FOR UPDATE SKIP LOCKED
    ));
    GET DIAGNOSTICS refusals = ROW_COUNT;
END
$$;

REVOKE ALL ON FUNCTION tidy_ai_alerts(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tidy_ai_alerts(bigint) TO allowance_jobs;
