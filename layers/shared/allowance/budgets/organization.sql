-- fragment: readable_budgets
        -- The group that a budget is about, or the user, is one that the caller may read.
        AND CASE b.scope
            WHEN 'user'
                THEN %(user_ids)s::uuid [] IS NULL OR b.user_id = ANY(%(user_ids)s::uuid [])
            ELSE %(group_ids)s::uuid [] IS NULL
                OR coalesce(b.group_id, b.organization_id) = ANY(%(group_ids)s::uuid [])
        END

-- name: list_organization_budgets
-- needs: read group each %(group_ids)s in %(organization_id)s
-- needs: read group_member each %(user_ids)s in %(organization_id)s
-- A page of the budgets in force, by name. One row more than the page shows that another page
-- exists.
SELECT ai_budget_document(b) AS budget
FROM ai_budgets AS b
WHERE b.organization_id = %(organization_id)s AND b.ended_at IS NULL
    AND (%(after_name)s::text IS NULL OR b.name > %(after_name)s::text)
        -- include: readable_budgets
ORDER BY b.name
LIMIT %(limit)s::bigint + 1;

-- name: get_organization_budget
-- needs: read group each %(group_ids)s in %(organization_id)s
-- needs: read group_member each %(user_ids)s in %(organization_id)s
-- Return a budget, by its name if it is in force, or by its id.
SELECT ai_budget_document(b) AS budget
FROM ai_budgets AS b
WHERE b.organization_id = %(organization_id)s
    AND (b.id = %(budget_id)s::uuid OR (b.ended_at IS NULL AND b.name = %(budget_name)s::text))
        -- include: readable_budgets
;

-- name: get_organization_budget_spend
-- needs: read group each %(group_ids)s in %(organization_id)s
-- needs: read group_member each %(user_ids)s in %(organization_id)s
-- Return what is spent, held and left of a budget: the total, or a page of members or values, and
-- one more if there is another page.
SELECT b.id AS budget_id, f.period_start, f.period_end,
    CASE WHEN b.per = 'total' THEN jsonb_build_object(
        'limit_micros', f.limit_micros, 'spent_micros', f.spent_micros,
        'reserved_micros', f.reserved_micros,
        'remaining_micros', f.limit_micros - f.spent_micros - f.reserved_micros
    ) END AS total,
    ARRAY(
        SELECT jsonb_build_object(
            'user', CASE
                WHEN b.per = 'member' THEN jsonb_build_object('id', u.id, 'username', u.username)
            END,
            'value', CASE WHEN b.per = 'value' THEN s.subject END,
            'limit_micros', e.limit_micros, 'spent_micros', e.spent_micros,
            'reserved_micros', e.reserved_micros,
            'remaining_micros', e.limit_micros - e.spent_micros - e.reserved_micros
        )
        FROM ai_budget_subjects(
            b.id, t.at, %(user_ids)s::uuid [], %(after_subject)s::text, %(limit)s::bigint + 1
        ) AS s
        CROSS JOIN LATERAL ai_budget_figures(b.id, s.subject, t.at) AS e
        LEFT JOIN users AS u ON b.per = 'member' AND u.id::text = s.subject
        ORDER BY s.subject COLLATE "C"
    ) AS subjects
FROM ai_budgets AS b
CROSS JOIN (SELECT coalesce(%(at)s::timestamptz, now()) AS at) AS t
CROSS JOIN LATERAL ai_budget_figures(b.id, CASE WHEN b.per = 'total' THEN '' END, t.at) AS f
WHERE b.organization_id = %(organization_id)s
    AND (b.id = %(budget_id)s::uuid OR (b.ended_at IS NULL AND b.name = %(budget_name)s::text))
        -- include: readable_budgets
;
