-- Why: prices change after usage is recorded. RerateUsage remembers what it has taken into account,
-- and how far each of its passes over the ledger has come.

-- One row: what rerating has taken into account. Price changes lock ai_price_book, so the ids of
-- their versions are committed in order, and an id marks a place among them.
CREATE TABLE ai_usage_rating (
    id boolean PRIMARY KEY DEFAULT true CONSTRAINT ai_usage_rating_one_row CHECK (id),
    -- Each version up to this one has led to a pass.
    seen_version_id bigint NOT NULL DEFAULT 0,
    -- Each version up to this one has led to a second pass, over usage that was written late.
    settled_version_id bigint NOT NULL DEFAULT 0,
    -- A digest of the code that finds prices and computes costs, and since when it is in use. NULL:
    -- the second pass for this code was requested.
    rules text NOT NULL DEFAULT '',
    rules_changed_at timestamptz
);
INSERT INTO ai_usage_rating (id) VALUES (true);

-- Passes over the usage of a model, as the model was sent. A row exists until its pass is finished.
CREATE TABLE ai_usage_rating_passes (
    provider text COLLATE "C" NOT NULL,
    model text COLLATE "C" NOT NULL,
    -- Another pass has another value, so a run cannot move the position of a pass that is not its
    -- own.
    pass uuid NOT NULL DEFAULT gen_random_uuid(),
    -- When the pass was requested, or had its last turn. The earliest is next.
    turn_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Usage from this time on, recorded since that time.
    since timestamptz NOT NULL,
    recorded_since timestamptz NOT NULL,
    unpriced_only boolean NOT NULL,
    -- The position: the last entry of the ledger that was rated, and its quarter of an hour. NULL:
    -- not begun.
    quarter timestamptz,
    organization_id uuid,
    occurred_at timestamptz,
    entry_id bigint,
    -- The pass that follows, requested after this one began.
    next_since timestamptz,
    next_recorded_since timestamptz,
    next_unpriced_only boolean,
    PRIMARY KEY (provider, model),
    CONSTRAINT ai_usage_rating_passes_position
        CHECK (num_nulls(quarter, organization_id, occurred_at, entry_id) % 4 = 0),
    CONSTRAINT ai_usage_rating_passes_next
        CHECK (num_nulls(next_since, next_recorded_since, next_unpriced_only) % 3 = 0)
);

CREATE INDEX ai_usage_rating_passes_turn_at_idx ON ai_usage_rating_passes (turn_at);

REVOKE ALL ON ai_usage_rating, ai_usage_rating_passes
FROM PUBLIC, allowance_routes, allowance_jobs, allowance_directory;
GRANT SELECT, UPDATE (seen_version_id, settled_version_id, rules, rules_changed_at)
ON ai_usage_rating TO allowance_jobs;
GRANT SELECT, INSERT (provider, model, since, recorded_since, unpriced_only), UPDATE (
    pass, turn_at, since, recorded_since, unpriced_only, quarter, organization_id, occurred_at,
    entry_id, next_since, next_recorded_since, next_unpriced_only
), DELETE ON ai_usage_rating_passes TO allowance_jobs;
