"""GET /api/v2/organizations/{organization}/ai/alerts: newest first, by what the caller may read."""

from typing import Any

import pytest

from tests.alerts import deliver, raise_alert, raise_many
from tests.conftest import environment
from tests.people import Acme
from tests.postgres import Database
from tests.receivers import Receivers

PATH = "/api/v2/organizations/acme/ai/alerts"


def ids(acme: Acme, who: str, query: str = "") -> list[str]:
    answer = acme.client(who).get(f"{PATH}{query}")
    assert answer.status == 200, answer.json()
    assert answer.json()["next"] is None
    return [each["id"] for each in answer.json()["alerts"]]


@pytest.fixture
def raised(database: Database, acme: Acme) -> dict[str, str]:
    """An alert of each kind and object, by a name for it."""
    made = {user: raise_alert(database, acme, user) for user in ("maya", "otto")}
    changes = {
        "platform": ("budget_kind = 'budget', budget_id = id, budget_name = 'pool', user_id = NULL,"
        " limit_source = NULL, subject = ''", "acme/platform"),
        "research": ("budget_kind = 'budget', budget_id = id, budget_name = 'labels',"
        " user_id = NULL, limit_source = NULL, subject = 'search'", "acme/research"),
        "all": ("kind = 'unpriced_models', models = '[]', model_count = 1, budget_kind = NULL,"
        " limit_micros = NULL, limit_source = NULL, spent_micros = NULL, reserved_micros = NULL,"
        " threshold_percent = NULL, user_id = NULL, subject = ''", "acme/Everyone"),
    }  # fmt: skip
    groups = acme.groups | {"acme/Everyone": acme.organizations["acme"]}
    for name, (change, group) in changes.items():
        made[name] = raise_alert(database, acme)
        database.run(
            f"UPDATE ai_alerts SET {change}, group_id = %s WHERE id = %s", groups[group], made[name]
        )
    made["globex"] = raise_alert(database, acme, "maya")
    globex = acme.organizations["globex"]
    database.run("UPDATE ai_alerts SET organization_id = %s WHERE id = %s", globex, made["globex"])
    # Within a millisecond the order of the ids is random.
    for name, id_ in made.items():
        number = f"0192f000-{list(made).index(name):04}-7000-8000-000000000000"
        database.run("UPDATE ai_alerts SET id = %s WHERE id = %s", number, id_)
        made[name] = number
    return made


ALL = ["all", "research", "platform", "otto", "maya"]


def test_each_caller_sees_what_their_roles_let_them_read(
    acme: Acme, raised: dict[str, str]
) -> None:
    seen = {
        "olivia": ALL,
        "adam": ALL,
        "ana": ALL,
        "maya": ["all", "platform", "maya"],
        "otto": ["all", "otto"],
    }
    assert {who: ids(acme, who) for who in seen} == {
        who: [raised[name] for name in names] for who, names in seen.items()
    }
    # They look like callers of an organization that does not exist.
    assert [acme.client(who).get(PATH).status for who in ("gus", "nora")] == [404, 404]


def test_alerts_are_filtered_by_user_and_time(
    acme: Acme, database: Database, raised: dict[str, str]
) -> None:
    assert ids(acme, "adam", "?user=otto") == [raised["otto"]]
    assert ids(acme, "adam", f"?user={acme.users['maya']}") == [raised["maya"]]
    assert ids(acme, "maya", "?user=me") == [raised["maya"]]
    assert ids(acme, "adam", "?user=nobody") == []
    for name, day in (("maya", 1), ("otto", 2), ("platform", 3)):
        database.run(
            f"UPDATE ai_alerts SET raised_at = '2026-01-0{day}T00:00:00Z' WHERE id = %s",
            raised[name],
        )
    between = "?from=2026-01-02T00:00:00Z&to=2026-01-03T00:00:00Z"
    assert ids(acme, "adam", between) == [raised["otto"]]


def test_pages_are_newest_first_and_end(database: Database, acme: Acme) -> None:
    names = sorted(raise_many(database, acme, 5), reverse=True)
    seen: list[str] = []
    sizes: list[int] = []
    following: str | None = ""
    while following is not None:
        page = acme.client("adam").get(f"{PATH}?limit=2{following and '&after=' + following}")
        seen += [each["id"] for each in page.json()["alerts"]]
        sizes.append(len(page.json()["alerts"]))
        following = page.json()["next"]
    assert (seen, sizes) == (names, [2, 2, 1])


def test_a_bad_parameter_is_refused_by_its_name(acme: Acme) -> None:
    for query in (
        "after=770c105b-7660-409f-b893-15370afaf43a",
        "after=x",
        "from=yesterday",
        "to=2026-01-01",
        "since=2026-01-01T00:00:00Z",
        "limit=0",
        "user=a.b",
    ):
        answer = acme.client("adam").get(f"{PATH}?{query}")
        assert answer.status == 400, query
        named = [each["field"] for each in answer.json()["validations"]]
        assert named == [query.partition("=")[0]]


def test_an_alert_is_listed_with_its_facts_and_delivery(
    database: Database, acme: Acme, aws: Receivers
) -> None:
    id_ = raise_alert(database, acme)

    def listed() -> dict[str, Any]:
        (alert,) = acme.client("maya").get(PATH).json()["alerts"]
        return alert

    before = listed()
    assert before.pop("raised_at").endswith("Z")
    assert before == {
        "id": id_,
        "kind": "threshold",
        "budget_kind": "allowance",
        "budget_id": None,
        "budget_name": None,
        "subject": str(acme.users["maya"]),
        "organization_id": str(acme.organizations["acme"]),
        "group_id": str(acme.groups["acme/platform"]),
        "group_name": "platform",
        "threshold_percent": 85,
        "limit_micros": 25_000_000,
        "limit_source": "group",
        "spent_micros": 21_250_001,
        "reserved_micros": 0,
        "period_start": "2026-11-01T00:00:00.000000Z",
        "period_end": "2026-12-01T00:00:00.000000Z",
        "models": None,
        "model_count": None,
        "user": {"id": str(acme.users["maya"]), "username": "maya"},
        "delivered_at": None,
    }
    deliver()
    assert listed()["delivered_at"] is not None


def test_a_period_without_end_is_listed_without_one(database: Database, acme: Acme) -> None:
    raise_alert(database, acme)
    database.run("UPDATE ai_alerts SET period_start = '-infinity', period_end = 'infinity'")
    (alert,) = acme.client("maya").get(PATH).json()["alerts"]
    assert (alert["period_start"], alert["period_end"]) == (None, None)


def test_the_gate_of_the_feature_covers_alerts(database: Database, acme: Acme) -> None:
    with environment(DATABASE_URL=database.app_url, AI_BUDGETS_ENABLED="false"):
        assert acme.client("adam").get(PATH).status == 403
