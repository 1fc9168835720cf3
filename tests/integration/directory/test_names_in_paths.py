"""Groups, organizations and users by their names: in every path, and in the lists of a query."""

import json
from uuid import UUID

from allowance.http.routes import ROUTES
from tests.conftest import environment
from tests.directory_documents import apply, problems
from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.refusals import CHANGED_BY_ADMINS, NOT_FOUND, without_request_id
from tests.spend import spend
from tests.wire import wire

GROUPS = "/api/v2/organizations/acme/groups"
NIL = UUID(int=0)
LIMIT = {"spend_limit_micros": 3}


def test_every_route_of_a_group_has_a_path_by_name() -> None:
    by_id, by_name = "/api/v2/groups/{group}", "/api/v2/organizations/{organization}/groups/{group}"
    assert {(method, path.replace(by_id, by_name)) for method, path in ROUTES if by_id in path} == {
        (method, path) for method, path in ROUTES if by_name in path
    }


def test_a_group_is_found_by_name_and_by_id(acme: Acme, adam: Client, database: Database) -> None:
    spend(database, acme, "maya", "acme/platform", 5)
    group = acme.groups["acme/platform"]
    for key in ("platform", str(group), str(group).upper()):
        assert adam.put(f"{GROUPS}/{key}/ai/budget", LIMIT).status == 200
        for rest in ("", "/ai/budget", "/ai/spend", "/members", "/members/ai/spend?user_ids=maya"):
            by_id = adam.get(f"/api/v2/groups/{group}{rest}")
            by_name = adam.get(f"{GROUPS}/{key}{rest}")
            assert (by_name.status, by_name.json()) == (200, by_id.json())
        assert adam.delete(f"{GROUPS}/{key}/ai/budget").status == 204
    assert adam.get(f"{GROUPS}/Everyone").json()["id"] == str(acme.organizations["acme"])


def test_a_path_by_name_keeps_preconditions_and_refusals(acme: Acme, adam: Client) -> None:
    path = f"{GROUPS}/platform/ai/budget"
    etag = adam.put(path, LIMIT).headers["ETag"]
    assert adam.put(path, LIMIT, headers={"If-Match": '"other"'}).status == 412
    assert adam.delete(path, headers={"If-Match": etag}).status == 204
    assert acme.client("maya").put(path, LIMIT).json() == CHANGED_BY_ADMINS
    assert adam.get(f"{path}?x=1").status == 400


def test_what_is_not_there_looks_like_what_may_not_be_read(acme: Acme, adam: Client) -> None:
    assert adam.put(acme.budget_path(), LIMIT).status == 200
    absent = without_request_id(adam.get(f"{GROUPS}/nothing/ai/budget"))
    assert absent[0] == 404
    assert json.loads(absent[2]) == NOT_FOUND
    sales, platform = acme.groups["globex/sales"], acme.groups["acme/platform"]
    for path in (
        "/api/v2/organizations/globex/groups/sales",
        f"/api/v2/organizations/globex/groups/{platform}",
        f"/api/v2/organizations/nothing/groups/{platform}",
        f"/api/v2/organizations/%00/groups/{platform}",
        f"{GROUPS}/{sales}",
        f"{GROUPS}/sales",
        f"{GROUPS}/Platform",
        f"{GROUPS}/%00",
        f"{GROUPS}/{platform.hex}",
    ):
        assert without_request_id(adam.get(f"{path}/ai/budget")) == absent, path
    for who in ("nora", "otto", "gus"):
        assert without_request_id(acme.client(who).get(f"{GROUPS}/platform/ai/budget")) == absent


def test_a_name_belongs_to_the_organization_of_the_path(acme: Acme) -> None:
    made = apply({"organizations": [{"name": "globex", "groups": ["sales", "platform"]}]})
    olivia = acme.client("olivia")
    for organization in ("acme", "globex"):
        path = f"/api/v2/organizations/{organization}/groups/platform"
        assert olivia.get(path).json()["id"] == made["groups"].get(
            f"{organization}/platform", str(acme.groups["acme/platform"])
        )


def test_the_default_organization_has_more_names(acme: Acme, adam: Client) -> None:
    for key in ("default", NIL, acme.organizations["acme"], "acme"):
        base = f"/api/v2/organizations/{key}"
        assert adam.get(base).json()["name"] == "acme"
        assert adam.get(f"{base}/groups").json() == adam.get(GROUPS).json()
        assert adam.get(f"{base}/groups/platform").status == 200
        assert adam.get(f"{base}/ai/budgets").status == 200
    assert acme.client("gus").get("/api/v2/organizations/default").json() == NOT_FOUND
    apply({"organizations": [{"name": "globex", "is_default": True}]})
    assert adam.get("/api/v2/organizations/default").json() == NOT_FOUND
    assert acme.client("gus").get("/api/v2/organizations/default").json()["name"] == "globex"


def test_no_organization_takes_the_name_of_the_default_one(acme: Acme) -> None:
    assert acme.organizations
    assert problems({"organizations": [{"name": "default"}]}) == [
        'organizations[0].name: must not be "default", which stands for the default organization'
    ]


def test_a_user_is_found_by_the_name_of_an_identity_provider(
    acme: Acme, adam: Client, database: Database
) -> None:
    names = {"maya": "Maya.Klee@acme.example", "otto": "Adam", "ana": "me"}
    # An import refuses the last two, which mean other users.
    for username, name in names.items():
        database.run("UPDATE users SET user_name = %s WHERE username = %s", name, username)
    maya, otto = str(acme.users["maya"]), str(acme.users["otto"])
    for key in ("maya", "Maya.Klee@acme.example", "maya.klee@ACME.example", maya, maya.upper()):
        assert adam.get(f"/api/v2/users/{key}").json()["id"] == maya
        assert adam.get(f"/api/v2/users/{key}/ai/spend").json()["user_id"] == maya
    assert adam.get("/api/v2/users/Adam").json()["id"] == otto
    for key in ("adam", "me"):
        path = f"/api/v2/users/{key}/ai/spend"
        assert adam.get(path).json()["user_id"] == str(acme.users["adam"])
    database.run("UPDATE users SET status = 'deleted' WHERE username = 'maya'")
    for rest in ("", "/ai/spend"):
        assert adam.get(f"/api/v2/users/maya.klee@acme.example{rest}").json() == NOT_FOUND


def group_ids(client: Client, keys: str, organization: str = "acme") -> list[str]:
    path = f"/api/v2/organizations/{organization}/groups/ai/spend?group_ids={keys}"
    return [each["group_id"] for each in client.get(path).json()["groups"]]


def user_ids(client: Client, keys: str) -> list[str]:
    path = f"{GROUPS}/Everyone/members/ai/spend?user_ids={keys}"
    return [each["user_id"] for each in client.get(path).json()["members"]]


def test_a_list_takes_names_and_ids(acme: Acme, adam: Client, maya: Client) -> None:
    platform, research = (str(acme.groups[f"acme/{name}"]) for name in ("platform", "research"))
    both = sorted([platform, research])
    assert group_ids(adam, f"platform,{research},nothing,sales,{NIL},Platform") == both
    assert group_ids(adam, f"platform,{platform}") == [platform]
    assert group_ids(adam, "platform", "default") == [platform]
    assert group_ids(maya, "platform,research") == [platform]
    assert group_ids(maya, "nothing") == []
    ids = {name: str(id_) for name, id_ in acme.users.items()}
    assert user_ids(adam, f"maya,{ids['otto']},nobody,gus") == sorted([ids["maya"], ids["otto"]])
    assert user_ids(maya, "me,otto") == [ids["maya"]]
    assert user_ids(adam, "me,maya") == sorted([ids["adam"], ids["maya"]])


def test_names_cost_no_further_trip(acme: Acme, database: Database) -> None:
    adam, olivia = acme.client("adam"), acme.client("olivia")
    adam.put(f"{GROUPS}/platform/ai/budget", LIMIT)
    with wire(database.app_url) as counted, environment(DATABASE_URL=counted.url):
        assert adam.get("/api/v2/users/me").status == 200
        requests: tuple[tuple[Client, int, str, str], ...] = (
            (adam, 2, "GET", f"{GROUPS}/platform/ai/budget"),
            (adam, 2, "PUT", f"{GROUPS}/platform/ai/budget"),
            (adam, 2, "GET", f"{GROUPS}/platform"),
            (adam, 2, "GET", f"{GROUPS}/platform/members"),
            (adam, 2, "GET", f"{GROUPS}/Everyone/members?q=ma"),
            (adam, 2, "GET", f"{GROUPS}/ai/spend?group_ids=platform,research"),
            (adam, 2, "GET", f"{GROUPS}/platform/members/ai/spend?user_ids=maya,otto"),
            (adam, 2, "GET", "/api/v2/organizations/default/members"),
            (adam, 2, "GET", "/api/v2/organizations"),
            (olivia, 2, "GET", "/api/v2/organizations"),
            (adam, 2, "GET", "/api/v2/organizations/acme"),
            (adam, 2, "GET", "/api/v2/users?q=maya"),
            (adam, 2, "GET", "/api/v2/users/maya"),
            (adam, 1, "GET", f"{GROUPS}/nothing"),
        )
        for client, trips, method, path in requests:
            counted.reset()
            body = json.dumps(LIMIT) if method == "PUT" else None
            answer = client.send(method, path, body=body)
            assert answer.status in (200, 404)
            assert counted.trips == trips, path
