"""The directory: organizations, groups, users, memberships and tokens.

Owns the directory document and its import, and how a caller sees groups. Decides no access: the
rule is in `allowance.rbac`. Invariants: an import is all or nothing; each change has its audit
entry; a member of a group is a member of its organization.
"""
