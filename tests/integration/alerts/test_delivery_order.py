"""DeliverAlerts to a FIFO topic: it gets the alerts of a budget in the order of raising."""

import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

import pytest

from allowance.access.gate import Gate
from allowance.access.store import Origin
from allowance.alerts.delivery import AlertStore
from allowance.alerts.receivers import configured_receivers
from allowance.rbac.system import ALERT_DELIVERER
from tests.alerts import DOWN, deliver, pass_time, raise_alert
from tests.conftest import environment
from tests.ledger import connection_of
from tests.people import Acme
from tests.postgres import Database
from tests.receivers import Answer, Forward, Receivers
from tests.sessions import PATIENCE_SECONDS

STATE = (
    "SELECT threshold_percent::int, attempts::int, due_at <= now(), leased_until <= now()"
    " FROM ai_alerts WHERE delivered_at IS NULL ORDER BY user_id, threshold_percent"
)


@pytest.fixture
def fifo(database: Database, aws: Receivers) -> Generator[Receivers]:
    """A FIFO topic, read by the queue `ordered`, and the bus."""
    aws.topic_arn = aws.client("sns").create_topic(
        Name="alerts.fifo", Attributes={"FifoTopic": "true"}
    )["TopicArn"]
    aws.subscribe("ordered", fifo=True)
    with environment(DATABASE_URL=database.app_url, **aws.environment()):
        yield aws


def arrived(fifo: Receivers) -> list[str]:
    return [each["id"] for each in fifo.published("ordered")]


def put(fifo: Receivers) -> list[str]:
    return [each["id"] for each in fifo.put()]


def fails_85(body: bytes, forward: Forward) -> Answer:
    """Fail each call with an alert of 85%."""
    return (500, b"") if b"reached+85%25" in body else forward(body)


def well(body: bytes, forward: Forward) -> Answer:
    return forward(body)


def test_a_fifo_topic_keeps_the_order_of_raising_and_drops_repetitions(
    database: Database, acme: Acme, fifo: Receivers
) -> None:
    first, second = raise_alert(database, acme, percent=100), raise_alert(database, acme)
    assert deliver() | {"receivers": []} == {
        "receivers": [],
        "raised": 0,
        "waiting": 0,
        "failing": 0,
        "oldest_seconds": 0,
        "delivered": 2,
        "failed": 0,
        "untried": 0,
    }
    database.run("UPDATE ai_alerts SET delivered_at = NULL")
    database.run("DELETE FROM ai_alert_deliveries WHERE receiver = 'sns'")
    pass_time(database)
    assert deliver()["delivered"] == 2
    assert arrived(fifo) == [first, second]
    assert f"MessageGroupId={acme.users['maya']}".encode() in fifo.sns.calls[0]


def test_the_later_alert_waits_while_the_earlier_one_fails(
    database: Database, acme: Acme, fifo: Receivers
) -> None:
    first, second = raise_alert(database, acme), raise_alert(database, acme, percent=100)
    fifo.sns.doorman = fails_85
    outcome = deliver()
    assert (outcome["delivered"], outcome["failed"], outcome["untried"]) == (0, 1, 1)
    assert len(fifo.sns.calls) == 1
    assert database.rows(STATE) == [(85, 1, False, True), (100, 0, True, True)]
    assert put(fifo) == [first, second], "the bus keeps no order, and waits for nothing"
    fifo.sns.doorman = well
    assert deliver()["delivered"] == 0, "the earlier one is not due yet"
    pass_time(database)
    assert deliver()["delivered"] == 2
    assert arrived(fifo) == [first, second]
    assert put(fifo) == []


def test_an_alert_raised_after_a_failure_waits_for_the_earlier_one(
    database: Database, acme: Acme, fifo: Receivers
) -> None:
    first = raise_alert(database, acme)
    fifo.sns.doorman = fails_85
    deliver()
    second = raise_alert(database, acme, percent=100)
    other = raise_alert(database, acme, user="otto", percent=100)
    assert deliver()["delivered"] == 1
    assert arrived(fifo) == [other], "nobody else waits"
    fifo.sns.doorman = well
    pass_time(database)
    deliver()
    assert arrived(fifo) == [first, second]


def test_the_later_alert_waits_while_another_run_holds_the_earlier_one(
    database: Database, acme: Acme, fifo: Receivers
) -> None:
    first = raise_alert(database, acme)
    reached, over = threading.Event(), threading.Event()

    def slow(body: bytes, forward: Forward) -> Answer:
        if b"reached+85%25" in body:
            reached.set()
            over.wait(60)
        return forward(body)

    fifo.sns.doorman = slow
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(deliver)
        try:
            assert reached.wait(PATIENCE_SECONDS)
            second = raise_alert(database, acme, percent=100)
            gate = Gate(ALERT_DELIVERER.subject, connection_of(database))
            store = AlertStore(gate, Origin(None, "test", "test"))
            assert store.deliver(configured_receivers()).untried == 1
            assert arrived(fifo) == []
        finally:
            over.set()
    run.result()
    deliver()
    assert arrived(fifo) == [first, second]


def test_a_topic_without_order_gets_the_later_alert_at_once(
    database: Database, acme: Acme, aws: Receivers
) -> None:
    raise_alert(database, acme)
    aws.sns.doorman = fails_85
    deliver()
    second = raise_alert(database, acme, percent=100)
    assert deliver()["delivered"] == 1
    assert [each["id"] for each in aws.published()] == [second]


def test_an_alert_of_another_month_waits_for_nothing(
    database: Database, acme: Acme, fifo: Receivers
) -> None:
    raise_alert(database, acme)
    fifo.sns.doorman = DOWN["503"]
    deliver()
    fifo.sns.doorman = well
    database.run("UPDATE ai_alerts SET period_start = '2026-10-01T00:00:00Z'")
    second = raise_alert(database, acme, percent=100)
    assert deliver()["delivered"] == 1
    assert arrived(fifo) == [second]
