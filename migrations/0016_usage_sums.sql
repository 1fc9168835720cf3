-- Why: sums of usage add quantities by unit, and amounts that may be missing. record_ai_usage and
-- RerateUsage add them by these functions.

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

-- Return the sum of two sums, either of which may be NULL: nothing was added to it yet. PostgreSQL
-- puts their body in place of a call.
CREATE FUNCTION ai_sums_added(one numeric, other numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN coalesce(one + other, one, other);
CREATE FUNCTION ai_unit_sums_added(one jsonb, other jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN nullif(coalesce(ai_other_units_added(one, other), one, other), '{}');

REVOKE ALL ON FUNCTION ai_other_units_added(jsonb, jsonb), ai_other_units_sum(jsonb),
ai_sums_added(numeric, numeric), ai_unit_sums_added(jsonb, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ai_other_units_added(jsonb, jsonb), ai_other_units_sum(jsonb)
TO allowance_jobs;
