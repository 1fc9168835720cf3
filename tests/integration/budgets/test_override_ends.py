"""An override with `expires_at`: from then on it counts for nothing, and its end is recorded."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

import expire_overrides
from allowance.rbac.system import Login
from tests.gateway import Client, Context
from tests.overrides import MAYA, NOT_FOUND, entries, import_, limit
from tests.people import Acme
from tests.postgres import Database
from tests.refusals import CHANGED_BY_OWNERS

DISTANT = "2200-01-01T00:00:00.000000Z"
TO_COME = [{"field": "expires_at", "detail": "Must be a time to come."}]


def end(database: Database) -> str:
    """Let the time of every override be over, and return when it ended."""
    ((ended,),) = database.rows(
        "UPDATE user_ai_budget_overrides SET expires_at = now() - interval '1 microsecond'"
        " RETURNING to_char(expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
    )
    return ended


def spend_limit(client: Client) -> tuple[int | None, str | None]:
    spend = client.get("/api/v2/users/maya/ai/spend").json()
    return spend["spend_limit_micros"], spend["limit_source"]


def test_an_end_is_shown_and_a_put_without_it_removes_it(olivia: Client, acme: Acme) -> None:
    put = olivia.put(MAYA, limit(acme) | {"expires_at": "2200-01-01T02:00:00+02:00"})
    assert (put.status, put.json()["expires_at"]) == (200, DISTANT)
    assert olivia.get(MAYA).json() == put.json()
    again = olivia.put(MAYA, limit(acme))
    assert (again.status, again.json()["expires_at"]) == (200, None)


@pytest.mark.parametrize("ahead", [timedelta(0), -timedelta(days=1)])
def test_an_end_that_is_over_is_refused(olivia: Client, acme: Acme, ahead: timedelta) -> None:
    ends = (datetime.now(UTC) + ahead).isoformat()
    answer = olivia.put(MAYA, limit(acme) | {"expires_at": ends})
    assert (answer.status, answer.json()["validations"]) == (400, TO_COME)
    assert olivia.get(MAYA).status == 404


@pytest.mark.parametrize("ends", ["tomorrow", 7, "2026-11-28", "infinity"])
def test_an_end_that_is_no_time_is_refused(olivia: Client, acme: Acme, ends: Any) -> None:
    answer = olivia.put(MAYA, limit(acme) | {"expires_at": ends})
    assert (answer.status, answer.json()["validations"][0]["field"]) == (400, "expires_at")


def test_a_stranger_learns_nothing_from_an_end_that_is_over(acme: Acme) -> None:
    over = limit(acme) | {"expires_at": "2026-01-01T00:00:00Z"}
    assert acme.client("gus").put(MAYA, over).json() == CHANGED_BY_OWNERS
    assert acme.client("otto").put(MAYA, over).json() == NOT_FOUND


def test_an_override_that_is_over_counts_for_nothing(
    olivia: Client, acme: Acme, database: Database
) -> None:
    group = f"/api/v2/groups/{acme.groups['acme/platform']}/ai"
    olivia.put(f"{group}/budget", {"spend_limit_micros": 40})
    before = olivia.get(f"{group}/spend").json()
    olivia.put(MAYA, limit(acme, 1000) | {"expires_at": DISTANT})
    assert spend_limit(olivia) == (1000, "user_override")
    end(database)
    assert spend_limit(olivia) == (40, "group")
    assert olivia.get(f"{group}/spend").json() == before
    assert olivia.get(MAYA).json() == NOT_FOUND
    assert olivia.delete(MAYA).json() == NOT_FOUND


def test_the_job_records_each_end_once(olivia: Client, acme: Acme, database: Database) -> None:
    olivia.put(MAYA, limit(acme) | {"expires_at": DISTANT})
    assert expire_overrides.handler({}, Context()) == {"ended": 0}
    ended = end(database)
    assert expire_overrides.handler({}, Context()) == {"ended": 1}
    assert expire_overrides.handler({}, Context()) == {"ended": 0}
    assert [each[:4] for each in entries(database)] == [
        ("olivia", "create", None, limit(acme) | {"expires_at": DISTANT}),
        ("override-expirer", "delete", limit(acme) | {"expires_at": ended}, None),
    ]


def test_a_put_after_the_end_creates_with_both_entries(
    olivia: Client, acme: Acme, database: Database
) -> None:
    """In the group that the other override left, the caller needs no right."""
    olivia.put(MAYA, limit(acme) | {"expires_at": DISTANT})
    ended = end(database)
    put = olivia.put(MAYA, limit(acme, 9, "acme/Everyone"), headers={"If-None-Match": "*"})
    assert put.status == 200
    assert [each[:4] for each in entries(database)][1:] == [
        ("override-expirer", "delete", limit(acme) | {"expires_at": ended}, None),
        ("olivia", "create", None, limit(acme, 9, "acme/Everyone")),
    ]


def test_leaving_the_group_after_the_end_is_no_removal(
    olivia: Client, acme: Acme, database: Database
) -> None:
    olivia.put(MAYA, limit(acme) | {"expires_at": DISTANT})
    end(database)
    import_({"users": [{"username": "maya", "organizations": [{"name": "acme", "groups": []}]}]})
    assert [each[:2] for each in entries(database)] == [
        ("olivia", "create"),
        ("override-expirer", "delete"),
    ]


@pytest.mark.parametrize(
    ("actor", "before"),
    [
        ("override-expirer", f'{{"expires_at": "{DISTANT}"}}'),
        ("override-expirer", "{}"),
        ("price-seeder", '{"expires_at": "2026-01-01T00:00:00Z"}'),
    ],
)
def test_no_route_records_an_end_that_did_not_come(
    database: Database, acme: Acme, actor: str, before: str
) -> None:
    with (
        psycopg.connect(database.url_of(Login.ROUTES)) as routes,
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="actor"),
    ):
        routes.execute(
            "INSERT INTO audit_log (actor_name, action, resource_type, resource_id, before,"
            " request_id) VALUES (%s, 'delete', 'user_ai_budget_override', 'x', %s, '')",
            (actor, before),
        )
