-- Why: gateways send names that no price list knows, such as Azure's names of deployments. Owners
-- say which model such a name means, or that it costs nothing.

-- One row for each name that ever had an alias, in any case. A name ends in * if it is a pattern:
-- it then matches every name that begins with the rest. The target is a row of the price list.
-- An alias has no time of its own: the present one applies to usage of any time.
-- `change_id` comes from the numbers of the versions of prices, and writers of both lock
-- ai_price_book. So the numbers are committed in order, and RerateUsage needs one place in them.
CREATE TABLE ai_model_aliases (
    provider text COLLATE "C" NOT NULL CONSTRAINT ai_model_aliases_provider_length
        CHECK (char_length(provider) BETWEEN 1 AND 255),
    model text COLLATE "C" NOT NULL CONSTRAINT ai_model_aliases_model_length
        CHECK (char_length(model) BETWEEN 1 AND 255),
    target_provider text COLLATE "C",
    target_model text COLLATE "C",
    free boolean NOT NULL,
    -- The row of a removed alias stays, so that RerateUsage sees the removal.
    removed boolean NOT NULL DEFAULT false,
    change_id bigint NOT NULL DEFAULT nextval('ai_model_price_versions_id_seq'),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (provider, model),
    CONSTRAINT ai_model_aliases_pattern
        CHECK (position('*' IN model) IN (0, char_length(model)) AND position('*' IN provider) = 0),
    CONSTRAINT ai_model_aliases_target
        CHECK ((target_provider IS NULL) = (target_model IS NULL)),
    CONSTRAINT ai_model_aliases_one_meaning
        CHECK (free::integer + removed::integer + num_nonnulls(target_provider) = 1)
);

-- Names match in any case, like those of prices. A pattern is found here by each of the lengths
-- that the patterns of its provider have, which the second index lists.
CREATE UNIQUE INDEX ai_model_aliases_lower_idx
ON ai_model_aliases (lower(provider), lower(model));
CREATE INDEX ai_model_aliases_patterns_idx ON ai_model_aliases (lower(provider), char_length(model))
WHERE model LIKE '%*' AND NOT removed;
-- The aliases of a model whose price changes, and those that changed themselves.
CREATE INDEX ai_model_aliases_target_idx
ON ai_model_aliases (lower(target_provider), lower(target_model))
WHERE target_provider IS NOT NULL;
CREATE INDEX ai_model_aliases_change_id_idx ON ai_model_aliases (change_id);

-- The alias of the very name, and every pattern that matches it.
CREATE FUNCTION ai_aliases_of(p_provider text, p_model text) RETURNS TABLE (
    target_provider text, target_model text, free boolean, is_pattern boolean, length integer
)
LANGUAGE sql STABLE AS $$
    SELECT a.target_provider, a.target_model, a.free, a.model LIKE '%*', char_length(a.model)
    FROM ai_model_aliases AS a
    WHERE lower(a.provider) = lower(p_provider COLLATE "C")
        AND lower(a.model) = lower(p_model COLLATE "C") AND NOT a.removed
    UNION ALL
    SELECT a.target_provider, a.target_model, a.free, true, char_length(a.model)
    FROM ai_model_aliases AS a
    WHERE lower(a.provider) = lower(p_provider COLLATE "C")
        AND a.model LIKE '%*' AND NOT a.removed
        AND starts_with(lower(p_model COLLATE "C"), left(lower(a.model), -1))
$$;

-- The alias that each name has: the one of the very name, else the pattern with the longest
-- beginning of it. Names match in any case. One look into the index for each length that the
-- patterns of the provider have.
CREATE FUNCTION ai_aliases_of_names(p_places bigint [], p_providers text [], p_models text [])
RETURNS TABLE (
    place bigint, provider text, model text, target_provider text, target_model text, free boolean,
    is_pattern boolean
)
LANGUAGE sql STABLE AS $$
    WITH lengths AS MATERIALIZED (
        SELECT DISTINCT lower(a.provider) AS provider, char_length(a.model) AS length
        FROM ai_model_aliases AS a
        WHERE a.model LIKE '%*' AND NOT a.removed
            AND lower(a.provider) IN (
                SELECT lower(n.provider COLLATE "C") FROM unnest(p_providers) AS n (provider)
            )
    )
    SELECT n.place, found.provider, found.model, found.target_provider, found.target_model,
        found.free, found.is_pattern
    FROM unnest(p_places, p_providers, p_models) AS n (place, provider, model)
    CROSS JOIN LATERAL (
        SELECT a.provider, a.model, a.target_provider, a.target_model, a.free,
            a.model LIKE '%*' AS is_pattern
        FROM (
            SELECT lower(n.model COLLATE "C") AS model
            UNION ALL
            SELECT left(lower(n.model COLLATE "C"), l.length - 1) || '*'
            FROM lengths AS l
            WHERE l.provider = lower(n.provider COLLATE "C")
        ) AS possible
        JOIN ai_model_aliases AS a ON lower(a.provider) = lower(n.provider COLLATE "C")
            AND lower(a.model) = possible.model AND NOT a.removed
        ORDER BY is_pattern, char_length(a.model) DESC
        LIMIT 1
    ) AS found
$$;

REVOKE ALL ON ai_model_aliases FROM PUBLIC, allowance_routes, allowance_jobs, allowance_directory;
GRANT SELECT, INSERT (
    provider, model, target_provider, target_model, free, created_at, updated_at
), UPDATE (
    target_provider, target_model, free, removed, change_id, created_at, updated_at
) ON ai_model_aliases TO allowance_routes;
GRANT SELECT (provider, model, target_provider, target_model, free, removed, change_id, updated_at)
ON ai_model_aliases TO allowance_jobs;
GRANT USAGE ON SEQUENCE ai_model_price_versions_id_seq TO allowance_routes;
GRANT EXECUTE ON FUNCTION ai_aliases_of(text, text) TO allowance_routes, allowance_jobs;
GRANT EXECUTE ON FUNCTION ai_aliases_of_names(bigint [], text [], text []) TO allowance_routes;
