"""The spend routes: who sees what, which days count, and what stays hidden across organizations."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

import import_directory
from allowance.access.caller import Caller, Membership, TokenInfo, UserReference
from allowance.access.gate import Gate
from allowance.access.store import Origin
from allowance.budgets.effective import period_containing
from allowance.contract.fields import rfc3339
from allowance.database.database import Database as Connection
from allowance.database.settings import DatabaseSource
from allowance.rbac.policy import Subject
from allowance.rbac.roles import roles_of_user
from allowance.spend.store import UserSpendStore
from tests.conftest import environment
from tests.gateway import Client, Context
from tests.ledger import add_spend
from tests.people import Acme
from tests.postgres import Database
from tests.wire import wire

NOT_FOUND = {"message": "Resource not found or you do not have access to this resource"}
NO_GROUP = UUID(int=0)


@pytest.fixture
def olivia(acme: Acme) -> Client:
    """For set-up only: owner."""
    return acme.client("olivia")


def today() -> date:
    return datetime.now(UTC).date()


def spend(
    database: Database,
    acme: Acme,
    username: str,
    group: str | None,
    micros: int,
    day: date | None = None,
) -> None:
    add_spend(
        database,
        acme.users[username],
        acme.groups[group] if group else NO_GROUP,
        day or today(),
        micros,
    )


def period() -> dict[str, str]:
    now = period_containing(datetime.now(UTC))
    return {"period_start": rfc3339(now.start), "period_end": rfc3339(now.end)}


def group_spend(acme: Acme, group: str = "acme/platform") -> str:
    return f"/api/v2/groups/{acme.groups[group]}/ai/spend"


def member_spend(acme: Acme, *usernames: str, group: str = "acme/platform") -> str:
    ids = ",".join(str(acme.users[each]) for each in usernames)
    return f"/api/v2/groups/{acme.groups[group]}/members/ai/spend?user_ids={ids}"


def groups_spend(acme: Acme, *groups: str, organization: str = "acme") -> str:
    ids = ",".join(str(acme.groups[each]) for each in groups)
    return f"/api/v2/organizations/{organization}/groups/ai/spend?group_ids={ids}"


def totals(
    acme: Acme, group: str, limit: int | None, total: int | None, current: int
) -> dict[str, Any]:
    return {
        "group_id": str(acme.groups[group]),
        "spend_limit_micros": limit,
        "total_spend_limit_micros": total,
        "current_spend_micros": current,
    }


def test_a_user_sees_what_all_groups_together_were_spent_against_one_limit(
    acme: Acme, maya: Client, adam: Client, database: Database
) -> None:
    adam.put(acme.budget_path(), {"spend_limit_micros": 100})
    spend(database, acme, "maya", "acme/platform", 30)
    spend(database, acme, "maya", "acme/research", 5)
    spend(database, acme, "maya", None, 2)
    spend(database, acme, "otto", "acme/platform", 1000)
    for user in ("me", "maya", str(acme.users["maya"])):
        assert maya.get(f"/api/v2/users/{user}/ai/spend").json() == {
            **period(),
            "user_id": str(acme.users["maya"]),
            "effective_group_id": str(acme.groups["acme/platform"]),
            "effective_budget": {"spend_limit_micros": 100, "limit_source": "group"},
            "spend_limit_micros": 100,
            "limit_source": "group",
            "current_spend_micros": 37,
            "reserved_micros": 0,
        }


def test_an_override_is_the_limit(acme: Acme, olivia: Client, maya: Client) -> None:
    body = {"group_id": str(acme.groups["acme/Everyone"]), "spend_limit_micros": 0}
    olivia.put("/api/v2/users/maya/ai/budget/override", body)
    told = maya.get("/api/v2/users/me/ai/spend").json()
    assert told["effective_budget"] == {"spend_limit_micros": 0, "limit_source": "user_override"}
    assert told["effective_group_id"] == str(acme.organizations["acme"])


def test_without_a_budget_there_is_no_limit_and_without_an_organization_no_group(
    acme: Acme, maya: Client
) -> None:
    told = maya.get("/api/v2/users/me/ai/spend").json()
    assert (told["effective_group_id"], told["effective_budget"]) == (
        str(acme.organizations["acme"]),
        None,
    )
    assert (told["spend_limit_micros"], told["limit_source"]) == (None, None)
    nobody = acme.client("nora").get("/api/v2/users/me/ai/spend").json()
    assert (nobody["effective_group_id"], nobody["current_spend_micros"]) == (None, 0)


@pytest.mark.parametrize(("username", "status"), [("maya", 200), ("adam", 200), ("olivia", 200), ("gus", 200), ("otto", 404), ("ana", 404), ("nora", 404)])  # fmt: skip
def test_spend_of_a_user_is_for_who_may_read_the_user(
    acme: Acme, username: str, status: int
) -> None:
    """gus administers another organization: an organization's admin reads every user (rbac: at site
    level).
    """
    answer = acme.client(username).get("/api/v2/users/maya/ai/spend")
    assert answer.status == status
    if status == 404:
        assert (
            answer.json()
            == acme.client(username).get("/api/v2/users/nobody/ai/spend").json()
            == NOT_FOUND
        )


def test_only_the_days_of_the_present_month_count(
    acme: Acme, adam: Client, maya: Client, database: Database
) -> None:
    month = period_containing(datetime.now(UTC))
    first, after = month.start.date(), month.end.date()
    for micros, day in (
        (1, first - timedelta(days=1)),
        (10, first),
        (100, after - timedelta(days=1)),
        (1000, after),
    ):
        spend(database, acme, "maya", "acme/platform", micros, day)
    assert maya.get("/api/v2/users/me/ai/spend").json()["current_spend_micros"] == 110
    assert adam.get(group_spend(acme)).json()["current_spend_micros"] == 110
    assert (
        adam.get(groups_spend(acme, "acme/platform")).json()["groups"][0]["current_spend_micros"]
        == 110
    )
    assert adam.get(member_spend(acme, "maya")).json()["members"][0]["group_spend_micros"] == 110


@pytest.mark.parametrize(
    ("now", "start", "current"),
    [
        ("2026-11-30T23:59:59.999999+00:00", "2026-11-01T00:00:00.000000Z", 1),
        ("2026-12-01T00:00:00+00:00", "2026-12-01T00:00:00.000000Z", 20),
        ("2026-12-01T08:59:59+09:00", "2026-11-01T00:00:00.000000Z", 1),
        ("2027-01-01T00:00:00+00:00", "2027-01-01T00:00:00.000000Z", 300),
    ],
)
def test_a_month_ends_at_midnight_in_utc(
    acme: Acme, database: Database, now: str, start: str, current: int
) -> None:
    for micros, day in ((1, date(2026, 11, 30)), (20, date(2026, 12, 1)), (300, date(2027, 1, 1))):
        spend(database, acme, "maya", "acme/platform", micros, day)
    connection = Connection(DatabaseSource(database.app_url, None), "test")
    caller = Caller(
        user_id=acme.users["maya"],
        username="maya",
        email=None,
        roles=[],
        organizations=list[Membership](),
        groups=[],
        token=TokenInfo(name="t", expires_at=None, scope=None),
        group=None,
        organization=None,
        user=UserReference(id=acme.users["maya"], username="maya"),
        now=datetime.fromisoformat(now),
    )
    gate = Gate(Subject(caller.user_id, roles_of_user([], [])), connection)
    told = UserSpendStore(gate, Origin(caller.user_id, "maya", "r"), caller).get_user_spend()
    connection.close()
    assert (rfc3339(told.period_start), told.current_spend_micros) == (start, current)


def test_a_sum_may_be_more_than_fits_eight_bytes(
    acme: Acme, maya: Client, adam: Client, database: Database
) -> None:
    for n in range(3):
        group_id = [acme.groups["acme/platform"], acme.groups["acme/research"], NO_GROUP][n]
        add_spend(database, acme.users["maya"], group_id, today(), 9_000_000_000_000_000_001)
    assert (
        maya.get("/api/v2/users/me/ai/spend").json()["current_spend_micros"]
        == 27_000_000_000_000_000_003
    )
    assert adam.get(group_spend(acme)).json()["current_spend_micros"] == 9_000_000_000_000_000_001


def test_the_total_of_a_group_is_what_its_members_may_spend_together(
    acme: Acme, olivia: Client, adam: Client, database: Database
) -> None:
    """maya has an override for the group, otto a higher budget elsewhere, ana none, adam is in
    Everyone alone.
    """
    import_directory.handler(
        {
            "users": [
                {"username": name, "organizations": [{"name": "acme", "groups": groups}]}
                for name, groups in (
                    ("otto", ["platform", "research"]),
                    ("ana", ["platform"]),
                    ("maya", ["platform"]),
                )
            ]
        },
        Context(),
    )
    assert adam.get(group_spend(acme)).json() == {
        **period(),
        **totals(acme, "acme/platform", None, None, 0),
    }
    adam.put(acme.budget_path(), {"spend_limit_micros": 100})
    assert adam.get(group_spend(acme)).json() == {
        **period(),
        **totals(acme, "acme/platform", 100, 300, 0),
    }
    adam.put(acme.budget_path("acme/research"), {"spend_limit_micros": 101})
    body = {"group_id": str(acme.groups["acme/platform"]), "spend_limit_micros": 7}
    olivia.put("/api/v2/users/maya/ai/budget/override", body)
    adam.put(acme.budget_path("acme/Everyone"), {"spend_limit_micros": 50})
    spend(database, acme, "nora", "acme/platform", 9)
    told = adam.get(groups_spend(acme, "acme/platform", "acme/research", "acme/Everyone")).json()
    assert {name: told[name] for name in ("period_start", "period_end")} == period()
    assert sorted(told["groups"], key=lambda each: each["spend_limit_micros"]) == [
        totals(acme, "acme/Everyone", 50, 50, 0),
        totals(acme, "acme/platform", 100, 107, 9),
        totals(acme, "acme/research", 101, 101, 0),
    ]
    import_directory.handler({"users": [{"username": "ana", "status": "deleted"}]}, Context())
    assert adam.get(group_spend(acme)).json()["total_spend_limit_micros"] == 7


def test_of_several_groups_those_that_one_may_not_read_are_left_out(
    acme: Acme, maya: Client, adam: Client
) -> None:
    asked = groups_spend(acme, "acme/platform", "acme/research", "acme/Everyone", "globex/sales")
    mine = {each["group_id"] for each in maya.get(asked).json()["groups"]}
    assert mine == {str(acme.groups["acme/platform"]), str(acme.groups["acme/Everyone"])}
    assert len(adam.get(asked).json()["groups"]) == 3, "not those of another organization"
    assert maya.get(groups_spend(acme, "acme/research")).json() == {**period(), "groups": []}
    assert (
        adam.get(f"/api/v2/organizations/acme/groups/ai/spend?group_ids={UUID(int=4)}").json()[
            "groups"
        ]
        == []
    )


@pytest.mark.parametrize("username", ["gus", "nora"])
def test_an_organization_is_absent_for_strangers(acme: Acme, username: str) -> None:
    client = acme.client(username)
    for organization in ("acme", str(acme.organizations["acme"]), "nowhere", str(UUID(int=8))):
        answer = client.get(groups_spend(acme, "acme/platform", organization=organization))
        assert (answer.status, answer.json()) == (404, NOT_FOUND)


@pytest.mark.parametrize("username", ["otto", "gus", "nora"])
def test_a_group_that_one_may_not_read_is_absent(acme: Acme, username: str) -> None:
    client = acme.client(username)
    for path in (group_spend(acme), member_spend(acme, username)):
        assert client.get(path).json() == NOT_FOUND
        assert (
            client.get(path.replace(str(acme.groups["acme/platform"]), str(UUID(int=4)))).json()
            == NOT_FOUND
        )


def test_a_member_sees_the_own_row_and_an_admin_every_row_of_members(
    acme: Acme, maya: Client, adam: Client, database: Database
) -> None:
    database.run(
        "INSERT INTO group_members VALUES (%s, %s)",
        acme.groups["acme/platform"],
        acme.users["otto"],
    )
    adam.put(acme.budget_path(), {"spend_limit_micros": 100})
    adam.put(acme.budget_path("acme/research"), {"spend_limit_micros": 500})
    database.run(
        "INSERT INTO group_members VALUES (%s, %s)",
        acme.groups["acme/research"],
        acme.users["otto"],
    )
    spend(database, acme, "maya", "acme/platform", 30)
    spend(database, acme, "maya", "acme/research", 4)
    spend(database, acme, "otto", "acme/platform", 5)
    asked = member_spend(acme, "maya", "otto", "gus", "adam", "nora")
    of_platform = {"spend_limit_micros": 100, "limit_source": "group"}
    of_research = {"spend_limit_micros": 500, "limit_source": "group"}
    rows = {
        "maya": {
            "user_id": str(acme.users["maya"]),
            "effective_group_id": str(acme.groups["acme/platform"]),
            "effective_budget": of_platform,
            "group_budget": of_platform,
            "group_spend_micros": 30,
        },
        "otto": {
            "user_id": str(acme.users["otto"]),
            "effective_group_id": str(acme.groups["acme/research"]),
            "effective_budget": of_research,
            "group_budget": None,
            "group_spend_micros": 5,
        },
    }
    assert maya.get(asked).json() == {**period(), "members": [rows["maya"]]}
    told = adam.get(asked).json()["members"]
    assert told == sorted(rows.values(), key=lambda each: each["user_id"]), (
        "gus, adam and nora are not in the group"
    )
    assert maya.get(member_spend(acme, "otto")).json() == {**period(), "members": []}


def test_the_budget_of_another_organization_stays_hidden(
    acme: Acme, adam: Client, olivia: Client, database: Database
) -> None:
    database.run(
        "INSERT INTO organization_members (organization_id, user_id) VALUES (%s, %s)",
        acme.organizations["globex"],
        acme.users["maya"],
    )
    olivia.put(acme.budget_path("globex/Everyone"), {"spend_limit_micros": 900})
    adam.put(acme.budget_path(), {"spend_limit_micros": 100})
    (row,) = adam.get(member_spend(acme, "maya")).json()["members"]
    assert (row["effective_group_id"], row["effective_budget"], row["group_budget"]) == (
        None,
        None,
        None,
    )
    assert adam.get(group_spend(acme)).json()["total_spend_limit_micros"] == 0
    (seen,) = (
        acme.client("gus")
        .get(member_spend(acme, "maya", group="globex/Everyone"))
        .json()["members"]
    )
    assert seen["group_budget"] == {"spend_limit_micros": 900, "limit_source": "group"}


def test_a_member_without_a_limit_counts_for_everyone(acme: Acme, adam: Client) -> None:
    (row,) = adam.get(member_spend(acme, "maya")).json()["members"]
    assert row["effective_group_id"] == str(acme.organizations["acme"])
    assert (row["effective_budget"], row["group_budget"]) == (None, None)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "group_ids"),
        ("group_ids=", "group_ids"),
        ("group_ids=acme", "group_ids"),
        (f"group_ids={UUID(int=1)},", "group_ids"),
        (f"group_ids={UUID(int=1).hex}", "group_ids"),
        ("group_ids=" + ",".join(str(UUID(int=n)) for n in range(101)), "group_ids"),
        (f"group_ids={UUID(int=1)}&user_ids={UUID(int=1)}", "user_ids"),
        (f"group_ids={UUID(int=1)}&group_ids={UUID(int=2)}", "group_ids"),
    ],
)
def test_a_bad_list_of_ids_is_refused_by_its_name(adam: Client, query: str, field: str) -> None:
    answer = adam.get(f"/api/v2/organizations/acme/groups/ai/spend?{query}")
    assert (answer.status, answer.json()["message"]) == (
        400,
        "Query parameters have invalid values.",
    )
    assert [each["field"] for each in answer.json()["validations"]] == [field]


def test_a_hundred_ids_are_taken_in_any_case_and_each_once(acme: Acme, adam: Client) -> None:
    platform = str(acme.groups["acme/platform"])
    ids = [platform, platform.upper(), *(str(UUID(int=n)) for n in range(98))]
    told = adam.get(f"/api/v2/organizations/acme/groups/ai/spend?group_ids={','.join(ids)}").json()
    assert [each["group_id"] for each in told["groups"]] == [platform]


def test_the_gate_of_the_feature_covers_spend(acme: Acme, database: Database) -> None:
    with environment(DATABASE_URL=database.app_url, AI_BUDGETS_ENABLED="false"):
        for path in (group_spend(acme), member_spend(acme, "maya"), groups_spend(acme, "acme/platform"), "/api/v2/users/me/ai/spend"):  # fmt: skip
            assert acme.client("adam").get(path).status == 403


def test_spend_costs_two_trips(database: Database, acme: Acme) -> None:
    adam = acme.client("adam")
    with wire(database.app_url) as counted, environment(DATABASE_URL=counted.url):
        assert adam.get("/api/v2/users/me").status == 200
        for path in (group_spend(acme), member_spend(acme, "maya"), groups_spend(acme, "acme/platform"), "/api/v2/users/me/ai/spend"):  # fmt: skip
            counted.reset()
            assert adam.get(path).status == 200
            assert counted.trips == 2, path


def test_spend_is_told_as_whole_numbers(acme: Acme, maya: Client, database: Database) -> None:
    spend(database, acme, "maya", "acme/platform", 10**12)
    body = maya.get("/api/v2/users/me/ai/spend").body
    assert '"current_spend_micros":1000000000000,' in body
    assert json.loads(body)["reserved_micros"] == 0
