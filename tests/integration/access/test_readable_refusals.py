"""A caller who may read a thing, and not change it, learns which roles may; others nothing."""

import json

import pytest

from allowance.access.store import CallerStore
from allowance.errors import NotAuthorized
from allowance.rbac.policy import NO_SECRET, Action, Permission, ResourceType, Role, Subject
from tests.accounting import CALLER, needed
from tests.accounts import ACCOUNTS
from tests.directory_documents import apply
from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.refusals import CHANGED_BY_ADMINS, CHANGED_BY_OWNERS, NOT_FOUND
from tests.stores import store_for


def may(action: Action) -> Subject:
    permissions = tuple(Permission(each, action) for each in ResourceType)
    return Subject(CALLER, (Role(site=permissions),))


def test_every_change_names_the_roles_to_readers_only(populated: tuple[Database, Acme]) -> None:
    database, acme = populated
    told = 0
    for method, account in ACCOUNTS.items():
        needs = [needed(each, acme) for each in account.needs]
        changed = [
            obj for action, obj in needs if action != Action.READ and obj.type not in NO_SECRET
        ]
        if not changed or not issubclass(account.kind or method[0], CallerStore):
            continue
        for subject in (may(Action.READ), Subject(CALLER, ())):
            store, connection = store_for(method, account, subject, database, acme)
            with pytest.raises(NotAuthorized) as refused:
                account.run(store, acme)
            assert (refused.value.detail is not None) == bool(subject.roles), method
            assert connection.queries_run == []
        told += 1
    assert told > 10


def test_readers_of_a_group_learn_who_changes_its_budget(acme: Acme, maya: Client) -> None:
    body = json.dumps({"spend_limit_micros": 1})
    for who in ("maya", "ana"):
        refused = acme.client(who).send("PUT", acme.budget_path(), body=body)
        assert (refused.status, refused.json()) == (404, CHANGED_BY_ADMINS)
    for who in ("nora", "gus", "otto"):
        assert acme.client(who).send("PUT", acme.budget_path(), body=body).json() == NOT_FOUND
    override = f"/api/v2/users/{acme.users['maya']}/ai/budget"
    assert maya.delete(override).json() == CHANGED_BY_OWNERS
    assert acme.client("otto").delete(override).json() == NOT_FOUND
    policy = maya.put("/api/v2/organizations/acme/ai/policy", {"unpriced": "allow"})
    assert policy.json() == CHANGED_BY_ADMINS
    none = maya.delete("/api/v2/organizations/acme/ai/budgets/none")
    assert none.json() == CHANGED_BY_ADMINS
    tokens = acme.client("olivia").post(
        "/api/v2/users/maya/tokens", {"name": "x", "expires_at": "2999-01-01T00:00:00Z"}
    )
    assert tokens.json()["detail"] == "You may read this, but not create it. Only its user may."


def test_a_token_whose_scope_forbids_a_change_says_so(acme: Acme) -> None:
    scope = {"site": [{"resource_type": "group", "action": "read"}]}
    made = apply({"tokens": [{"username": "adam", "name": "reader", "scope": scope}]})
    refused = Client(made["tokens"]["adam/reader"]).put(
        acme.budget_path(), {"spend_limit_micros": 1}
    )
    detail = "Your roles may update this, but the scope of your token does not include it."
    assert refused.json() == NOT_FOUND | {"detail": detail}
