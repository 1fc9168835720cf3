"""The threshold that was alerted follows the state: it falls with it, and then alerts again."""

from tests.alert_limits import LIMIT, RAISED, used
from tests.alerts import deliver
from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, seed
from tests.usage import custom, rerate, results

OVER = "SELECT subject, over_limit FROM ai_alert_states WHERE threshold_percent > 0 OR over_limit"


def limit(acme: Acme, micros: int) -> None:
    body = {"spend_limit_micros": micros}
    assert acme.client("olivia").put(acme.budget_path("acme/Everyone"), body).status == 200


def test_a_raised_limit_that_is_reached_again_alerts_again(
    gateway: Client, acme: Acme, database: Database
) -> None:
    results(gateway, used(1, LIMIT))
    limit(acme, 11_000)
    assert deliver()["raised"] == 0, "90% is lower than what was alerted"
    results(gateway, used(2, 500))
    assert database.rows(RAISED) == [(100, LIMIT)]
    results(gateway, used(3, 500))
    assert database.rows(RAISED) == [(100, LIMIT), (100, 11_000)]
    limit(acme, 100_000)
    deliver()
    results(gateway, used(4, 74_000))
    assert database.rows(RAISED)[2:] == [(85, 85_000)]


def test_without_a_look_at_the_raised_limit_usage_alone_arms_nothing(
    gateway: Client, acme: Acme, database: Database
) -> None:
    """Usage looks at users above the lowest threshold; the job looks at all whose limit changed."""
    results(gateway, used(1, LIMIT))
    limit(acme, 2 * LIMIT)
    results(gateway, used(2, 1))
    assert database.rows(OVER) == [(str(acme.users["maya"]), True)]
    deliver()
    assert database.rows(OVER) == []
    results(gateway, used(3, 7_000))
    assert [percent for percent, _ in database.rows(RAISED)] == [100, 85]


def test_a_correction_that_lowers_spend_arms_the_threshold_again(
    gateway: Client, acme: Acme, database: Database
) -> None:
    results(gateway, used(1, 9_000))
    database.run("UPDATE ai_model_price_versions SET recorded_at = now() - interval '1 day'")
    lower = {"input_price": 100_000, "output_price": 0}
    custom(acme, model="m", **lower, effective_from="2020-01-01T00:00:00Z")
    rerate()
    assert database.rows(OVER) == []
    results(gateway, used(2, 80_000))
    assert database.rows(RAISED) == [(85, 9_000), (85, 8_900)]


def test_a_limit_read_before_it_changed_raises_no_alert(
    gateway: Client, acme: Acme, database: Database
) -> None:
    """The statement gets the limits of its look-ups. It compares with those of now."""
    limit(acme, 10**6)
    results(gateway, used(1, 9_999))
    database.run(
        "SELECT raise_ai_usage_alerts(ARRAY[u], ARRAY[now()], '{1}', false, ARRAY[u], '{10000}',"
        " '{85,100}') FROM (SELECT %s::uuid AS u) AS u",
        acme.users["maya"],
    )
    assert database.rows(RAISED) == []
    assert database.rows("SELECT * FROM ai_alert_states") == []


def test_a_month_that_a_gateways_clock_has_reached_has_its_own_state(
    gateway: Client, acme: Acme, database: Database
) -> None:
    seed(price(input_price=1_000_000), version="2")
    results(gateway, used(1, LIMIT))
    database.run(
        "INSERT INTO ai_user_spend_monthly SELECT user_id, (month + interval '1 month')::date, 9000"
        " FROM ai_user_spend_monthly"
    )
    limit(acme, LIMIT - 1)
    assert deliver()["raised"] == 1
    assert database.rows(RAISED) == [(100, LIMIT), (85, 9_000)]
