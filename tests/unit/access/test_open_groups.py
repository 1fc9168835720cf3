"""The gate opens exactly the groups that the rule allows, without looking at each group."""

from uuid import UUID

import pytest
from hypothesis import given

from allowance.access.gate import Gate
from allowance.contract.fields import Row
from allowance.database.database import Database
from allowance.database.settings import DatabaseSource
from allowance.errors import DatabaseUnavailable, NotAuthorized
from allowance.rbac.authorize import allowed
from allowance.rbac.policy import Action, AllowedObject, Role, Scope, Subject, group_object
from tests.random_subjects import IDS, subjects

NOWHERE = DatabaseSource(url="postgresql://127.0.0.1:1/nothing")
ORGANIZATION = IDS[0]
GROUPS = {*IDS, UUID(int=4)}
"""Every group of the organization. Nothing names the last one."""


@given(subjects)
def test_it_opens_what_the_rule_allows_one_by_one(subject: Subject) -> None:
    gate = Gate(subject, Database(NOWHERE, "test"))
    one_by_one = {
        each for each in GROUPS if allowed(subject, Action.READ, group_object(each, ORGANIZATION))
    }
    try:
        db, ids = gate.open_groups(Action.READ, ORGANIZATION)
    except NotAuthorized:
        assert one_by_one == set()
        return
    assert one_by_one == (GROUPS if ids is None else set(ids))
    # The handle runs the query for these ids: it fails only where there is no database.
    with pytest.raises(DatabaseUnavailable):
        db.many(
            Row,
            "list_groups",
            organization_id=ORGANIZATION,
            group_ids=ids,
            after_name=None,
            limit=1,
        )


def test_an_allow_list_of_names_opens_nothing() -> None:
    scope = Scope(Role(), (AllowedObject(id="acme/platform"),))
    gate = Gate(Subject(UUID(int=1), (), scope=scope), Database(NOWHERE, "test"))
    with pytest.raises(NotAuthorized):
        gate.open_groups(Action.READ, ORGANIZATION)
