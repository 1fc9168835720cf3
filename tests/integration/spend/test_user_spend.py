"""The spend of one user: the limit in effect, who may read it, and the days that count."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from allowance.access.caller import Caller, Membership, TokenInfo, UserReference
from allowance.access.gate import Gate
from allowance.access.store import Origin
from allowance.budgets.effective import period_containing
from allowance.contract.fields import rfc3339
from allowance.database.database import Database as Connection
from allowance.database.settings import DatabaseSource
from allowance.rbac.policy import Subject
from allowance.rbac.roles import roles_of_user
from allowance.spend.periods import PeriodQuery
from allowance.spend.store import UserSpendStore
from tests.gateway import Client
from tests.ledger import add_spend
from tests.people import Acme
from tests.postgres import Database
from tests.spend import (
    NO_GROUP,
    NOT_FOUND,
    group_spend,
    groups_spend,
    member_spend,
    period,
    spend,
    today,
)


def test_a_user_sees_the_spend_of_all_groups_against_one_limit(
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
            "unpriced_usage_count": 0,
        }


def test_an_override_is_the_limit(acme: Acme, olivia: Client, maya: Client) -> None:
    body = {"group_id": str(acme.groups["acme/Everyone"]), "spend_limit_micros": 0}
    olivia.put("/api/v2/users/maya/ai/budget/override", body)
    found = maya.get("/api/v2/users/me/ai/spend").json()
    assert found["effective_budget"] == {"spend_limit_micros": 0, "limit_source": "user_override"}
    assert found["effective_group_id"] == str(acme.organizations["acme"])


def test_without_a_budget_or_an_organization_limit_and_group_are_null(
    acme: Acme, maya: Client
) -> None:
    found = maya.get("/api/v2/users/me/ai/spend").json()
    assert (found["effective_group_id"], found["effective_budget"]) == (
        str(acme.organizations["acme"]),
        None,
    )
    assert (found["spend_limit_micros"], found["limit_source"]) == (None, None)
    nobody = acme.client("nora").get("/api/v2/users/me/ai/spend").json()
    assert (nobody["effective_group_id"], nobody["current_spend_micros"]) == (None, 0)


@pytest.mark.parametrize(
    ("username", "status"),
    [
        ("maya", 200),
        ("adam", 200),
        ("olivia", 200),
        ("gus", 200),
        ("otto", 404),
        ("ana", 404),
        ("nora", 404),
    ],
)
def test_a_caller_who_may_read_the_user_may_read_the_spend(
    acme: Acme, username: str, status: int
) -> None:
    """gus administers another organization: an organization admin reads every user of the site."""
    answer = acme.client(username).get("/api/v2/users/maya/ai/spend")
    assert answer.status == status
    if status == 404:
        assert (
            answer.json()
            == acme.client(username).get("/api/v2/users/nobody/ai/spend").json()
            == NOT_FOUND
        )


def test_only_the_days_of_the_current_month_count(
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
        token_id="t",
        token=TokenInfo(name="t", expires_at=None, scope=None, maker_scopes=[]),
        scope_groups=[],
        group=None,
        organization=None,
        user=UserReference(id=acme.users["maya"], username="maya"),
        now=datetime.fromisoformat(now),
    )
    gate = Gate(Subject(caller.user_id, roles_of_user([], [])), connection)
    found = UserSpendStore(gate, Origin(caller.user_id, "maya", "r"), caller).get_user_spend(
        PeriodQuery()
    )
    connection.close()
    assert (rfc3339(found.period_start), found.current_spend_micros) == (start, current)


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


def test_spend_is_returned_as_whole_numbers(acme: Acme, maya: Client, database: Database) -> None:
    spend(database, acme, "maya", "acme/platform", 10**12)
    body = maya.get("/api/v2/users/me/ai/spend").body
    assert '"current_spend_micros":1000000000000,' in body
    assert json.loads(body)["reserved_micros"] == 0
