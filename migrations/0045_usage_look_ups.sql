-- Why: each batch of usage and each decision looks for its users. As functions their plans stay in
-- the session: planning took as long as the search. They need no right to read what they look in.

-- The users of names in a batch. A name of several users has a row of each. A deleted user is found
-- by UUID, username and user name, for usage from before; the other names may belong to another
-- user by then. Each name is looked up by index, however few users there were when the session
-- planned.
CREATE FUNCTION ai_users_of_names(
    p_user_ids uuid [], p_id_names text [], p_usernames text [], p_emails text [], p_names text []
) RETURNS TABLE (name text, id uuid, primary_group_id uuid)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
    RETURN QUERY
    SELECT n.name, u.id, u.primary_group_id
    FROM unnest(p_user_ids, p_id_names) AS n (id, name)
    JOIN users AS u ON u.id = n.id
    UNION
    SELECT n.name, u.id, u.primary_group_id
    FROM unnest(p_usernames) AS n (name)
    -- Usernames have no capitals, so one with capitals has one reading.
    JOIN users AS u ON u.username = lower(n.name)
    UNION
    SELECT n.name, u.id, u.primary_group_id
    FROM unnest(p_emails) AS n (name)
    JOIN users AS u ON lower(u.email) = lower(n.name) AND u.status <> 'deleted'
    UNION
    SELECT n.name, u.id, u.primary_group_id
    FROM unnest(p_names) AS n (name)
    JOIN users AS u ON lower(u.user_name) = lower(n.name)
    UNION
    SELECT n.name, u.id, u.primary_group_id
    FROM unnest(p_names) AS n (name)
    CROSS JOIN LATERAL (
        SELECT each.id, each.primary_group_id FROM users AS each
        WHERE each.external_id = n.name AND each.status <> 'deleted'
        LIMIT 2
    ) AS u;
END
$$;

-- What the usage of users counts against now that have these names in a batch: the named group,
-- else the primary group, else the group of the budget in effect. One row of each user is without a
-- named group. A named group that is unknown, ambiguous or not the user's has no row.
CREATE FUNCTION ai_attributions_of_names(
    p_names text [], p_user_ids uuid [], p_primary_group_ids uuid [], p_users_of_groups text [],
    p_named_groups text []
) RETURNS TABLE (
    name text, named_group text, user_id uuid, group_id uuid, organization_id uuid,
    spend_limit_micros bigint, limit_source text
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY
    -- On its own: joined with the names, its plan takes twice as long.
    WITH effective AS MATERIALIZED (SELECT e.* FROM ai_effective_budgets(p_user_ids) AS e)
    SELECT n.name, NULL, n.id, coalesce(p.id, g.id),
        coalesce(p.organization_id, g.organization_id), b.spend_limit_micros, b.limit_source
    FROM unnest(p_names, p_user_ids, p_primary_group_ids) AS n (name, id, primary_group_id)
    JOIN effective AS b ON b.user_id = n.id
    LEFT JOIN groups AS g ON g.id = b.group_id
    LEFT JOIN (
        groups AS p
        JOIN organizations AS o ON o.id = p.organization_id AND o.deleted_at IS NULL
    ) ON p.id = n.primary_group_id;
    IF cardinality(p_named_groups) = 0 THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT a.name, a.named_group, n.id, g.group_id, g.organization_id, b.spend_limit_micros,
        b.limit_source
    FROM unnest(p_users_of_groups, p_named_groups) AS a (name, named_group)
    JOIN unnest(p_names, p_user_ids) AS n (name, id) ON n.name = a.name
    JOIN ai_effective_budgets(p_user_ids) AS b ON b.user_id = n.id
    CROSS JOIN LATERAL ai_named_group(n.id, a.named_group) AS g;
END
$$;

-- The users of names in a batch, and what their usage counts against now.
CREATE FUNCTION ai_users_of_usage(
    p_user_ids uuid [], p_id_names text [], p_usernames text [], p_emails text [], p_names text [],
    p_users_of_groups text [], p_named_groups text []
) RETURNS TABLE (
    name text, named_group text, user_id uuid, group_id uuid, organization_id uuid,
    spend_limit_micros bigint, limit_source text
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    found record;
BEGIN
    SELECT array_agg(u.name) AS names, array_agg(u.id) AS ids,
        array_agg(u.primary_group_id) AS primary_group_ids
    INTO found
    FROM ai_users_of_names(p_user_ids, p_id_names, p_usernames, p_emails, p_names) AS u;
    RETURN QUERY
    SELECT a.name, a.named_group, a.user_id, a.group_id, a.organization_id, a.spend_limit_micros,
        a.limit_source
    FROM ai_attributions_of_names(
        found.names, found.ids, found.primary_group_ids, p_users_of_groups, p_named_groups
    ) AS a;
END
$$;

REVOKE ALL ON FUNCTION ai_users_of_names(uuid [], text [], text [], text [], text []),
ai_attributions_of_names(text [], uuid [], uuid [], text [], text []),
ai_users_of_usage(uuid [], text [], text [], text [], text [], text [], text []) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ai_attributions_of_names(text [], uuid [], uuid [], text [], text []),
ai_users_of_usage(uuid [], text [], text [], text [], text [], text [], text [])
TO allowance_routes, allowance_jobs;
