-- Why: what a model costs, and how much each member of a group may spend.

-- Micro-units of US dollars per one million tokens; NULL is unknown, 0 is free. A default and a
-- custom price of the same model stand side by side, and the custom one is in effect.
CREATE TABLE ai_model_prices (
    provider text NOT NULL CONSTRAINT ai_model_prices_provider_length CHECK (char_length(provider) BETWEEN 1 AND 255),
    model text NOT NULL CONSTRAINT ai_model_prices_model_length CHECK (char_length(model) BETWEEN 1 AND 255),
    source text NOT NULL CONSTRAINT ai_model_prices_source CHECK (source IN ('default', 'custom')),
    input_price bigint CONSTRAINT ai_model_prices_input_price CHECK (input_price BETWEEN 0 AND 1000000000000),
    output_price bigint CONSTRAINT ai_model_prices_output_price CHECK (output_price BETWEEN 0 AND 1000000000000),
    cache_read_price bigint
        CONSTRAINT ai_model_prices_cache_read_price CHECK (cache_read_price BETWEEN 0 AND 1000000000000),
    cache_write_price bigint
        CONSTRAINT ai_model_prices_cache_write_price CHECK (cache_write_price BETWEEN 0 AND 1000000000000),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (provider, model, source),
    CONSTRAINT ai_model_prices_at_least_one CHECK (
        num_nonnulls(input_price, output_price, cache_read_price, cache_write_price) > 0
    )
);

-- The limit is per member of the group and period. No row: no budget is enforced. 0: all spend is
-- blocked.
CREATE TABLE group_ai_budgets (
    group_id uuid PRIMARY KEY REFERENCES groups (id) ON DELETE CASCADE,
    spend_limit_micros bigint NOT NULL
        CONSTRAINT group_ai_budgets_spend_limit_micros CHECK (spend_limit_micros BETWEEN 0 AND 1000000000000),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

GRANT SELECT, INSERT, UPDATE ON ai_model_prices TO allowance_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON group_ai_budgets TO allowance_app;
