"""What every spend route does with a request: ids, the feature gate and round trips."""

from uuid import UUID

import pytest

from tests.conftest import environment
from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.spend import spend_paths
from tests.wire import wire


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "group_ids"),
        ("group_ids=", "group_ids"),
        ("group_ids=a%00", "group_ids"),
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


def test_a_hundred_ids_are_accepted_in_any_case_and_each_once(acme: Acme, adam: Client) -> None:
    platform = str(acme.groups["acme/platform"])
    ids = [platform, platform.upper(), *(str(UUID(int=n)) for n in range(98))]
    found = adam.get(f"/api/v2/organizations/acme/groups/ai/spend?group_ids={','.join(ids)}").json()
    assert [each["group_id"] for each in found["groups"]] == [platform]


def test_the_gate_of_the_feature_covers_spend(acme: Acme, database: Database) -> None:
    with environment(DATABASE_URL=database.app_url, AI_BUDGETS_ENABLED="false"):
        for path in spend_paths(acme):
            assert acme.client("adam").get(path).status == 403


def test_spend_costs_two_round_trips(database: Database, acme: Acme) -> None:
    adam = acme.client("adam")
    with wire(database.app_url) as counted, environment(DATABASE_URL=counted.url):
        assert adam.get("/api/v2/users/me").status == 200
        for path in spend_paths(acme):
            counted.reset()
            assert adam.get(path).status == 200
            assert counted.trips == 2, path
