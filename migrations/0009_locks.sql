-- Why: the audit entries of a limit are a chain only if each writer locks the limit before it reads
-- it. The functions lock in one order, and need no right to change what they lock.

-- A statement of a plpgsql function has its own snapshot, so it sees what the lock before it waited
-- for. All writers, imports and cascades lock in this order, so no two wait in a circle:
--   1. the group, or the groups that an import deletes
--   2. the user, or the users who lose a membership or an override in an import
--   3. the membership of the organization
--   4. the membership of the group
--   5. the override

-- Lock the budget of a group. Returns the group, unless its organization is deleted.
CREATE FUNCTION lock_group_ai_budget(p_group_id uuid)
RETURNS TABLE (id uuid, organization_id uuid) ROWS 1
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM FROM groups AS g WHERE g.id = p_group_id FOR NO KEY UPDATE;
    -- An import or a route holds the group. An operator at a prompt does not.
    PERFORM FROM group_ai_budgets AS b WHERE b.group_id = p_group_id FOR UPDATE;
    RETURN QUERY
    SELECT g.id, g.organization_id
    FROM groups AS g
    JOIN organizations AS o ON o.id = g.organization_id
    WHERE g.id = p_group_id AND o.deleted_at IS NULL;
END
$$;

-- Lock the override of a user. With a group also lock what an override of that group refers to.
-- The lock on the user serves users without an override. Returns whether there is an override. One
-- whose time is over ends here: it meets no precondition, and its group's right is not needed.
CREATE FUNCTION lock_user_ai_budget_override(p_user_id uuid, p_group_id uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM FROM groups AS g WHERE g.id = p_group_id FOR KEY SHARE;
    PERFORM FROM users AS u WHERE u.id = p_user_id FOR NO KEY UPDATE;
    PERFORM FROM organization_members AS om
    WHERE om.user_id = p_user_id AND om.organization_id = (
        SELECT g.organization_id FROM groups AS g WHERE g.id = p_group_id
    )
    FOR KEY SHARE;
    -- Without the membership of the organization, this lock would come before that one: an operator
    -- may have inserted both since the statement above.
    IF FOUND THEN
        PERFORM FROM group_members AS gm
        WHERE gm.user_id = p_user_id AND gm.group_id = p_group_id
        FOR KEY SHARE;
    END IF;
    PERFORM FROM user_ai_budget_overrides AS v WHERE v.user_id = p_user_id FOR UPDATE;
    RETURN FOUND AND NOT end_expired_override(p_user_id);
END
$$;

REVOKE ALL ON FUNCTION lock_group_ai_budget(uuid), lock_user_ai_budget_override(uuid, uuid)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lock_group_ai_budget(uuid), lock_user_ai_budget_override(uuid, uuid)
TO allowance_routes;
