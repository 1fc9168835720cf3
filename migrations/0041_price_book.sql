-- Why: a price book is read again and again, and can be wrong. The last one is remembered, and a
-- change that may be wrong waits here for an owner.

-- One row. Every price change locks it first. It also remembers the last book, so that the same
-- book is not read again.
CREATE TABLE ai_price_book (
    id boolean PRIMARY KEY DEFAULT true CONSTRAINT ai_price_book_one_row CHECK (id),
    location text,
    etag text,
    entries bigint NOT NULL DEFAULT 0,
    seeded_at timestamptz,
    -- See 0002_directory.sql.
    row_lock boolean GENERATED ALWAYS AS (NULL::boolean) STORED
);
INSERT INTO ai_price_book (id) VALUES (true);

-- Changes that a book proposes and an owner must decide. `effective_from` NULL: from the approval
-- on. `decision` NULL: undecided.
CREATE TABLE ai_model_price_changes_held (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    provider text COLLATE "C" NOT NULL CONSTRAINT ai_model_price_changes_held_provider_length
        CHECK (char_length(provider) BETWEEN 1 AND 255),
    model text COLLATE "C" NOT NULL CONSTRAINT ai_model_price_changes_held_model_length
        CHECK (char_length(model) BETWEEN 1 AND 255),
    effective_from timestamptz,
    before jsonb,
    proposed jsonb NOT NULL,
    reasons text [] NOT NULL,
    by_source jsonb NOT NULL DEFAULT '{}',
    sources text [] NOT NULL DEFAULT '{}',
    in_book boolean NOT NULL DEFAULT false,
    origin text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    decision text CONSTRAINT ai_model_price_changes_held_decision
        CHECK (decision IN ('approved', 'rejected', 'superseded')),
    decided_at timestamptz,
    decided_by uuid,
    decided_by_name text,
    CONSTRAINT ai_model_price_changes_held_decided
        CHECK ((decision IS NULL) = (decided_at IS NULL))
);

CREATE INDEX ai_model_price_changes_held_model_idx
ON ai_model_price_changes_held (provider, model);
CREATE INDEX ai_model_price_changes_held_open_idx
ON ai_model_price_changes_held (provider, model, created_at, id) WHERE decision IS NULL;

-- The functions cannot change what a held change proposes. Only jobs hold a
-- change and remember a book.
REVOKE ALL ON ai_price_book, ai_model_price_changes_held
FROM PUBLIC, allowance_routes, allowance_jobs, allowance_directory;
GRANT SELECT (
    id, provider, model, effective_from, before, proposed, by_source, created_at, decision,
    decided_at
) ON ai_model_price_changes_held TO allowance_routes, allowance_jobs;
GRANT SELECT (reasons, sources, in_book, origin, decided_by_name) ON ai_model_price_changes_held
TO allowance_routes;
GRANT INSERT (
    provider, model, effective_from, before, proposed, reasons, by_source, sources, in_book, origin
) ON ai_model_price_changes_held TO allowance_jobs;
GRANT UPDATE (decision, decided_at, decided_by_name) ON ai_model_price_changes_held
TO allowance_routes, allowance_jobs;
GRANT UPDATE (decided_by) ON ai_model_price_changes_held TO allowance_routes;
GRANT SELECT (location, etag) ON ai_price_book TO allowance_routes, allowance_jobs;
GRANT UPDATE (row_lock) ON ai_price_book TO allowance_routes;
GRANT SELECT (entries), UPDATE (location, etag, entries, seeded_at) ON ai_price_book
TO allowance_jobs;
