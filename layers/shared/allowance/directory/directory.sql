-- name: lock_directory
-- One import at a time: two would see each other's names half-made. Released with the transaction.
SELECT pg_try_advisory_xact_lock(hashtext('allowance.directory')) AS locked;

-- name: name_importer
-- For the triggers of this transaction that write to the audit log: an override that goes with a
-- membership.
SELECT
    set_config('allowance.actor_name', %(actor_name)s, true) AS actor_name,
    set_config('allowance.request_id', %(request_id)s, true) AS request_id;

-- name: known_directory
-- What is there of what a document speaks of, names with their ids.
SELECT
    coalesce(
        (
            SELECT jsonb_object_agg(o.name, o.id)
            FROM organizations AS o
            WHERE o.name = ANY(%(organizations)s) AND o.deleted_at IS NULL
        ),
        '{}'
    ) AS organizations,
    ARRAY(
        SELECT o.id FROM organizations AS o WHERE o.id = ANY(%(organization_ids)s)
            AND o.deleted_at IS NULL
    ) AS organization_ids,
    coalesce(
        (
            SELECT jsonb_object_agg(o.name || '/' || g.name, g.id)
            FROM groups AS g
            JOIN organizations AS o ON o.id = g.organization_id
            WHERE o.name = ANY(%(organizations)s) AND o.deleted_at IS NULL
        ),
        '{}'
    ) AS groups,
    coalesce(
        (
            SELECT jsonb_agg(jsonb_build_object('id', u.id, 'username', u.username, 'email',
                u.email, 'status', u.status))
            FROM users AS u
            WHERE u.username = ANY(%(usernames)s)
                OR lower(u.email) = ANY(%(emails)s)
                OR lower(u.email) IN (SELECT lower(n.email) FROM users AS n
                    WHERE n.username = ANY(%(usernames)s))
        ),
        '[]'
    ) AS accounts,
    ARRAY(
        SELECT u.username || '/' || t.name
        FROM api_tokens AS t
        JOIN users AS u ON u.id = t.user_id
        WHERE u.username = ANY(%(usernames)s)
    ) AS tokens;

-- name: lock_dropped_groups
-- Whoever is changing a budget of a group that the document drops goes first, so that the audit log
-- keeps its chain.
SELECT g.id, g.organization_id
FROM jsonb_array_elements(%(document)s::jsonb -> 'organizations') AS e
JOIN organizations AS o ON o.name = e ->> 'name' AND o.deleted_at IS NULL
JOIN groups AS g ON g.organization_id = o.id AND g.id <> o.id
WHERE e ? 'groups' AND NOT e -> 'groups' ? g.name
ORDER BY g.id
FOR UPDATE OF g;

-- name: directory_snapshot
-- Everything that an import may touch, as the audit log tells it. Taken before and after; what
-- differs is a change. Of budgets, only those of the groups that are dropped, which are locked:
-- others may be changing the rest meanwhile.
SELECT
    'organization' AS resource_type, o.id::text AS resource_id, o.id AS organization_id,
    NULL::uuid AS group_id, NULL::uuid AS user_id,
    jsonb_build_object('name', o.name, 'is_default', o.is_default) AS state
FROM organizations AS o
WHERE o.deleted_at IS NULL AND (o.name = ANY(%(organizations)s) OR o.is_default)
UNION ALL
SELECT 'group', g.id::text, o.id, g.id, NULL, jsonb_build_object('name', g.name) || CASE
    WHEN g.id = ANY(%(dropped)s::uuid[]) THEN jsonb_build_object('members', ARRAY(
        SELECT u.username
        FROM group_members AS gm
        JOIN users AS u ON u.id = gm.user_id
        WHERE gm.group_id = g.id
        ORDER BY u.username
    ))
    ELSE '{}'
END
FROM groups AS g
JOIN organizations AS o ON o.id = g.organization_id
WHERE o.deleted_at IS NULL AND o.name = ANY(%(organizations)s)
UNION ALL
SELECT 'group_ai_budget', g.id::text, o.id, g.id, NULL,
    jsonb_build_object('spend_limit_micros', b.spend_limit_micros)
FROM group_ai_budgets AS b
JOIN groups AS g ON g.id = b.group_id
JOIN organizations AS o ON o.id = g.organization_id
WHERE g.id = ANY(%(dropped)s::uuid[])
UNION ALL
SELECT 'user', u.id::text, NULL, NULL, u.id, jsonb_build_object(
    'username', u.username, 'email', u.email, 'status', u.status, 'roles', u.roles
)
FROM users AS u
WHERE u.username = ANY(%(usernames)s)
UNION ALL
SELECT 'organization_member', u.id::text, o.id, NULL, u.id, jsonb_build_object(
    'roles', om.roles,
    'groups', ARRAY(
        SELECT g.name
        FROM group_members AS gm
        JOIN groups AS g ON g.id = gm.group_id
        WHERE gm.user_id = u.id AND g.organization_id = o.id
        ORDER BY g.name
    )
)
FROM organization_members AS om
JOIN users AS u ON u.id = om.user_id
JOIN organizations AS o ON o.id = om.organization_id
WHERE u.username = ANY(%(usernames)s)
UNION ALL
SELECT 'api_token', t.id, NULL, NULL, u.id, jsonb_build_object(
    'name', t.name, 'scope', t.scope, 'expires_at', t.expires_at, 'revoked',
    t.revoked_at IS NOT NULL
)
FROM api_tokens AS t
JOIN users AS u ON u.id = t.user_id
WHERE u.username = ANY(%(usernames)s);

-- name: insert_organizations
-- The Everyone group of each comes with it, by a trigger.
INSERT INTO organizations (name)
SELECT e ->> 'name'
FROM jsonb_array_elements(%(document)s::jsonb -> 'organizations') AS e
WHERE NOT coalesce((e ->> 'deleted')::boolean, false)
    AND NOT EXISTS (SELECT 1 FROM organizations AS o WHERE o.name = e ->> 'name'
        AND o.deleted_at IS NULL);

-- name: delete_organizations
-- Softly: what hangs on it stays to be read in the database, and counts for nothing. Its name is
-- free again.
UPDATE organizations AS o SET deleted_at = now(), is_default = false
FROM jsonb_array_elements(%(document)s::jsonb -> 'organizations') AS e
WHERE o.name = e ->> 'name' AND o.deleted_at IS NULL AND (e ->> 'deleted')::boolean;

-- name: clear_default_organization
-- Before another is set: there is at most one.
UPDATE organizations AS o SET is_default = false
FROM jsonb_array_elements(%(document)s::jsonb -> 'organizations') AS e
WHERE o.is_default AND (e ->> 'is_default')::boolean <> (e ->> 'name' = o.name)
    AND ((e ->> 'is_default')::boolean OR e ->> 'name' = o.name);

-- name: set_default_organization
-- The one that the document names, if it names one.
UPDATE organizations AS o SET is_default = true
FROM jsonb_array_elements(%(document)s::jsonb -> 'organizations') AS e
WHERE o.name = e ->> 'name' AND o.deleted_at IS NULL AND (e ->> 'is_default')::boolean
    AND NOT o.is_default;

-- name: delete_groups
-- Those that an organization's list leaves out, with their budgets and memberships.
DELETE FROM groups AS g
USING jsonb_array_elements(%(document)s::jsonb -> 'organizations') AS e
JOIN organizations AS o ON o.name = e ->> 'name' AND o.deleted_at IS NULL
WHERE g.organization_id = o.id AND g.id <> o.id AND e ? 'groups' AND NOT e -> 'groups' ? g.name;

-- name: insert_groups
-- Those that are new.
INSERT INTO groups (organization_id, name)
SELECT o.id, listed.group_name
FROM jsonb_array_elements(%(document)s::jsonb -> 'organizations') AS e
CROSS JOIN jsonb_array_elements_text(e -> 'groups') AS listed (group_name)
JOIN organizations AS o ON o.name = e ->> 'name' AND o.deleted_at IS NULL
ON CONFLICT (organization_id, name) DO NOTHING;

-- name: insert_users
-- Names only: the rest is set by update_users, for new users and old ones alike.
INSERT INTO users (username)
SELECT e ->> 'username'
FROM jsonb_array_elements(%(document)s::jsonb -> 'users') AS e
ON CONFLICT (username) DO NOTHING;

-- name: free_emails
-- An address that changes hands within one document is let go before it is taken.
UPDATE users AS u SET email = NULL
FROM jsonb_array_elements(%(accounts)s::jsonb) AS e
WHERE u.username = e ->> 'username' AND (u.email, u.status) IS DISTINCT
    FROM (e ->> 'email', e ->> 'status');

-- name: update_users
-- Addresses and statuses as they shall be, roles where the document gives them.
UPDATE users AS u
SET email = e ->> 'email',
    status = e ->> 'status',
    roles = CASE WHEN e ? 'roles' THEN ARRAY(SELECT jsonb_array_elements_text(e -> 'roles'))
    ELSE u.roles END,
    updated_at = now()
FROM jsonb_array_elements(%(accounts)s::jsonb) AS e
WHERE u.username = e ->> 'username'
    AND (
        (u.email, u.status) IS DISTINCT FROM (e ->> 'email', e ->> 'status')
        OR (e ? 'roles' AND to_jsonb(u.roles) <> e -> 'roles')
    );

-- name: delete_organization_members
-- Organizations that a user's list leaves out, with the memberships of their groups.
DELETE FROM organization_members AS om
USING jsonb_array_elements(%(document)s::jsonb -> 'users') AS e, users AS u
WHERE u.username = e ->> 'username' AND e ? 'organizations' AND om.user_id = u.id
    AND NOT EXISTS (
        SELECT 1
        FROM jsonb_array_elements(e -> 'organizations') AS m
        JOIN organizations AS o ON o.name = m ->> 'name' AND o.deleted_at IS NULL
        WHERE o.id = om.organization_id
    );

-- name: delete_group_members
-- Groups that a user's list leaves out. Where an organization comes without a list of groups, they
-- are left as they are.
DELETE FROM group_members AS gm
USING
    jsonb_array_elements(%(document)s::jsonb -> 'users') AS e,
    jsonb_array_elements(e -> 'organizations') AS m,
    users AS u,
    organizations AS o,
    groups AS g
WHERE u.username = e ->> 'username' AND o.name = m ->> 'name' AND o.deleted_at IS NULL
    AND gm.user_id = u.id AND gm.organization_id = o.id AND g.id = gm.group_id
    AND m ? 'groups' AND NOT m -> 'groups' ? g.name;

-- name: insert_organization_members
-- Of several that are joined at once, the one that is listed first counts as the earliest.
INSERT INTO organization_members (organization_id, user_id, joined_at)
SELECT o.id, u.id, now() + m.place * interval '1 microsecond'
FROM jsonb_array_elements(%(document)s::jsonb -> 'users') AS e
CROSS JOIN jsonb_array_elements(e -> 'organizations') WITH ORDINALITY AS m (entry, place)
JOIN users AS u ON u.username = e ->> 'username'
JOIN organizations AS o ON o.name = m.entry ->> 'name' AND o.deleted_at IS NULL
ON CONFLICT (organization_id, user_id) DO NOTHING;

-- name: update_organization_members
-- Roles, where the document gives them.
UPDATE organization_members AS om
SET roles = ARRAY(SELECT jsonb_array_elements_text(m -> 'roles'))
FROM jsonb_array_elements(%(document)s::jsonb -> 'users') AS e
CROSS JOIN jsonb_array_elements(e -> 'organizations') AS m
JOIN users AS u ON u.username = e ->> 'username'
JOIN organizations AS o ON o.name = m ->> 'name' AND o.deleted_at IS NULL
WHERE om.user_id = u.id AND om.organization_id = o.id AND m ? 'roles'
    AND to_jsonb(om.roles) <> m -> 'roles';

-- name: insert_group_members
-- Those that are new. Which organization that is, a trigger fills in.
INSERT INTO group_members (group_id, user_id)
SELECT g.id, u.id
FROM jsonb_array_elements(%(document)s::jsonb -> 'users') AS e
CROSS JOIN jsonb_array_elements(e -> 'organizations') AS m
CROSS JOIN jsonb_array_elements_text(m -> 'groups') AS listed (group_name)
JOIN users AS u ON u.username = e ->> 'username'
JOIN organizations AS o ON o.name = m ->> 'name' AND o.deleted_at IS NULL
JOIN groups AS g ON g.organization_id = o.id AND g.name = listed.group_name
ON CONFLICT (group_id, user_id) DO NOTHING;

-- name: insert_tokens
-- New tokens, by the hash of their secret.
INSERT INTO api_tokens (id, user_id, name, secret_sha256, scope, expires_at)
SELECT e ->> 'id', u.id, e ->> 'name', decode(e ->> 'secret_sha256', 'hex'),
    nullif(e -> 'scope', 'null'), (e ->> 'expires_at')::timestamptz
FROM jsonb_array_elements(%(tokens)s::jsonb) AS e
JOIN users AS u ON u.username = e ->> 'username';

-- name: revoke_tokens
-- Once revoked, the time of it stays.
UPDATE api_tokens AS t SET revoked_at = now()
FROM jsonb_array_elements(%(document)s::jsonb -> 'tokens') AS e
JOIN users AS u ON u.username = e ->> 'username'
WHERE t.user_id = u.id AND t.name = e ->> 'name' AND (e ->> 'revoked')::boolean
    AND t.revoked_at IS NULL;

-- name: insert_audit_entries
-- What an import changed, an entry each.
INSERT INTO audit_log (
    actor_name, action, resource_type, resource_id, organization_id, group_id, user_id, before,
    after, request_id
)
SELECT
    %(actor_name)s, e ->> 'action', e ->> 'resource_type',
    e ->> 'resource_id', (e ->> 'organization_id')::uuid,
    (e ->> 'group_id')::uuid, (e ->> 'user_id')::uuid, nullif(e -> 'before', 'null'),
    nullif(e -> 'after', 'null'),
    %(request_id)s
FROM jsonb_array_elements(%(entries)s::jsonb) AS e;
