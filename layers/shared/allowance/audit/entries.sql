-- fragment: audit_entries
    -- Write an audit entry for each row of `audited`, in the statement of the change.
    INSERT INTO audit_log (
        actor_id, actor_name, action, resource_type, resource_id, organization_id, group_id,
        user_id, before, after, request_id, token_id
    )
    SELECT %(actor_id)s, %(actor_name)s, a.action, a.resource_type, a.resource_id,
        a.organization_id, a.group_id, a.user_id, a.before, a.after, %(request_id)s,
        %(token_id)s
    FROM audited AS a
