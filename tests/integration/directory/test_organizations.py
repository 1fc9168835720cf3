"""The organizations that a caller sees, and what clients of Coder need of them."""

from allowance.directory.models import MAX_ORGANIZATIONS
from tests.directory_documents import apply, scoped
from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.refusals import NOT_FOUND, without_request_id

ORGANIZATIONS = "/api/v2/organizations"
READ_GROUPS = {"resource_type": "group", "action": "read"}


def test_an_organization_has_what_clients_of_coder_need(acme: Acme, adam: Client) -> None:
    (row,) = adam.get(ORGANIZATIONS).json()
    assert row == adam.get(f"{ORGANIZATIONS}/acme").json()
    before = row.pop("created_at"), row.pop("updated_at")
    assert row == {
        "id": str(acme.organizations["acme"]),
        "name": "acme",
        "is_default": True,
        "display_name": "acme",
        "description": "",
        "icon": "",
        "default_org_member_roles": [],
    }
    apply({"organizations": [{"name": "hooli", "renamed_from": "acme"}]})
    (row,) = adam.get(ORGANIZATIONS).json()
    assert row["created_at"] == before[0]
    assert row["updated_at"] > before[1]


def test_each_sees_the_organizations_of_groups_to_read(acme: Acme) -> None:
    seen = {"olivia": ["acme", "globex"], "maya": ["acme"], "gus": ["globex"], "nora": []}
    for who, expected in seen.items():
        client = acme.client(who)
        assert [each["name"] for each in client.get(ORGANIZATIONS).json()] == expected
        absent = without_request_id(client.get(f"{ORGANIZATIONS}/nowhere"))
        for name in ("acme", "globex"):
            one = client.get(f"{ORGANIZATIONS}/{name}")
            assert one.status == 200 if name in expected else without_request_id(one) == absent


def test_a_scope_with_one_group_shows_its_organization(acme: Acme) -> None:
    group = {"type": "group", "id": "globex/sales"}
    olivia = scoped("olivia", {"site": [READ_GROUPS], "allow_list": [group]})
    assert [each["name"] for each in olivia.get(ORGANIZATIONS).json()] == ["globex"]
    assert olivia.get(f"{ORGANIZATIONS}/globex").status == 200
    assert olivia.get(f"{ORGANIZATIONS}/acme").json() == NOT_FOUND


def test_a_full_list_of_organizations_goes_on_after_its_last(
    acme: Acme, database: Database
) -> None:
    olivia = acme.client("olivia")
    database.run(
        "INSERT INTO organizations (name) SELECT 'o' || n FROM generate_series(1, %s) AS n",
        MAX_ORGANIZATIONS - 1,
    )
    first = [each["name"] for each in olivia.get(ORGANIZATIONS).json()]
    assert len(first) == MAX_ORGANIZATIONS
    (last,) = olivia.get(f"{ORGANIZATIONS}?after={first[-1]}").json()
    assert last["name"] > first[-1]
    assert [each["name"] for each in olivia.get(f"{ORGANIZATIONS}?limit=1").json()] == ["acme"]
    of_adam = acme.client("adam").get(f"{ORGANIZATIONS}?after=acme")
    assert of_adam.json() == []
