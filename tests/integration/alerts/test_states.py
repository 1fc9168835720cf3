"""What is kept of each alert decides about the next one: by budget, subject and period."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from tests.alert_limits import LIMIT, used
from tests.alerts import deliver
from tests.gateway import Client
from tests.organization_budgets import created
from tests.people import Acme
from tests.postgres import Database
from tests.reservations import PATH, of_cost, reserve
from tests.sessions import PATIENCE_SECONDS, be_patient, wait_for_waiters
from tests.usage import results

ALERTS = "SELECT kind, subject, reserved_micros::int FROM ai_alerts WHERE budget_kind = 'budget'"
STATES = "SELECT threshold_percent::int, over_limit FROM ai_alert_states"
NO_LIMIT, FIRST = {"period": {"unit": "none"}, "thresholds": [50, 90]}, "ORDER BY raised_at, id"


@pytest.fixture
def adam(acme: Acme) -> Client:
    return acme.client("adam")


def spend(gateway: Client, *usages: tuple[int, str, int]) -> None:
    answers = results(gateway, *(used(n, micros, user=user) for n, user, micros in usages))
    assert {each["status"] for each in answers} == {"recorded"}


def refuse(gateway: Client, user: str, numbers: Iterable[int] = (1,)) -> None:
    for number in numbers:
        assert gateway.post(PATH, of_cost(1, number, user=user)).status == 403


def test_nobody_reaches_a_limit_that_is_gone(
    gateway: Client, acme: Acme, database: Database
) -> None:
    olivia, path = acme.client("olivia"), acme.budget_path("acme/Everyone")
    spend(gateway, (1, "maya", LIMIT))
    assert olivia.delete(path).status == 204
    assert deliver()["raised"] == 0
    assert database.rows(STATES) == [(0, False)]
    assert olivia.put(path, {"spend_limit_micros": LIMIT}).status == 200
    assert deliver()["raised"] == 1


def test_who_spent_nothing_has_not_used_up_a_limit_of_zero(
    gateway: Client, acme: Acme, database: Database
) -> None:
    spend(gateway, (1, "maya", 0))
    acme.client("olivia").put(acme.budget_path("acme/Everyone"), {"spend_limit_micros": 0})
    assert deliver()["raised"] == 0
    assert database.rows(STATES) == []


def test_a_look_waits_for_usage_that_is_being_recorded(
    gateway: Client, acme: Acme, database: Database
) -> None:
    """Otherwise an older view of the spend could overwrite a newer one."""
    spend(gateway, (1, "maya", 1))
    database.run("INSERT INTO ai_alert_queue (user_id) VALUES (%s)", acme.users["maya"])
    be_patient(database)
    with database.connect() as recording, ThreadPoolExecutor(1) as pool:
        recording.execute("BEGIN")
        recording.execute(f"UPDATE ai_user_spend_monthly SET cost_micros = {LIMIT}".encode())
        looking = pool.submit(deliver)
        wait_for_waiters(database)
        recording.execute("COMMIT")
        assert looking.result(PATIENCE_SECONDS)["raised"] == 1
    assert database.rows(STATES) == [(100, True)]


def test_each_subject_and_period_begins_without_a_share(
    gateway: Client, acme: Acme, adam: Client, database: Database
) -> None:
    """What was alerted of another member, and of the month before, suppresses nothing."""
    id_ = created(adam, "members", per="member", limit_micros=100, thresholds=[50, 90])["id"]
    maya, otto = (str(acme.users[each]) for each in ("maya", "otto"))
    database.run(
        "INSERT INTO ai_alert_states (budget_id, subject, period_start, threshold_percent)"
        " VALUES (%s, %s, date_trunc('month', now(), 'UTC') - interval '1 month', 90),"
        " (%s, %s, date_trunc('month', now(), 'UTC'), 0)",
        id_,
        maya,
        id_,
        otto,
    )
    for number, (user, micros) in enumerate((("maya", 7), ("otto", 9))):
        reserve(gateway, of_cost(micros, number, user=user))
    spend(gateway, (1, "maya", 90), (2, "otto", 91))
    assert deliver()["raised"] == 2
    found = set(database.rows(ALERTS))
    assert found == {("threshold", maya, 7), ("threshold", otto, 9)}, "each its own holds"
    assert deliver()["raised"] == 0


def test_an_alert_of_a_budget_is_none_of_the_allowance(
    gateway: Client, acme: Acme, adam: Client, database: Database
) -> None:
    """Both may be about the same member and month. Expired holds are in no alert."""
    id_ = created(adam, "members", per="member", limit_micros=LIMIT)["id"]
    database.run(
        "INSERT INTO ai_alert_states (budget_id, subject, period_start, threshold_percent)"
        " VALUES (%s, %s, date_trunc('month', now(), 'UTC'), 85)",
        id_,
        str(acme.users["maya"]),
    )
    for number, micros in enumerate((5, 7)):
        reserve(gateway, of_cost(micros, number))
    database.run("UPDATE ai_reservation_holds SET expires_at = now() WHERE amount_micros = 5")
    spend(gateway, (1, "maya", 8_500))
    assert deliver()["raised"] == 0
    assert database.rows("SELECT budget_kind, reserved_micros::int FROM ai_alerts") == [
        ("allowance", 7)
    ]


def test_a_refusal_alerts_once_whatever_is_spent_afterwards(
    gateway: Client, adam: Client, database: Database
) -> None:
    """Also by a budget without periods."""
    created(adam, "all", limit_micros=0, **NO_LIMIT)
    refuse(gateway, "maya")
    assert deliver()["raised"] == 1
    spend(gateway, (1, "otto", 5))
    refuse(gateway, "maya", (2, 3))
    assert [deliver()["raised"] for _ in range(2)] == [1, 0]
    kinds = [kind for kind, *_ in database.rows(f"{ALERTS} {FIRST}")]
    assert kinds == ["refused", "threshold"]


def test_nothing_spent_reaches_no_share_of_a_limit_of_zero(
    gateway: Client, adam: Client, database: Database
) -> None:
    created(adam, "all", limit_micros=0)
    reserve(gateway, of_cost(0))
    assert database.rows("SELECT count(*) FROM ai_budget_counters") == [(16,)]
    assert deliver()["raised"] == 0


def test_a_limit_of_zero_with_something_carried_over_has_shares(
    gateway: Client, adam: Client, database: Database
) -> None:
    created(adam, "all", limit_micros=0, rollover_micros=5)
    refuse(gateway, "maya")
    assert deliver()["raised"] == 0
    assert database.rows("SELECT count(*) FROM ai_refusals") == [(1,)]


def test_the_refusals_of_one_member_are_not_those_of_another(
    gateway: Client, acme: Acme, adam: Client, database: Database
) -> None:
    created(adam, "members", per="member", limit_micros=0)
    spend(gateway, (1, "maya", 5))
    refuse(gateway, "otto")
    assert deliver()["raised"] == 2
    assert set(database.rows(ALERTS)) == {
        ("threshold", str(acme.users["maya"]), 0),
        ("refused", str(acme.users["otto"]), 0),
    }
    # What is alerted takes no place in the page of a later run.
    assert database.rows("SELECT changed FROM raise_ai_budget_alerts(9)") == [(0,)]


def test_a_refusal_of_an_earlier_period_is_over(
    gateway: Client, adam: Client, database: Database
) -> None:
    created(adam, "all", limit_micros=0, period={"unit": "day", "time_zone": "Asia/Kolkata"})
    refuse(gateway, "maya")
    database.run(
        "UPDATE ai_refusals AS r SET last_at = p.starts - interval '1 microsecond' FROM"
        " ai_budgets AS b, ai_budget_period(b, now()) AS p"
    )
    assert deliver()["raised"] == 0
    database.run(
        "UPDATE ai_refusals AS r SET last_at = p.starts, day = (p.starts AT TIME ZONE 'UTC')::date"
        " FROM ai_budgets AS b, ai_budget_period(b, now()) AS p"
    )
    assert deliver()["raised"] == 1


def test_only_the_entries_that_a_run_took_are_worked_off(
    gateway: Client, acme: Acme, database: Database
) -> None:
    """Those of others are theirs: a user, and a group with users to look at."""
    database.run("DELETE FROM ai_alert_queue")
    everyone = acme.organizations["acme"]
    ids = [
        database.rows(
            "INSERT INTO ai_alert_queue (user_id, group_id) VALUES (%s, %s) RETURNING id", *entry
        )[0][0]
        for entry in (
            (acme.users["maya"], None),
            (acme.users["otto"], None),
            (None, everyone),
            (None, acme.groups["acme/platform"]),
        )
    ]
    look = "SELECT look_again_at_ai_allowances(ARRAY[%s, %s]::bigint[], 99, '{85}')"
    database.run(look, ids[0], ids[2])
    assert database.rows("SELECT id FROM ai_alert_queue ORDER BY id") == [(ids[1],), (ids[3],)]
    # Of two groups the older entry is first, whatever the order of their rows.
    for _ in range(2):
        database.run("INSERT INTO ai_alert_queue (group_id) VALUES (%s)", UUID(int=9))
    database.run("UPDATE ai_alert_queue SET due_at = now() WHERE id = %s", ids[3])
    ((newer,),) = database.rows("SELECT max(id) FROM ai_alert_queue")
    database.run(look, newer, ids[3])
    left = database.rows("SELECT group_id FROM ai_alert_queue WHERE group_id IS NOT NULL")
    assert left == [(UUID(int=9),)] * 2
    del gateway
