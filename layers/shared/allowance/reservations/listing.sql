-- fragment: visible_reservation
    (
        %(organization_ids)s::uuid [] IS NULL
        OR r.maker_id = %(caller_id)s::uuid OR r.user_id = %(caller_id)s::uuid
        OR r.organization_id = ANY(%(organization_ids)s::uuid [])
    )

-- fragment: page_of_reservations
    -- In a state now, after the page before, the latest first.
    AND (
        %(reservation_state)s::text IS NULL
        OR r.state = CASE %(reservation_state)s::text
            WHEN 'expired' THEN 'held' ELSE %(reservation_state)s::text
        END
    )
    AND (%(reservation_state)s::text IS DISTINCT FROM 'held' OR r.expires_at > now())
    AND (%(reservation_state)s::text IS DISTINCT FROM 'expired' OR r.expires_at <= now())
    AND (
        %(after_reservation)s::uuid IS NULL
        OR (r.granted_at, r.id) < (%(after_granted_at)s::timestamptz, %(after_reservation)s::uuid)
    )
    ORDER BY r.granted_at DESC, r.id DESC
    LIMIT %(limit)s::bigint + 1

-- name: get_reservation
-- needs: read user %(caller_id)s
-- needs: read group_member in each %(organization_ids)s
-- Return a reservation, if the caller made it, if it is for the caller, or if it is in one of the
-- organizations whose members' spend the caller may read; no organizations: in any.
WITH listed AS (
    SELECT r.granted_at, r.id
    FROM ai_reservations AS r
    WHERE r.granted_at = %(granted_at)s::timestamptz AND r.id = %(reservation_id)s::uuid AND
    -- include: visible_reservation
)
-- include: reservations_as_shown

-- name: list_reservations
-- needs: read user %(caller_id)s
-- needs: read group_member in each %(organization_ids)s
-- A page of the reservations that the caller made, of those for the caller, and of those in
-- organizations whose members' spend the caller may read; no organizations: of all. The latest
-- first; one row more than the page tells whether there is another.
-- Each part reads a page by an index of its own. A part whose condition is false for the parameters
-- is not in the plan.
WITH scanned AS (
    -- Of all, or in a state that few have.
    SELECT r.granted_at, r.id
    FROM ai_reservations AS r
    WHERE %(named_username)s::text IS NULL
        AND (
            %(organization_ids)s::uuid [] IS NULL
            OR %(reservation_state)s::text IN ('held', 'expired', 'released')
        )
        AND
    -- include: visible_reservation
    -- include: page_of_reservations
),
of_user AS (
    SELECT r.granted_at, r.id
    FROM ai_reservations AS r
    WHERE r.user_id = (
            SELECT u.id FROM users AS u
            WHERE u.id = %(named_user_id)s::uuid OR u.username = %(named_username)s::text
        )
        AND %(named_username)s::text IS NOT NULL
        AND
    -- include: visible_reservation
    -- include: page_of_reservations
),
visible AS (
    SELECT each.granted_at, each.id
    FROM unnest(%(organization_ids)s::uuid []) AS o (id)
    CROSS JOIN LATERAL (
        SELECT r.granted_at, r.id
        FROM ai_reservations AS r
        WHERE r.organization_id = o.id
    -- include: page_of_reservations
    ) AS each
    UNION
    (
        SELECT r.granted_at, r.id
        FROM ai_reservations AS r
        WHERE r.maker_id = %(caller_id)s::uuid
    -- include: page_of_reservations
    )
    UNION
    (
        SELECT r.granted_at, r.id
        FROM ai_reservations AS r
        WHERE r.user_id = %(caller_id)s::uuid
    -- include: page_of_reservations
    )
),
listed AS (
    SELECT s.granted_at, s.id FROM scanned AS s
    UNION ALL
    SELECT u.granted_at, u.id FROM of_user AS u
    UNION ALL
    SELECT v.granted_at, v.id FROM visible AS v
    WHERE %(named_username)s::text IS NULL
        AND %(organization_ids)s::uuid [] IS NOT NULL
        AND coalesce(%(reservation_state)s::text, 'settled') = 'settled'
    ORDER BY granted_at DESC, id DESC
    LIMIT %(limit)s::bigint + 1
)
-- include: reservations_as_shown

-- fragment: reservations_as_shown
-- An open reservation that has expired holds nothing.
SELECT r.id AS reservation_id,
    CASE WHEN r.state = 'held' AND r.expires_at <= now() THEN 'expired' ELSE r.state END
        AS state,
    CASE WHEN u.id IS NOT NULL THEN jsonb_build_object('id', u.id, 'username', u.username) END
        AS "user",
    nullif(r.group_id, '00000000-0000-0000-0000-000000000000') AS group_id, r.provider,
    r.model, r.variant, coalesce(r.labels, '{}') AS labels, r.estimate_micros,
    coalesce(h.amount_micros, 0) AS reserved_micros,
    r.settled_micros, greatest(r.settled_micros - r.estimate_micros, 0) AS overrun_micros,
    r.granted_at, r.expires_at, r.closed_at, (
        SELECT coalesce(
            jsonb_agg(
                jsonb_build_object(
                    'budget_id', b.id, 'name', b.name,
                    'subject', CASE WHEN b.per <> 'total' THEN bh.subject END,
                    'reserved_micros', bh.amount_micros
                ) ORDER BY b.name, b.id
            ),
            '[]'
        )
        FROM jsonb_to_recordset(r.holds) AS held (budget_id uuid, subject text, slice bigint)
        JOIN ai_budget_holds AS bh
            ON bh.budget_id = held.budget_id AND bh.subject = held.subject COLLATE "C"
            AND bh.slice = held.slice AND bh.expires_at = r.expires_at
            AND bh.reservation_id = r.id AND bh.expires_at > now()
        JOIN ai_budgets AS b ON b.id = bh.budget_id
    ) AS holds, (
        SELECT coalesce(
            jsonb_agg(
                jsonb_build_object(
                    'source', s.source, 'id', s.source_id, 'cost_micros', s.cost_micros
                ) ORDER BY s.settled_at, s.source, s.source_id
            ),
            '[]'
        )
        FROM ai_reservation_settlements AS s
        WHERE s.granted_at = r.granted_at AND s.reservation_id = r.id
    ) AS settled
FROM listed AS l
JOIN ai_reservations AS r ON r.granted_at = l.granted_at AND r.id = l.id
LEFT JOIN users AS u ON u.id = r.user_id
LEFT JOIN ai_reservation_holds AS h
    ON h.user_id = r.user_id AND h.expires_at = r.expires_at AND h.reservation_id = r.id
    AND h.expires_at > now()
ORDER BY r.granted_at DESC, r.id DESC;
