"""Old alerts and refusals are deleted, and what was alerted of periods that are over."""

import pytest

from tests.alerts import raise_some
from tests.organization_budgets import BUDGETS, created
from tests.people import Acme
from tests.postgres import Database
from tests.usage import expire

OLD = "date_trunc('month', now(), 'UTC') - interval '13 months'"
"""13 whole months before the current one are kept."""
MOMENT = "interval '1 second'"
NOBODY = "00000000-0000-0000-0000-000000000000"


def test_alerts_of_more_than_13_months_ago_go_with_their_deliveries(
    database: Database, acme: Acme
) -> None:
    """Their ids have the order of their times. An alert that nobody accepted goes too."""
    moments = [f"{OLD} - {MOMENT}", f"{OLD} - {MOMENT}", f"{OLD} + {MOMENT}"]
    for at, alert in zip(moments, raise_some(database, acme, [1, 2, 3]), strict=True):
        database.run(f"UPDATE ai_alerts SET id = ai_uuid_of({at}) WHERE id = %s", alert)
    database.run(
        "INSERT INTO ai_alert_deliveries (alert_id, receiver)"
        " SELECT id, 'sns' FROM ai_alerts WHERE threshold_percent > 1"
    )
    expire(database, 0)
    assert database.rows("SELECT threshold_percent::int FROM ai_alerts") == [(3,)]
    assert database.rows("SELECT count(*) FROM ai_alert_deliveries") == [(1,)]


def test_refusals_of_more_than_13_months_ago_go(database: Database, acme: Acme) -> None:
    database.run(
        "INSERT INTO ai_refusals SELECT %s, %s, (" + OLD + ")::date + n,"
        " 'unpriced_model', %s, 'p', 'm', 1, now() FROM generate_series(-2, 0) AS n",
        acme.organizations["acme"],
        acme.users["maya"],
        NOBODY,
    )
    expire(database, 0)
    assert database.rows(f"SELECT day = ({OLD})::date FROM ai_refusals") == [(True,)]


def test_what_was_alerted_is_kept_until_the_period_is_over(database: Database, acme: Acme) -> None:
    """A budget without periods keeps it until the budget ends."""
    adam = acme.client("adam")
    for name, unit in (("year", "year"), ("always", "none"), ("ended", "none")):
        created(adam, name, period={"unit": unit, "time_zone": "Asia/Kolkata"})
    database.run(
        "INSERT INTO ai_alert_states (budget_id, subject, period_start)"
        " SELECT id, name || ' now', starts FROM (SELECT b.id, b.name,"
        " (ai_budget_period(b, now())).starts FROM ai_budgets AS b) AS b"
        " UNION ALL SELECT b.id, 'year before',"
        " (ai_budget_period(b, now() - interval '1 year')).starts FROM ai_budgets AS b"
        " WHERE b.name = 'year'"
        f" UNION ALL SELECT '{NOBODY}', 'month now', date_trunc('month', now(), 'UTC')"
        f" UNION ALL SELECT '{NOBODY}', 'month before',"
        " date_trunc('month', now(), 'UTC') - interval '1 month'"
    )
    assert adam.delete(f"{BUDGETS}/ended").status == 204
    expire(database, 0)
    assert sorted(database.rows("SELECT subject FROM ai_alert_states")) == [
        ("always now",),
        ("month now",),
        ("year now",),
    ]


@pytest.mark.parametrize("table", ["ai_alerts", "ai_alert_states", "ai_refusals"])
def test_more_than_a_page_goes_in_one_run(
    database: Database, acme: Acme, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    monkeypatch.setattr("allowance.usage.retention.TIDIED_AT_ONCE", 2)
    raise_some(database, acme, range(1, 6))
    database.run(f"UPDATE ai_alerts SET id = ai_uuid_of({OLD} - {MOMENT})")
    database.run(
        "INSERT INTO ai_alert_states (budget_id, subject, period_start)"
        f" SELECT '{NOBODY}', n::text, '2020-01-01' FROM generate_series(1, 5) AS n"
    )
    database.run(
        f"INSERT INTO ai_refusals SELECT '{NOBODY}', '{NOBODY}', '2020-01-01', '', '{NOBODY}',"
        " 'p', n::text, 1, now() FROM generate_series(1, 5) AS n"
    )
    for other in {"ai_alerts", "ai_alert_states", "ai_refusals"} - {table}:
        database.run(f"DELETE FROM {other}")
    expire(database, 0)
    assert database.rows(f"SELECT count(*) FROM {table}") == [(0,)]
