"""The organizations that `users/me` names to somebody who may read them all."""

from typing import Any

import pytest

from allowance.directory.store import MAX_OTHERS
from tests.directory_documents import apply
from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database


def me(client: Client) -> dict[str, Any]:
    return client.get("/api/v2/users/me").json()


def test_an_owner_sees_every_organization(acme: Acme, database: Database) -> None:
    olivia = acme.client("olivia")
    both = [
        {"id": str(acme.organizations[name]), "name": name, "roles": []}
        for name in ("acme", "globex")
    ]
    assert (me(olivia)["organizations"], me(olivia)["more_organizations"]) == (both, False)
    apply({"users": [{"username": "olivia", "organizations": [{"name": "globex"}]}]})
    assert me(olivia)["organizations"] == both[::-1], "her own is the first"
    apply({"organizations": [{"name": "globex", "deleted": True}]})
    assert me(olivia)["organizations"] == both[:1]
    database.run(
        "INSERT INTO organizations (name) SELECT 'o' || n FROM generate_series(1, %s) AS n",
        MAX_OTHERS,
    )
    found = me(olivia)
    assert len(found["organizations"]) == MAX_OTHERS
    assert found["more_organizations"] is True


@pytest.mark.parametrize("who", ["adam", "nora"])
def test_others_see_their_own(acme: Acme, who: str) -> None:
    assert len(me(acme.client(who))["organizations"]) == (who == "adam")


def test_a_scope_of_groups_limits_what_an_owner_sees(acme: Acme) -> None:
    users = {"resource_type": "user", "action": "read"}
    made = apply({"tokens": [{"username": "olivia", "name": "t", "scope": {"site": [users]}}]})
    assert me(Client(made["tokens"]["olivia/t"]))["organizations"] == []
