-- Why: gateways differ in what their records are worth, and in whom they name. A source of usage
-- has settings of its own.

-- A source without a row has the defaults.
CREATE TABLE ai_usage_sources (
    source text COLLATE "C" PRIMARY KEY
        CONSTRAINT ai_usage_sources_source_length CHECK (char_length(source) BETWEEN 1 AND 255),
    -- Which cost counts: what the price book gives, or what the record states if it states one.
    cost_from text COLLATE "C" NOT NULL
        CONSTRAINT ai_usage_sources_cost_from CHECK (cost_from IN ('book', 'record')),
    -- What happens to users who are not known. NULL: their usage is recorded as unattributed, and
    -- they get no reservation. `unattributed`: they get one, too. `deny`: neither.
    unknown_users text COLLATE "C" CONSTRAINT ai_usage_sources_unknown_users
        CHECK (unknown_users IN ('unattributed', 'deny')),
    -- The fields of a gateway's message that may name the user, the first one first.
    identity text [] NOT NULL DEFAULT '{}',
    -- What a call is estimated to cost if its message does not say.
    estimate_micros bigint CONSTRAINT ai_usage_sources_estimate
        CHECK (estimate_micros BETWEEN 0 AND 10000000000000),
    -- The organization of usage whose user is not known. One that is deleted counts as none.
    organization_id uuid,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

-- Return the organization that has this id or name; NULL: there is none.
CREATE FUNCTION ai_organization_named(p_name text) RETURNS uuid
LANGUAGE sql STABLE RETURN (
    SELECT o.id FROM organizations AS o
    WHERE o.deleted_at IS NULL
        AND (o.name = p_name OR o.id = CASE
            WHEN p_name ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' THEN p_name::uuid
        END)
    ORDER BY o.name = p_name
    LIMIT 1
);

-- The settings as the audit log shows them.
CREATE FUNCTION ai_usage_source_settings(s ai_usage_sources) RETURNS jsonb
LANGUAGE sql IMMUTABLE RETURN jsonb_build_object(
    'cost_from', s.cost_from, 'unknown_users', s.unknown_users, 'identity', s.identity,
    'estimate_micros', s.estimate_micros, 'organization_id', s.organization_id
);

REVOKE ALL ON ai_usage_sources FROM PUBLIC, allowance_routes, allowance_jobs, allowance_directory;
GRANT SELECT, INSERT, UPDATE (
    cost_from, unknown_users, identity, estimate_micros, organization_id, updated_at
) ON ai_usage_sources TO allowance_routes;
-- Usage of files too: their fields that name the user are in the settings of the source.
GRANT SELECT (source, cost_from, unknown_users, identity, organization_id) ON ai_usage_sources
TO allowance_jobs;
GRANT EXECUTE ON FUNCTION ai_organization_named, ai_usage_source_settings TO allowance_routes;
-- A door of a source looks when the usage with a vendor's id occurred.
GRANT SELECT (occurred_at) ON ai_usage_keys TO allowance_routes;
