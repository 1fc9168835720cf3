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

-- The prices of each name in a batch, from its first to its last usage, each with the time from
-- which it applies. As in `resolve_model_price`, the first of these applies: a custom price of the
-- likeliest candidate of the name's seller, the alias of the name, the likeliest candidate that has
-- a price, the alias of a pattern. `place` counts from 0. An alias is final: without a price of its
-- target there is none.
CREATE FUNCTION ai_prices_of_usage(
    p_named_providers text [], p_named_models text [], p_sinces timestamptz [],
    p_untils timestamptz [], p_places bigint [], p_providers text [], p_models text [],
    p_are_sellers boolean []
) RETURNS TABLE (
    place bigint, starts timestamptz, provider text, model text, version_id bigint, terms jsonb,
    free boolean
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH names AS (
        SELECT n.place - 1 AS place, n.provider COLLATE "C" AS provider,
            n.model COLLATE "C" AS model, n.since, n.until
        FROM unnest(p_named_providers, p_named_models, p_sinces, p_untils)
            WITH ORDINALITY AS n (provider, model, since, until, place)
    ),
    candidates AS (
        SELECT c.place, c.provider COLLATE "C" AS provider, c.model COLLATE "C" AS model,
            c.is_sellers, c.rank
        FROM unnest(p_places, p_providers, p_models, p_are_sellers)
            WITH ORDINALITY AS c (place, provider, model, is_sellers, rank)
    ),
    known AS (
        SELECT c.place, v.provider, v.model, c.is_sellers,
            row_number() OVER (
                PARTITION BY c.place
                ORDER BY c.rank, v.provider <> c.provider OR v.model <> c.model, v.provider, v.model
            ) AS rank
        FROM candidates AS c
        CROSS JOIN LATERAL (
            SELECT DISTINCT each.provider, each.model
            FROM ai_model_price_versions AS each
            WHERE lower(each.provider) = lower(c.provider) AND lower(each.model) = lower(c.model)
        ) AS v
    ),
    aliases AS (
        SELECT a.place, a.target_provider, a.target_model, a.free, a.is_pattern
        FROM ai_aliases_of_names(
            ARRAY(SELECT n.place FROM names AS n ORDER BY n.place), p_named_providers,
            p_named_models
        ) AS a
    ),
    possible AS (
        SELECT k.place, k.provider, k.model, 3 AS step, k.rank, k.is_sellers, false AS is_alias,
            false AS free
        FROM known AS k
        UNION ALL
        SELECT a.place, a.target_provider, a.target_model,
            CASE WHEN a.is_pattern THEN 4 ELSE 2 END, 0, false, true, a.free
        FROM aliases AS a
    ),
    price_starts AS (
        SELECT n.place, n.since AS starts FROM names AS n
        UNION
        SELECT n.place, v.effective_from
        FROM names AS n
        JOIN possible AS o ON o.place = n.place
        CROSS JOIN LATERAL (
            SELECT o.provider, o.model
            UNION
            -- A custom price also changes with the price of the book that it is laid over.
            SELECT c.base_provider, c.base_model
            FROM ai_model_price_versions AS c
            WHERE c.provider = o.provider AND c.model = o.model AND c.source = 'custom'
            UNION
            -- So it does with the target of an alias, and what that one is laid over.
            SELECT t.provider, t.model
            FROM ai_model_price_versions AS c
            CROSS JOIN LATERAL ai_aliases_of(c.provider, c.model) AS a
            CROSS JOIN LATERAL (
                SELECT a.target_provider AS provider, a.target_model AS model
                UNION ALL
                SELECT b.base_provider, b.base_model
                FROM ai_model_price_versions AS b
                WHERE b.provider = a.target_provider AND b.model = a.target_model
                    AND b.source = 'custom'
            ) AS t
            WHERE c.provider = o.provider AND c.model = o.model AND c.source = 'custom'
        ) AS rows_of
        JOIN ai_model_price_versions AS v
            ON v.provider = rows_of.provider AND v.model = rows_of.model
            AND v.effective_from > n.since AND v.effective_from <= n.until
    )
    SELECT s.place, s.starts, p.provider, p.model, p.id AS version_id,
        ai_model_price_terms(p.version) AS terms, coalesce(p.free, false) AS free
    FROM price_starts AS s
    LEFT JOIN LATERAL (
        SELECT of_name.provider, of_name.model, of_name.id, of_name.version, o.free
        FROM possible AS o
        LEFT JOIN LATERAL (
            SELECT v.provider, v.model, v.id, v.source, v AS version
            FROM ai_model_prices_at(s.starts) AS v
            WHERE v.provider = o.provider AND v.model = o.model
            ORDER BY v.source
            LIMIT 1
        ) AS of_name ON true
        WHERE o.place = s.place AND (of_name.id IS NOT NULL OR o.is_alias)
        ORDER BY CASE WHEN o.is_sellers AND of_name.source = 'custom' THEN 1 ELSE o.step END, o.rank
        LIMIT 1
    ) AS p ON true
    ORDER BY s.place, s.starts;
END
$$;

REVOKE ALL ON FUNCTION ai_users_of_names(uuid [], text [], text [], text [], text []),
ai_attributions_of_names(text [], uuid [], uuid [], text [], text []),
ai_users_of_usage(uuid [], text [], text [], text [], text [], text [], text []),
ai_prices_of_usage(
    text [], text [], timestamptz [], timestamptz [], bigint [], text [], text [], boolean []
) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ai_attributions_of_names(text [], uuid [], uuid [], text [], text []),
ai_users_of_usage(uuid [], text [], text [], text [], text [], text [], text []),
ai_prices_of_usage(
    text [], text [], timestamptz [], timestamptz [], bigint [], text [], text [], boolean []
)
TO allowance_routes, allowance_jobs;
