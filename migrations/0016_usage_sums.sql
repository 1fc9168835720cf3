-- Why: sums of usage add quantities by unit, and amounts that may be missing, and they are kept by
-- label set. record_ai_usage and RerateUsage use these functions.

-- Return the sums of two objects of other units, by unit. `{}` if nothing is left.
CREATE FUNCTION ai_other_units_added(one jsonb, other jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(jsonb_object_agg(u.unit, u.quantity), '{}')
    FROM (
        SELECT each.key AS unit, sum(each.value::numeric) AS quantity
        FROM (
            SELECT * FROM jsonb_each_text(one) UNION ALL SELECT * FROM jsonb_each_text(other)
        ) AS each
        GROUP BY each.key
        HAVING sum(each.value::numeric) <> 0
    ) AS u
$$;

-- The sums by unit of many of them. It skips NULL without a call: tokens alone cost nothing.
CREATE AGGREGATE ai_other_units_sum(jsonb) (
    SFUNC = ai_other_units_added, STYPE = jsonb, PARALLEL = SAFE,
    COMBINEFUNC = ai_other_units_added
);

-- Sums of the entries of one batch, for which a bigint is large enough. Most groups have one entry,
-- so these are quicker than sum(), which prepares for many.
CREATE AGGREGATE ai_counts(bigint) (
    SFUNC = int8pl, STYPE = bigint, INITCOND = '0', PARALLEL = SAFE, COMBINEFUNC = int8pl
);
CREATE AGGREGATE ai_amounts(numeric) (
    SFUNC = numeric_add, STYPE = numeric, PARALLEL = SAFE, COMBINEFUNC = numeric_add
);

-- Return the sum of two sums, either of which may be NULL: nothing was added to it yet. PostgreSQL
-- puts their body in place of a call.
CREATE FUNCTION ai_sums_added(one numeric, other numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN coalesce(one + other, one, other);
CREATE FUNCTION ai_unit_sums_added(one jsonb, other jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN nullif(coalesce(ai_other_units_added(one, other), one, other), '{}');

REVOKE ALL ON FUNCTION ai_other_units_added(jsonb, jsonb), ai_other_units_sum(jsonb),
ai_counts(bigint), ai_amounts(numeric),
ai_sums_added(numeric, numeric), ai_unit_sums_added(jsonb, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ai_other_units_sum(jsonb) TO allowance_routes, allowance_jobs;
GRANT EXECUTE ON FUNCTION ai_other_units_added(jsonb, jsonb) TO allowance_jobs;

-- Return the id of a label set: the first half of the SHA-256 of its text as jsonb, whose keys are
-- in one order. The empty set has the nil UUID.
CREATE FUNCTION ai_label_set_id(labels jsonb) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE
    WHEN labels = '{}' THEN '00000000-0000-0000-0000-000000000000'
    ELSE encode(substring(sha256(convert_to(labels::text, 'UTF8')) FROM 1 FOR 16), 'hex')
END::uuid;

-- The labels of each set that is in a sum. The set `other` has no row: its labels are not known.
CREATE TABLE ai_label_sets (
    id uuid PRIMARY KEY,
    labels jsonb NOT NULL,
    CONSTRAINT ai_label_sets_id CHECK (id = ai_label_set_id(labels)),
    CONSTRAINT ai_label_sets_object CHECK (jsonb_typeof(labels) = 'object')
);
INSERT INTO ai_label_sets (id, labels) VALUES (ai_label_set_id('{}'), '{}');

-- The sets that the sums of an organization and UTC day may have, beside the empty one. A row stays
-- forever, so a correction counts under the set of its usage.
CREATE TABLE ai_label_sets_of_day (
    organization_id uuid NOT NULL,
    day date NOT NULL,
    label_set_id uuid NOT NULL,
    PRIMARY KEY (organization_id, day, label_set_id)
);

-- The id of `other`, the set in the sums of what came after the first 1,000 sets of its day.
CREATE FUNCTION ai_other_label_set() RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN '00000000-0000-0000-0000-000000000001'::uuid;

-- Return the label sets that a batch uses, by organization and UTC day: `place` is where the batch
-- has the set, and `is_new` says that the day does not have it yet.
CREATE FUNCTION ai_label_sets_used(
    p_ids uuid [], p_label_sets_of bigint [], p_organization_ids uuid [], p_persons bigint [],
    p_moments timestamptz []
) RETURNS TABLE (
    organization_id uuid, day date, label_set_id uuid, place bigint, is_new boolean
)
LANGUAGE sql STABLE AS $$
    SELECT u.organization_id, u.day, u.label_set_id, u.place,
        NOT EXISTS (
            SELECT 1 FROM ai_label_sets_of_day AS d
            WHERE d.organization_id = u.organization_id AND d.day = u.day
                AND d.label_set_id = u.label_set_id
        )
    FROM (
        SELECT p_organization_ids[e.person::integer] AS organization_id,
            (e.occurred_at AT TIME ZONE 'UTC')::date AS day,
            p_ids[e.place::integer] AS label_set_id, min(e.place) AS place
        FROM unnest(p_label_sets_of, p_persons, p_moments) AS e (place, person, occurred_at)
        WHERE e.place > 0
        GROUP BY 1, 2, 3
    ) AS u
$$;

-- Return the label set in the sums of each entry, NULL for an entry without labels, and register
-- the sets that are new. Only writers of a new set wait for each other, per organization and day,
-- until the day is full. Sets are written in the order of their ids: no two wait in a circle.
CREATE FUNCTION ai_label_sets_in_sums(
    p_label_sets jsonb, p_label_sets_of bigint [], p_organization_ids uuid [], p_persons bigint [],
    p_moments timestamptz []
) RETURNS uuid []
LANGUAGE plpgsql AS $$
DECLARE
    c_most CONSTANT bigint := 1000;
    v_ids uuid [];
BEGIN
    SELECT array_agg(ai_label_set_id(s.labels) ORDER BY s.place) INTO v_ids
    FROM jsonb_array_elements(p_label_sets) WITH ORDINALITY AS s (labels, place);
    PERFORM pg_advisory_xact_lock(
        hashtextextended(format('ai_label_sets %s %s', n.organization_id, n.day), 0)
    )
    FROM (
        SELECT DISTINCT u.organization_id, u.day
        FROM ai_label_sets_used(v_ids, p_label_sets_of, p_organization_ids, p_persons, p_moments)
            AS u
        WHERE u.is_new
        ORDER BY u.organization_id, u.day
    ) AS n
    WHERE (
        SELECT count(*) FROM ai_label_sets_of_day AS d
        WHERE d.organization_id = n.organization_id AND d.day = n.day
    ) < c_most;
    IF FOUND THEN
        -- Another statement: it sees what the lock waited for.
        WITH fresh AS MATERIALIZED (
            SELECT u.organization_id, u.day, u.label_set_id, u.place,
                row_number() OVER (PARTITION BY u.organization_id, u.day ORDER BY u.place)
                    AS number
            FROM ai_label_sets_used(
                v_ids, p_label_sets_of, p_organization_ids, p_persons, p_moments
            ) AS u
            WHERE u.is_new
        ),
        days AS MATERIALIZED (
            SELECT n.organization_id, n.day,
                (
                    SELECT count(*) FROM ai_label_sets_of_day AS d
                    WHERE d.organization_id = n.organization_id AND d.day = n.day
                ) AS sets
            FROM (SELECT DISTINCT f.organization_id, f.day FROM fresh AS f) AS n
        ),
        admitted AS MATERIALIZED (
            SELECT f.organization_id, f.day, f.label_set_id, f.place
            FROM fresh AS f
            JOIN days AS d ON d.organization_id = f.organization_id AND d.day = f.day
            WHERE d.sets + f.number <= c_most
        ),
        registered AS (
            INSERT INTO ai_label_sets (id, labels)
            SELECT DISTINCT a.label_set_id, p_label_sets -> (a.place::integer - 1)
            FROM admitted AS a
            ORDER BY a.label_set_id
            ON CONFLICT (id) DO NOTHING
        )
        INSERT INTO ai_label_sets_of_day (organization_id, day, label_set_id)
        SELECT a.organization_id, a.day, a.label_set_id FROM admitted AS a;
    END IF;
    RETURN ARRAY(
        SELECT CASE WHEN e.place IS NOT NULL
            THEN coalesce(d.label_set_id, ai_other_label_set())
        END
        FROM unnest(p_label_sets_of, p_persons, p_moments)
            WITH ORDINALITY AS e (place, person, occurred_at, number)
        LEFT JOIN ai_label_sets_of_day AS d
            ON d.organization_id = p_organization_ids[e.person::integer]
            AND d.day = (e.occurred_at AT TIME ZONE 'UTC')::date
            AND d.label_set_id = v_ids[e.place::integer]
        ORDER BY e.number
    );
END
$$;

REVOKE ALL ON ai_label_sets, ai_label_sets_of_day
FROM PUBLIC, allowance_routes, allowance_jobs, allowance_directory;
REVOKE ALL ON FUNCTION ai_label_set_id(jsonb), ai_other_label_set(),
ai_label_sets_used(uuid [], bigint [], uuid [], bigint [], timestamptz []),
ai_label_sets_in_sums(jsonb, bigint [], uuid [], bigint [], timestamptz []) FROM PUBLIC;
GRANT SELECT ON ai_label_sets TO allowance_routes, allowance_jobs;

GRANT SELECT (starts_at, organization_id, provider, model, unpriced_usage_count)
ON ai_usage_quarter_hourly TO allowance_jobs;
