-- Why: every decision about a budget starts from the directory: which users exist, where each one
-- belongs, and with which roles.

CREATE TABLE organizations (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name text NOT NULL
        CONSTRAINT organizations_name_length CHECK (char_length(name) BETWEEN 1 AND 255),
    external_id text
        CONSTRAINT organizations_external_id_length
        CHECK (char_length(external_id) BETWEEN 1 AND 255),
    is_default boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    CONSTRAINT organizations_default_is_alive CHECK (NOT (is_default AND deleted_at IS NOT NULL))
);

-- A new organization may use the name of a deleted one.
CREATE UNIQUE INDEX organizations_name_key ON organizations (name) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX organizations_external_id_key ON organizations (external_id)
WHERE external_id IS NOT NULL AND deleted_at IS NULL;
CREATE UNIQUE INDEX organizations_default_key ON organizations (is_default) WHERE is_default;

-- Deleting a user sets the status and keeps the row: spend and audit entries refer to it.
CREATE TABLE users (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    username text NOT NULL CONSTRAINT users_username_key UNIQUE
        CONSTRAINT users_username_format CHECK (
            username ~ '^[a-z0-9][a-z0-9-]{0,63}$'
            AND username <> 'me'
            AND username !~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
        ),
    user_name text -- As an identity provider writes it: an address, dots, capitals.
        CONSTRAINT users_user_name_length CHECK (char_length(user_name) BETWEEN 1 AND 255),
    -- The id in the system that provides the user. Those of different organizations may give the
    -- same id to different users.
    external_id text
        CONSTRAINT users_external_id_length CHECK (char_length(external_id) BETWEEN 1 AND 255),
    display_name text
        CONSTRAINT users_display_name_length CHECK (char_length(display_name) BETWEEN 1 AND 255),
    email text,
    status text NOT NULL DEFAULT 'active'
        CONSTRAINT users_status CHECK (status IN ('active', 'suspended', 'deleted')),
    roles text [] NOT NULL DEFAULT '{}',
    -- The group that the user's calls count for if they name none. The user is a member of it: a
    -- trigger on the memberships clears it.
    primary_group_id uuid,
    -- Everything that a search looks into, in lower case. A search has no line break, so it never
    -- matches across two names.
    search_text text NOT NULL GENERATED ALWAYS AS (
        lower(
            username || chr(10) || coalesce(user_name, '') || chr(10) || coalesce(email, '')
            || chr(10) || coalesce(display_name, '')
        )
    ) STORED,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- A new user may use the address of a deleted one.
CREATE UNIQUE INDEX users_email_key ON users (lower(email)) WHERE status <> 'deleted';
-- A deleted user keeps the name: usage from before finds the user by it.
CREATE UNIQUE INDEX users_user_name_key ON users (lower(user_name)) WHERE user_name IS NOT NULL;
CREATE INDEX users_external_id_idx ON users (external_id) WHERE external_id IS NOT NULL;
-- Totals leave deleted users out. There are few of them.
CREATE INDEX users_deleted_idx ON users (id) WHERE status = 'deleted';

CREATE TABLE organization_members (
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    roles text [] NOT NULL DEFAULT '{}',
    joined_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, user_id)
);

-- An index-only scan finds the organizations of a user.
CREATE UNIQUE INDEX organization_members_user_id_organization_id_key
ON organization_members (user_id, organization_id) INCLUDE (joined_at);
-- An alert names the administrators: few members of an organization have a role in it.
CREATE INDEX organization_members_roles_idx ON organization_members (organization_id)
WHERE roles <> '{}';

CREATE TABLE groups (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    -- Collation C gives the same order of names in every locale. Pages follow the key below.
    name text COLLATE "C" NOT NULL
        CONSTRAINT groups_name_length CHECK (char_length(name) BETWEEN 1 AND 255),
    external_id text
        CONSTRAINT groups_external_id_length CHECK (char_length(external_id) BETWEEN 1 AND 255),
    created_at timestamptz NOT NULL DEFAULT now(),
    -- A role may lock a row only if it may update one of its columns. This column has no content,
    -- so the right to update it is the right to lock rows and nothing else.
    row_lock boolean GENERATED ALWAYS AS (NULL::boolean) STORED,
    CONSTRAINT groups_organization_id_name_key UNIQUE (organization_id, name),
    CONSTRAINT groups_everyone_has_the_id_of_its_organization
        CHECK ((name = 'Everyone') = (id = organization_id))
);

CREATE UNIQUE INDEX groups_organization_id_external_id_key ON groups (organization_id, external_id)
WHERE external_id IS NOT NULL;
-- Foreign keys refer to this index to prove that a row names a group's own organization.
CREATE UNIQUE INDEX groups_id_organization_id_key ON groups (id, organization_id);

CREATE FUNCTION set_updated_at() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    new.updated_at := now();
    RETURN new;
END
$$;

CREATE TRIGGER organizations_set_updated_at BEFORE UPDATE ON organizations
FOR EACH ROW EXECUTE FUNCTION set_updated_at();

-- Every organization gets its Everyone group from this trigger, however the row is inserted.
CREATE FUNCTION create_everyone_group() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO groups (id, organization_id, name) VALUES (new.id, new.id, 'Everyone');
    RETURN NULL;
END
$$;

CREATE TRIGGER organizations_have_everyone AFTER INSERT ON organizations
FOR EACH ROW EXECUTE FUNCTION create_everyone_group();

-- Explicit memberships only: the members of Everyone are the members of the organization. By the
-- two named foreign keys, a member of a group is a member of the group's organization. Leaving the
-- organization deletes the memberships of its groups. Both keys together prove that group and user
-- exist: keys of their own would only cost an import two more checks per membership.
CREATE TABLE group_members (
    group_id uuid NOT NULL,
    user_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (group_id, user_id),
    CONSTRAINT group_members_group FOREIGN KEY (group_id, organization_id)
        REFERENCES groups (id, organization_id) ON DELETE CASCADE,
    CONSTRAINT group_members_organization_membership FOREIGN KEY (user_id, organization_id)
        REFERENCES organization_members (user_id, organization_id) ON DELETE CASCADE
);

-- An index-only scan finds the groups of a user.
CREATE UNIQUE INDEX group_members_user_id_organization_id_group_id_key
ON group_members (user_id, organization_id, group_id);

-- A writer names the group and the user. The trigger fills in the organization of the group.
CREATE FUNCTION fill_in_organization_of_group() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    new.organization_id := (SELECT g.organization_id FROM groups AS g WHERE g.id = new.group_id);
    RETURN new;
END
$$;

CREATE TRIGGER group_members_have_an_organization BEFORE INSERT ON group_members
FOR EACH ROW WHEN (new.organization_id IS NULL) EXECUTE FUNCTION fill_in_organization_of_group();

-- Leaving a group, or an organization and so its Everyone group, clears the primary group. A
-- foreign key cannot: Everyone has its members in another table. A writer that deletes memberships
-- locks the users first, so it holds this lock already.
CREATE FUNCTION clear_primary_groups() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE users AS u SET primary_group_id = NULL
    FROM gone AS g
    WHERE u.id = g.user_id
        AND u.primary_group_id = (to_jsonb(g) ->> tg_argv[0])::uuid;
    RETURN NULL;
END
$$;

CREATE TRIGGER group_members_clear_primary_groups AFTER DELETE ON group_members
REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION clear_primary_groups('group_id');
CREATE TRIGGER organization_members_clear_primary_groups AFTER DELETE ON organization_members
REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION clear_primary_groups('organization_id');

-- Return the group of a user that a call names, by id, name, or `organization/name`. No row: the
-- user is no member of it, or has several of that name.
CREATE FUNCTION ai_named_group(p_user_id uuid, p_group text)
RETURNS TABLE (group_id uuid, organization_id uuid)
LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT (array_agg(g.id))[1], (array_agg(g.organization_id))[1]
    FROM (
        SELECT gm.group_id AS id FROM group_members AS gm WHERE gm.user_id = p_user_id
        UNION ALL
        SELECT om.organization_id FROM organization_members AS om WHERE om.user_id = p_user_id
    ) AS m
    JOIN groups AS g ON g.id = m.id
    JOIN organizations AS o ON o.id = g.organization_id AND o.deleted_at IS NULL
    WHERE lower(p_group) = g.id::text OR p_group IN (g.name, o.name || '/' || g.name)
    HAVING count(*) = 1
$$;

-- The members of each group, Everyone included. A deleted organization has none.
CREATE VIEW group_members_expanded WITH (security_invoker = true) AS
SELECT
    g.organization_id, g.id AS group_id, g.name AS group_name, om.user_id,
    om.joined_at AS organization_joined_at
FROM groups AS g
JOIN organizations AS o ON o.id = g.organization_id AND o.deleted_at IS NULL
JOIN organization_members AS om ON om.organization_id = g.organization_id
WHERE g.id = g.organization_id
    OR EXISTS (
        SELECT 1 FROM group_members AS gm WHERE gm.group_id = g.id AND gm.user_id = om.user_id
    );

-- Only allowance_directory writes these tables. Each role reads the columns that its queries name:
-- a test compares them.
REVOKE ALL ON organizations, users, organization_members, groups, group_members,
group_members_expanded
FROM PUBLIC, allowance_routes, allowance_jobs, allowance_directory;

GRANT SELECT (id, name, deleted_at) ON organizations
TO allowance_routes, allowance_jobs, allowance_directory;
GRANT SELECT (is_default) ON organizations TO allowance_routes, allowance_directory;
GRANT SELECT (id, username, email, status, primary_group_id) ON users
TO allowance_routes, allowance_jobs, allowance_directory;
GRANT SELECT (roles) ON users TO allowance_routes, allowance_directory;
GRANT SELECT (external_id) ON organizations TO allowance_directory;
GRANT SELECT (external_id) ON groups TO allowance_directory;
GRANT SELECT (user_name, external_id) ON users TO allowance_directory;
GRANT SELECT (organization_id, user_id) ON organization_members
TO allowance_routes, allowance_jobs, allowance_directory;
GRANT SELECT (roles) ON organization_members TO allowance_routes, allowance_directory;
GRANT SELECT (joined_at) ON organization_members TO allowance_routes;
GRANT SELECT (id, organization_id, name) ON groups
TO allowance_routes, allowance_jobs, allowance_directory;
GRANT SELECT (group_id, user_id, organization_id) ON group_members
TO allowance_routes, allowance_directory;
GRANT SELECT (organization_id, group_id, user_id) ON group_members_expanded TO allowance_routes;

REVOKE ALL ON FUNCTION ai_named_group(uuid, text) FROM PUBLIC;

GRANT INSERT (name, external_id), UPDATE (name, external_id, is_default, deleted_at)
ON organizations TO allowance_directory;
GRANT INSERT (username, user_name, external_id, display_name, email, status, roles),
UPDATE (
    username, user_name, external_id, display_name, email, status, roles, primary_group_id,
    updated_at
) ON users TO allowance_directory;
GRANT INSERT (organization_id, user_id, joined_at), UPDATE (roles), DELETE ON organization_members
TO allowance_directory;
GRANT INSERT (organization_id, name, external_id), UPDATE (name, external_id, row_lock), DELETE
ON groups TO allowance_directory;
GRANT INSERT (group_id, user_id, organization_id), DELETE ON group_members TO allowance_directory;
