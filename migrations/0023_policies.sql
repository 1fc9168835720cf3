-- Why: usage of a model without a price costs nothing yet, so no limit refuses it by its cost. An
-- organization decides what happens to such a call.

-- An organization without a row has the default of the deployment.
CREATE TABLE ai_policies (
    organization_id uuid PRIMARY KEY REFERENCES organizations (id) ON DELETE CASCADE,
    unpriced text COLLATE "C" NOT NULL
        CONSTRAINT ai_policies_unpriced CHECK (unpriced IN ('deny', 'allow', 'assume')),
    -- Micro-units of USD per million tokens.
    assumed_input_price bigint CONSTRAINT ai_policies_assumed_input_price
        CHECK (assumed_input_price BETWEEN 0 AND 1000000000000),
    assumed_output_price bigint CONSTRAINT ai_policies_assumed_output_price
        CHECK (assumed_output_price BETWEEN 0 AND 1000000000000),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT ai_policies_assumed CHECK (
        (unpriced = 'assume') = (assumed_input_price IS NOT NULL)
        AND (unpriced = 'assume') = (assumed_output_price IS NOT NULL)
    )
);

-- The terms of a policy in the audit log.
CREATE FUNCTION ai_policy_terms(p_policy ai_policies) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object(
        'unpriced', p_policy.unpriced, 'assumed_input_price', p_policy.assumed_input_price,
        'assumed_output_price', p_policy.assumed_output_price
    ))
$$;

-- What happens to a call without a price that counts for an organization: its policy, or the given
-- default of the deployment. `deny` refuses where a limit applies. Without a default it is `deny`
-- too. The prices are NULL unless `unpriced` is `assume`. reserve_ai_spend calls it.
CREATE FUNCTION ai_unpriced_policy(
    p_organization_id uuid, p_default jsonb, OUT unpriced text, OUT assumed_input_price bigint,
    OUT assumed_output_price bigint
)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    SELECT p.unpriced, p.assumed_input_price, p.assumed_output_price
    INTO unpriced, assumed_input_price, assumed_output_price
    FROM ai_policies AS p
    WHERE p.organization_id = p_organization_id;
    IF NOT FOUND THEN
        unpriced := coalesce(p_default ->> 'unpriced', 'deny');
        assumed_input_price := p_default ->> 'assumed_input_price';
        assumed_output_price := p_default ->> 'assumed_output_price';
    END IF;
END
$$;

REVOKE ALL ON ai_policies FROM PUBLIC, allowance_routes, allowance_jobs, allowance_directory;
REVOKE ALL ON FUNCTION ai_policy_terms(ai_policies), ai_unpriced_policy(uuid, jsonb) FROM PUBLIC;
GRANT SELECT, INSERT (
    organization_id, unpriced, assumed_input_price, assumed_output_price, created_at, updated_at
), UPDATE (unpriced, assumed_input_price, assumed_output_price, updated_at)
ON ai_policies TO allowance_routes;
GRANT EXECUTE ON FUNCTION ai_policy_terms(ai_policies) TO allowance_routes;
