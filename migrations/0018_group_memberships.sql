-- Why: a row of group_members counts only while its user is a member of the group's organization,
-- and whoever reads many of them looks that up for each: half of what the spend of a group of ten
-- thousand costs. A foreign key can see to it, once the row says which organization that is. This
-- file only makes room for that, which takes no time; the next one fills it in, while the table is
-- read.
ALTER TABLE group_members ADD COLUMN organization_id uuid;

-- The group says which it is: nobody else has to, and the code of before this column does not.
CREATE FUNCTION fill_in_organization_of_group() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    new.organization_id := (SELECT g.organization_id FROM groups AS g WHERE g.id = new.group_id);
    RETURN new;
END
$$;

CREATE TRIGGER group_members_have_an_organization BEFORE INSERT ON group_members
FOR EACH ROW WHEN (new.organization_id IS NULL) EXECUTE FUNCTION fill_in_organization_of_group();
