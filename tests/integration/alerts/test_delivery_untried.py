"""DeliverAlerts counts an attempt only of what it sent; what it did not send stays due at once."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.alerts import DOWN, deliver, ids, pass_time, raise_many
from tests.conftest import environment
from tests.depth import by_depth
from tests.late_postgres import late
from tests.people import Acme
from tests.postgres import Database
from tests.receivers import Answer, Forward, Receivers

ALERTS = by_depth(100, 600, 600)
UNDELIVERED = (
    "SELECT attempts::int, due_at <= now(), leased_until <= now(), count(*)::int"
    " FROM ai_alerts WHERE delivered_at IS NULL GROUP BY 1, 2, 3 ORDER BY 1"
)


def topic_alone(database: Database, aws: Receivers) -> Any:
    variables = aws.environment() | {"ALERT_EVENT_BUS": ""}
    return environment(DATABASE_URL=database.app_url, **variables)


def test_only_alerts_of_failed_calls_back_off_when_six_in_ten_fail(
    database: Database, acme: Acme, aws: Receivers
) -> None:
    names = raise_many(database, acme, ALERTS)

    def fails_mostly(body: bytes, forward: Forward) -> Answer:
        return (500, b"") if len(aws.sns.calls) % 5 < 3 else forward(body)

    aws.sns.doorman = fails_mostly
    with topic_alone(database, aws):
        outcome = deliver()
        failed = ALERTS * 3 // 5
        assert len(aws.sns.calls) == ALERTS // 10, "each alert was sent"
        assert (outcome["delivered"], outcome["failed"], outcome["untried"]) == (
            ALERTS - failed,
            failed,
            0,
        )
        assert database.rows(UNDELIVERED) == [(1, False, True, failed)]
        runs = 1
        while outcome["waiting"]:
            pass_time(database)
            outcome = deliver()
            runs += 1
    assert runs < 12
    assert ids(aws.published()) == sorted(names)


def test_a_receiver_that_is_away_is_given_up_and_the_rest_stays_due(
    database: Database,
    acme: Acme,
    aws: Receivers,
    logged: Callable[[], list[dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("allowance.alerts.telling.SILENT_CALLS", 3)
    names = sorted(raise_many(database, acme, 55))
    aws.sns.doorman = DOWN["503"]
    outcome = deliver()
    assert (outcome["delivered"], outcome["failed"], outcome["untried"]) == (0, 30, 25)
    assert len(aws.sns.calls) == 3
    assert database.rows(UNDELIVERED) == [(0, True, True, 25), (1, False, True, 30)]
    (line,) = (each for each in logged() if each["message"] == "receiver not called any more")
    assert line["receiver"] == "sns"
    assert ids(aws.put()) == names, "the other receiver gets all"
    aws.sns.doorman = lambda body, forward: forward(body)
    outcome = deliver()
    assert (outcome["delivered"], outcome["waiting"]) == (25, 30), "without a delay"
    pass_time(database)
    assert deliver()["delivered"] == 30
    assert ids(aws.published()) == names
    assert aws.put() == []


def test_a_receiver_that_hangs_does_not_hold_up_the_run(
    database: Database, acme: Acme, aws: Receivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("allowance.alerts.receivers.ANSWER_SECONDS", 0.5)
    monkeypatch.setattr("allowance.alerts.telling.SILENT_SECONDS", 0.8)
    over = threading.Event()
    raise_many(database, acme, 60)

    def hangs(body: bytes, forward: Forward) -> Answer:
        over.wait(60)
        return 500, b""

    aws.sns.doorman = hangs
    try:
        with topic_alone(database, aws):
            outcome = deliver()
    finally:
        over.set()
    failed = 10 * len(aws.sns.calls)
    assert 0 < failed <= 20
    assert (outcome["failed"], outcome["untried"]) == (failed, 50 - failed)
    assert database.rows(UNDELIVERED) == [(0, True, True, 60 - failed), (1, False, True, failed)]


def test_alerts_that_a_run_has_no_time_for_wait_for_the_next_run(
    database: Database, acme: Acme, aws: Receivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = sorted(raise_many(database, acme, 12))

    def slow(body: bytes, forward: Forward) -> Answer:
        time.sleep(0.6)
        return forward(body)

    aws.sns.doorman = slow
    with monkeypatch.context() as patch:
        patch.setattr("allowance.alerts.delivery.SENDING_SECONDS", 0.5)
        outcome = deliver()
    assert (outcome["failed"], outcome["untried"]) == (0, 12)
    assert (len(aws.sns.calls), aws.eventbridge.calls) == (1, [])
    assert database.rows(UNDELIVERED) == [(0, True, True, 12)]
    assert deliver()["delivered"] == 12
    assert ids(aws.published()) == ids(aws.put()) == names


def test_the_time_of_a_run_begins_when_the_database_has_resumed(
    database: Database, acme: Acme, aws: Receivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = raise_many(database, acme, 1)
    for limit in ("CLAIMING_SECONDS", "SENDING_SECONDS"):
        monkeypatch.setattr(f"allowance.alerts.delivery.{limit}", 0.5)
    variables = aws.environment() | {"ALERT_EVENT_BUS": ""}
    with late(database.app_url, 0.7) as url, environment(DATABASE_URL=url, **variables):
        assert deliver()["delivered"] == 1
    assert ids(aws.published()) == sorted(names)
