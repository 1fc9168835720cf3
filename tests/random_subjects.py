"""Random subjects for the laws of the rule: few ids, types and actions, so that they often meet."""

from uuid import UUID

from hypothesis import strategies as st

from allowance.rbac.policy import (
    UNLIMITED,
    Action,
    AllowedObject,
    OrganizationPermissions,
    Permission,
    ResourceType,
    Role,
    Scope,
    Subject,
)

IDS = [UUID(int=i) for i in range(1, 4)]
ids = st.sampled_from(IDS)
types = st.sampled_from([ResourceType.GROUP, ResourceType.USER])
actions = st.sampled_from([Action.READ, Action.UPDATE])
permissions = st.builds(Permission, types | st.just("*"), actions | st.just("*"), st.booleans())
some = st.lists(permissions, max_size=2).map(tuple)
roles = st.builds(
    Role,
    some,
    some,
    st.dictionaries(ids, st.builds(OrganizationPermissions, some, some), max_size=2),
)
allow_lists = st.lists(
    st.builds(AllowedObject, types | st.just("*"), ids.map(str) | st.just("*")),
    min_size=1,
    max_size=2,
).map(tuple)
scopes = st.just(UNLIMITED) | st.builds(Scope, roles, allow_lists)
subjects = st.builds(
    Subject, ids, st.lists(roles, max_size=3).map(tuple), st.frozensets(ids), scopes
)
