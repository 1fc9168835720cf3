-- Why: gateways differ in what their records are worth. A source of usage has settings of its own.

-- A source without a row has the defaults.
CREATE TABLE ai_usage_sources (
    source text COLLATE "C" PRIMARY KEY
        CONSTRAINT ai_usage_sources_source_length CHECK (char_length(source) BETWEEN 1 AND 255),
    -- Which cost counts: what the price book gives, or what the record states if it states one.
    cost_from text COLLATE "C" NOT NULL
        CONSTRAINT ai_usage_sources_cost_from CHECK (cost_from IN ('book', 'record')),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

REVOKE ALL ON ai_usage_sources FROM PUBLIC, allowance_routes, allowance_jobs, allowance_directory;
GRANT SELECT, INSERT (source, cost_from, created_at, updated_at), UPDATE (cost_from, updated_at)
ON ai_usage_sources TO allowance_routes;
GRANT SELECT (source, cost_from) ON ai_usage_sources TO allowance_jobs;
