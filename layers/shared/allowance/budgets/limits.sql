-- fragment: precondition
        -- The version that is there, in `before.updated_at`, meets If-Match and If-None-Match.
        AND (NOT %(must_exist)s OR before.updated_at IS NOT NULL)
        AND (NOT %(must_be_absent)s OR before.updated_at IS NULL)
        AND (
            %(versions)s::timestamptz[] IS NULL
            OR coalesce(before.updated_at = ANY(%(versions)s::timestamptz[]), false)
        )
        AND coalesce(before.updated_at <> ALL(%(excluded_versions)s::timestamptz[]), true)
