"""DeliverAlerts looks at the allowances that a write, an import or a time has changed."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

import expire_overrides
import import_directory
from allowance.metrics import count_overspending
from tests.alert_limits import LIMIT, used
from tests.alerts import deliver, raise_alert
from tests.conftest import environment
from tests.gateway import Client, Context
from tests.people import Acme
from tests.postgres import Database
from tests.receivers import Receivers
from tests.usage import results

ALERTS = "SELECT threshold_percent::int, limit_micros::int, limit_source FROM ai_alerts ORDER BY id"
OVERRIDE = "/api/v2/users/maya/ai/budget/override"
QUEUE = "SELECT count(*)::int FROM ai_alert_queue"


def set_limit(acme: Acme, micros: int, group: str = "acme/Everyone") -> None:
    body = {"spend_limit_micros": micros}
    assert acme.client("olivia").put(acme.budget_path(group), body).status == 200


def override(acme: Acme, micros: int, **more: Any) -> None:
    body = {"group_id": str(acme.organizations["acme"]), "spend_limit_micros": micros} | more
    assert acme.client("olivia").put(OVERRIDE, body).status == 200


def bring(*groups: str) -> None:
    """maya is in these groups of acme."""
    of_maya = [{"name": "acme", "groups": list(groups)}]
    import_directory.handler({"users": [{"username": "maya", "organizations": of_maya}]}, Context())


def end_override(acme: Acme, database: Database) -> None:
    database.run("UPDATE user_ai_budget_overrides SET expires_at = now() - interval '1 second'")


def end_and_tidy(acme: Acme, database: Database) -> None:
    end_override(acme, database)
    expire_overrides.handler({}, Context())


def end_platform(acme: Acme, database: Database) -> None:
    database.run("DELETE FROM groups WHERE id = %s", acme.groups["acme/platform"])


CHANGES: dict[str, Callable[[Acme, Database], object]] = {
    "lowered limit": lambda a, _: set_limit(a, 9_000, "acme/platform"),
    "deleted budget": lambda a, _: a.client("olivia").delete(a.budget_path("acme/platform")),
    "new override": lambda a, _: override(a, 9_000),
    "left group": lambda a, _: bring(),
    "deleted group": end_platform,
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_that_lowers_a_limit_alerts_within_a_run(
    gateway: Client, acme: Acme, database: Database, change: str
) -> None:
    """maya has the higher limit of platform, until the change leaves a lower one."""
    set_limit(acme, 9_000)
    set_limit(acme, 100_000, "acme/platform")
    results(gateway, used(1, 9_000), used(2, 1, user="otto"))
    deliver()
    assert database.rows(ALERTS) == []
    CHANGES[change](acme, database)
    assert deliver()["raised"] == 1
    source = "user_override" if change == "new override" else "group"
    assert database.rows(ALERTS) == [(100, 9_000, source)]
    assert deliver()["raised"] == 0
    assert database.rows(QUEUE) == [(0,)]


@pytest.mark.parametrize("ending", [end_override, end_and_tidy], ids=["expired", "tidied"])
def test_an_override_that_ends_alerts_whether_it_is_deleted_or_not(
    gateway: Client, acme: Acme, database: Database, ending: Callable[[Acme, Database], None]
) -> None:
    override(acme, 100_000, expires_at="2999-01-01T00:00:00Z")
    results(gateway, used(1, 9_000))
    deliver()
    database.run("DELETE FROM ai_alert_queue")
    if ending is end_override:
        # No trigger tells: time alone has ended it.
        database.run("ALTER TABLE user_ai_budget_overrides DISABLE TRIGGER ALL")
    ending(acme, database)
    assert deliver()["raised"] == 1
    assert database.rows(ALERTS) == [(85, LIMIT, "group")]


def test_joining_a_group_with_a_limit_alerts(
    gateway: Client, acme: Acme, database: Database
) -> None:
    acme.client("olivia").delete(acme.budget_path("acme/Everyone"))
    set_limit(acme, 1_000, "acme/research")
    results(gateway, used(1, 1_000))
    deliver()
    assert database.rows(ALERTS) == []
    bring("platform", "research")
    assert deliver()["raised"] == 1


def test_joining_or_losing_an_organization_alerts(
    gateway: Client, acme: Acme, database: Database
) -> None:
    """gus is in globex. He joins acme with its higher limit, leaves, and joins; then acme goes."""

    def be_in(*names: str) -> int:
        organizations = [{"name": name} for name in names]
        member = {"username": "gus", "organizations": organizations}
        import_directory.handler({"users": [member]}, Context())
        return deliver()["raised"]

    reached = "SELECT threshold_percent::int FROM ai_alert_states"
    set_limit(acme, 100, "globex/Everyone")
    results(gateway, used(1, 85, user="gus"))
    deliver()
    assert (be_in("globex", "acme"), database.rows(reached)) == (0, [(0,)])
    assert (be_in("globex"), database.rows(reached)) == (1, [(85,)])
    assert (be_in("globex", "acme"), database.rows(reached)) == (0, [(0,)])
    import_directory.handler(
        {"organizations": [{"name": "acme", "deleted": True}], "confirm_deletions": True}, Context()
    )
    assert deliver()["raised"] == 1
    assert database.rows(ALERTS) == [(85, 100, "group")] * 3


def test_the_same_limit_again_looks_at_nobody(acme: Acme, database: Database) -> None:
    set_limit(acme, 1)
    database.run("DELETE FROM ai_alert_queue")
    set_limit(acme, 1)
    assert database.rows(QUEUE) == [(0,)]


def test_a_large_group_is_worked_off_in_pages(
    gateway: Client, acme: Acme, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("allowance.alerts.evaluation.PAGE", 2)
    results(gateway, *(used(n, 8_000, user=user) for n, user in enumerate(("maya", "otto", "ana"))))
    for micros in (20_000, 8_000, 9_000):
        set_limit(acme, micros)
    assert database.rows(QUEUE + " WHERE group_id IS NOT NULL") == [(4,)]
    with monkeypatch.context() as patch:
        patch.setattr("allowance.alerts.evaluation.EVALUATING_SECONDS", 0)
        assert deliver()["raised"] == 0
    assert deliver()["raised"] == 3
    assert database.rows(QUEUE) == [(0,)]


def test_a_page_ends_one_look_and_begins_the_next(acme: Acme, database: Database) -> None:
    """Four members of acme by pages of two: the place in the group moves, then the entry ends."""
    database.run("DELETE FROM ai_alert_queue")
    set_limit(acme, 1)
    ((id_,),) = database.rows("SELECT id FROM ai_alert_queue")
    members = [
        user
        for (user,) in database.rows(
            "SELECT user_id FROM organization_members WHERE organization_id = %s ORDER BY 1",
            acme.organizations["acme"],
        )
    ]
    places: list[Any] = []
    for _ in range(3):
        database.run("SELECT look_again_at_ai_allowances(ARRAY[%s::bigint], 2, '{85}')", id_)
        places += database.rows("SELECT after_user_id FROM ai_alert_queue")
    assert places == [(members[1],), (members[3],)]


def test_entries_of_a_group_that_has_not_begun_are_one(acme: Acme, database: Database) -> None:
    database.run("DELETE FROM ai_alert_queue")
    for micros in (1, 2, 3):
        set_limit(acme, micros)
    ids = [id_ for (id_,) in database.rows("SELECT id FROM ai_alert_queue ORDER BY id")]
    database.run(
        "UPDATE ai_alert_queue SET after_user_id = gen_random_uuid() WHERE id = %s", ids[2]
    )
    database.run("SELECT look_again_at_ai_allowances(ARRAY[%s::bigint], 99, '{85}')", ids[0])
    assert database.rows("SELECT id FROM ai_alert_queue") == [(ids[2],)], "one is in progress"


def test_a_failing_entry_lets_others_pass_and_delivery_goes_on(
    gateway: Client, acme: Acme, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An entry that fails its statement waits for a while. The next run does the rest."""
    monkeypatch.setattr("allowance.alerts.evaluation.PAGE", 1)
    results(gateway, used(1, 9_000), used(2, 9_000, user="otto"))
    database.run("DELETE FROM ai_alerts")
    database.run("DELETE FROM ai_alert_states")
    database.run("DELETE FROM ai_alert_queue")
    database.run(
        "CREATE FUNCTION fail_for_maya() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF new.subject = '{acme.users['maya']}' THEN RAISE 'no'; END IF; RETURN new; END $$"
    )
    database.run(
        "CREATE TRIGGER fail BEFORE INSERT ON ai_alerts FOR EACH ROW EXECUTE FUNCTION"
        " fail_for_maya()"
    )
    for user in ("maya", "otto"):
        database.run("INSERT INTO ai_alert_queue (user_id) VALUES (%s)", acme.users[user])
    with pytest.raises(psycopg.errors.RaiseException):
        deliver()
    assert deliver()["raised"] == 1
    assert database.rows("SELECT user_id FROM ai_alerts") == [(acme.users["otto"],)]
    database.run("DROP TRIGGER fail ON ai_alerts")
    database.run("UPDATE ai_alert_queue SET due_at = now()")
    assert deliver()["raised"] == 1


def test_a_run_that_fails_to_look_still_delivers(
    database: Database, acme: Acme, aws: Receivers
) -> None:
    name = raise_alert(database, acme)
    database.run("REVOKE EXECUTE ON FUNCTION raise_ai_budget_alerts(bigint) FROM allowance_jobs")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        deliver()
    assert [each["id"] for each in aws.put()] == [name]


def test_users_over_their_limit_are_counted_whatever_the_thresholds(
    gateway: Client, acme: Acme, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[int] = []

    def count(*, users_over_limit: int, unpriced_tokens: int | None) -> None:
        counted.append(users_over_limit)
        count_overspending(users_over_limit=users_over_limit, unpriced_tokens=unpriced_tokens)

    monkeypatch.setattr("allowance.alerts.evaluation.count_overspending", count)
    for thresholds in ("none", "150"):
        with environment(DATABASE_URL=database.app_url, ALERT_THRESHOLDS=thresholds):
            # The next run has nobody to look at: usage alone says who is over the limit.
            deliver()
            counted.clear()
            results(gateway, used(1, LIMIT), used(2, LIMIT - 1, user="otto"))
            deliver()
            set_limit(acme, LIMIT + 1)
            deliver()
            set_limit(acme, LIMIT)
            deliver()
        assert counted == [1, 0, 1]
        database.run("TRUNCATE ai_user_spend_monthly, ai_alert_states, ai_usage_keys")
    assert database.rows(ALERTS) == []
