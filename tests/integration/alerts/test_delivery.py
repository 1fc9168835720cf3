"""DeliverAlerts: each alert once at each receiver, whatever fails, and whoever else delivers at the
same time.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import psycopg
import pytest

import deliver_alerts
from allowance.access.gate import Gate
from allowance.access.store import Origin
from allowance.alerts.delivery import LONGEST_DELAY_SECONDS, AlertStore
from allowance.alerts.receivers import configured_receivers
from allowance.rbac.system import ALERT_DELIVERER
from allowance.settings import BadSetting
from tests.conftest import environment
from tests.gateway import Context
from tests.ledger import connection_of
from tests.people import Acme
from tests.postgres import Database
from tests.receivers import (
    Answer,
    Forward,
    Receivers,
    events_error,
    receivers,
    sns_error,
    without_entry,
)

ROOT = Path(__file__).parents[3]
RAISE = (
    # As the statement that counts usage does, which knows nothing of the delivery.
    "INSERT INTO ai_spend_alerts (user_id, period_start, threshold_percent, group_id, organization_id, limit_source,"
    " spend_limit_micros, spent_micros) VALUES (%s, '2026-11-01T00:00:00Z', %s, %s, %s, 'group', 25000000, 21250001)"
)
STATE = (
    "SELECT attempts, sns_published_at IS NOT NULL, event_put_at IS NOT NULL, delivered_at IS "
    "NOT NULL FROM ai_spend_alerts"
)


@pytest.fixture
def aws(database: Database, monkeypatch: pytest.MonkeyPatch) -> Generator[Receivers]:
    # A machine that has much to do is no receiver that hangs.
    for limit in (
        "receivers.ANSWER_SECONDS",
        "delivery.CLAIMING_SECONDS",
        "delivery.SENDING_SECONDS",
    ):
        monkeypatch.setattr(f"allowance.alerts.{limit}", 60)
    with receivers(database.app_url) as made:
        yield made


def deliver() -> dict[str, Any]:
    return deliver_alerts.handler({}, Context())


def raise_alert(
    database: Database, acme: Acme, user: str | UUID = "maya", percent: int = 85
) -> str:
    """The id of a new alert."""
    user_id = acme.users[user] if isinstance(user, str) else user
    database.run(RAISE, user_id, percent, acme.groups["acme/platform"], acme.organizations["acme"])
    return f"{user_id}/2026-11-01/{percent}"


def raise_many(database: Database, acme: Acme, count: int) -> set[str]:
    raise_alert(database, acme, percent=1)
    same = "group_id, organization_id, limit_source, spend_limit_micros, spent_micros"
    database.run(
        f"INSERT INTO ai_spend_alerts (user_id, period_start, threshold_percent, {same})"
        f" SELECT user_id, period_start, n, {same} FROM ai_spend_alerts, generate_series(2, %s) n",
        count,
    )
    return {f"{acme.users['maya']}/2026-11-01/{percent}" for percent in range(1, count + 1)}


def pass_time(database: Database) -> None:
    """All that waits is due, leases included."""
    database.run(
        "UPDATE ai_spend_alerts SET due_at = now() - interval '1 second' WHERE delivered_at IS NULL"
    )


def ids(messages: list[dict[str, Any]]) -> list[str]:
    return sorted(each["id"] for each in messages)


def test_both_receivers_are_told_once_and_in_full(
    database: Database, acme: Acme, aws: Receivers
) -> None:
    name = raise_alert(database, acme)
    done = {"receivers": ["sns", "eventbridge"], "waiting": 0, "failing": 0, "oldest_seconds": 0}
    assert deliver() == done | {"delivered": 1, "failed": 0}
    assert deliver() == done | {"delivered": 0, "failed": 0}
    ((raised_at,),) = database.rows("SELECT raised_at FROM ai_spend_alerts")
    detail = {
        "id": name,
        "user_id": str(acme.users["maya"]),
        "username": "maya",
        "email": "maya@acme.example",
        "organization_id": str(acme.organizations["acme"]),
        "organization_name": "acme",
        "group_id": str(acme.groups["acme/platform"]),
        "group_name": "platform",
        "threshold_percent": 85,
        "spend_limit_micros": 25_000_000,
        "limit_source": "group",
        "spent_micros": 21_250_001,
        "period_start": "2026-11-01T00:00:00.000000Z",
        "period_end": "2026-12-01T00:00:00.000000Z",
        "raised_at": f"{raised_at:%Y-%m-%dT%H:%M:%S.%f}Z",
    }
    (event,) = aws.messages("bus")
    assert (event["source"], event["detail-type"], event["detail"]) == (
        "allowance",
        "AI spend threshold reached",
        detail,
    )
    (message,) = aws.messages("topic")
    assert json.loads(message["Message"]) == detail
    assert message["Subject"] == "AI spend of maya has reached 85% of the limit"
    assert {key: each["Value"] for key, each in message["MessageAttributes"].items()} == {
        "threshold_percent": "85",
        "organization_id": str(acme.organizations["acme"]),
    }
    assert database.rows(STATE) == [(1, True, True, True)]


def test_who_gets_mail_gets_a_text(database: Database, acme: Acme, aws: Receivers) -> None:
    raise_alert(database, acme)
    deliver()
    (body,) = aws.sns.calls
    by_protocol = json.loads(
        parse_qs(body.decode())["PublishBatchRequestEntries.member.1.Message"][0]
    )
    assert by_protocol.keys() == {"default", "email"}
    assert by_protocol["email"].startswith(
        "maya (maya@acme.example) has reached 85% of the AI spend limit in November"
    )


def test_a_subscription_may_filter_by_threshold_and_organization(
    database: Database, acme: Acme, aws: Receivers
) -> None:
    aws.subscribe("wholly", {"threshold_percent": [{"numeric": [">=", 100]}]})
    aws.subscribe("theirs", {"organization_id": [str(acme.organizations["globex"])]})
    raise_alert(database, acme)
    used_up = raise_alert(database, acme, percent=100)
    deliver()
    assert ids(aws.published("wholly")) == [used_up]
    assert aws.published("theirs") == []
    assert len(aws.published()) == 2


def test_a_fifo_topic_gets_each_users_alerts_in_order_and_drops_repetitions(
    database: Database, acme: Acme, aws: Receivers
) -> None:
    attributes = {"FifoTopic": "true"}
    aws.topic_arn = aws.client("sns").create_topic(Name="alerts.fifo", Attributes=attributes)[
        "TopicArn"
    ]
    aws.subscribe("ordered", fifo=True)
    first, second = raise_alert(database, acme), raise_alert(database, acme, percent=100)
    with environment(DATABASE_URL=database.app_url, **aws.environment()):
        deliver()
        database.run("UPDATE ai_spend_alerts SET delivered_at = NULL, sns_published_at = NULL")
        pass_time(database)
        assert deliver()["delivered"] == 2
    assert [each["id"] for each in aws.published("ordered")] == [first, second]
    assert f"MessageGroupId={acme.users['maya']}".encode() in aws.sns.calls[0]


def test_names_that_are_gone_by_now_are_null(
    database: Database, acme: Acme, aws: Receivers
) -> None:
    stranger = UUID(int=7)
    database.run(RAISE, stranger, 85, UUID(int=8), UUID(int=9))
    assert deliver()["delivered"] == 1
    (detail,) = aws.put()
    names = ("username", "email", "organization_name", "group_name")
    assert [detail[each] for each in names] == [None] * 4
    assert detail["user_id"] == str(stranger)


DOWN = {
    "500": lambda body, forward: (500, b"<html>oops</html>"),
    "503": lambda body, forward: (503, b""),
    "throttling": lambda body, forward: (
        sns_error(400, "Throttling")
        if b"PublishBatch" in body
        else events_error(400, "ThrottlingException")
    ),
    "nonsense": lambda body, forward: (200, b"<html>Welcome to the hotel"),
    "denied": lambda body, forward: (
        sns_error(403, "AuthorizationError")
        if b"PublishBatch" in body
        else events_error(403, "AccessDeniedException")
    ),
}


@pytest.mark.parametrize("how", DOWN)
@pytest.mark.parametrize("which", ["sns", "eventbridge"])
def test_a_receiver_that_fails_stops_not_the_other_and_hears_of_all_when_it_is_back(
    database: Database, acme: Acme, aws: Receivers, which: str, how: str
) -> None:
    names = sorted(raise_many(database, acme, 25))
    failing = getattr(aws, which)
    failing.doorman = DOWN[how]
    outcome = deliver()
    assert (outcome["delivered"], outcome["failed"], outcome["waiting"]) == (0, 25, 25)
    assert len(failing.calls) == 1, "it is not asked again in this run"
    assert deliver()["failed"] == 0, "and nothing is due yet"
    read = {"sns": aws.published, "eventbridge": aws.put}
    assert read.pop(which)() == []
    (other,) = read.values()
    assert ids(other()) == names
    failing.doorman = lambda body, forward: forward(body)
    pass_time(database)
    outcome = deliver()
    assert (outcome["delivered"], outcome["failed"], outcome["waiting"]) == (25, 0, 0)
    assert ids({"sns": aws.published, "eventbridge": aws.put}[which]()) == names
    assert other() == [], "the other one was not told again"


def test_a_receiver_that_nobody_hears_of_costs_a_warning_by_its_reason_and_no_alert(
    database: Database, acme: Acme, aws: Receivers, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    raise_many(database, acme, 25)
    nowhere = {"AWS_ENDPOINT_URL_SNS": "http://127.0.0.1:1"}
    with environment(DATABASE_URL=database.app_url, **(aws.environment() | nowhere)):
        assert deliver()["failed"] == 25
    (line,) = (each for each in logged() if each["message"] == "alerts not taken")
    assert (line["receiver"], line["reason"], line["alerts"]) == (
        "sns",
        "EndpointConnectionError",
        25,
    )
    assert "maya" not in json.dumps(logged())
    pass_time(database)
    assert deliver()["delivered"] == 25
    assert len(aws.published()) == len(aws.put()) == 25


@pytest.mark.parametrize(
    ("which", "refusal"),
    [
        ("sns", sns_error(400, "InvalidParameter")),
        ("eventbridge", events_error(400, "ValidationException")),
    ],
)
def test_a_call_that_is_refused_for_one_alert_stops_no_other(
    database: Database, acme: Acme, aws: Receivers, which: str, refusal: Answer
) -> None:
    names = raise_many(database, acme, 25)
    unwanted = f"{acme.users['maya']}/2026-11-01/13"

    def doorman(body: bytes, forward: Forward) -> Answer:
        return (
            refusal if b"2026-11-01%2F13" in body or b"2026-11-01/13\\" in body else forward(body)
        )

    getattr(aws, which).doorman = doorman
    outcome = deliver()
    assert (outcome["delivered"], outcome["failed"]) == (24, 1)
    assert set(ids(aws.published())) | set(ids(aws.put())) == names
    assert database.rows(
        "SELECT threshold_percent FROM ai_spend_alerts WHERE delivered_at IS NULL"
    ) == [(13,)]
    assert len(getattr(aws, which).calls) == 3 + 10
    aws.sns.doorman = aws.eventbridge.doorman = lambda body, forward: forward(body)
    pass_time(database)
    assert deliver()["delivered"] == 1
    assert ids(aws.published() + aws.put()) == [unwanted]


def test_an_entry_that_fails_in_a_batch_that_is_taken_is_tried_again_alone(
    database: Database, acme: Acme, aws: Receivers
) -> None:
    names = sorted(raise_many(database, acme, 10))

    def without_the_third(body: bytes, forward: Forward) -> Answer:
        changed, entry = without_entry(body, "2026-11-01/3\\")
        status, content = forward(changed)
        failed = f"<Failed><member><Id>{entry}</Id><Code>InternalError</Code><SenderFault>false</SenderFault></member></Failed>"
        empty = b"<Failed></Failed>" if b"<Failed></Failed>" in content else b"<Failed/>"
        assert empty in content or b"<Failed>" not in content
        return status, content.replace(empty, b"").replace(
            b"<Successful>", f"{failed}<Successful>".encode()
        )

    def without_the_seventh(body: bytes, forward: Forward) -> Answer:
        entries = json.loads(body)["Entries"]
        (place,) = (n for n, each in enumerate(entries) if '2026-11-01/7"' in each["Detail"])
        del entries[place]
        status, content = forward(json.dumps({"Entries": entries}).encode())
        answered = json.loads(content)["Entries"]
        answered.insert(place, {"ErrorCode": "InternalFailure", "ErrorMessage": "m"})
        return status, json.dumps({"FailedEntryCount": 1, "Entries": answered}).encode()

    aws.sns.doorman, aws.eventbridge.doorman = without_the_third, without_the_seventh
    assert deliver()["delivered"] == 8
    assert len(aws.sns.calls) == len(aws.eventbridge.calls) == 1
    state = (
        "SELECT threshold_percent, sns_published_at IS NOT NULL, event_put_at IS NOT NULL "
        "FROM ai_spend_alerts WHERE delivered_at IS NULL ORDER BY 1"
    )
    assert database.rows(state) == [(3, False, True), (7, True, False)]
    aws.sns.doorman = aws.eventbridge.doorman = lambda body, forward: forward(body)
    pass_time(database)
    assert deliver()["delivered"] == 2
    assert ids(aws.published()) == ids(aws.put()) == names


def test_deliverers_at_once_tell_of_each_alert_once(
    database: Database, acme: Acme, aws: Receivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("allowance.alerts.delivery.PAGE", 7)
    names = sorted(raise_many(database, acme, 150))

    def run(_: int) -> int:
        connection = connection_of(database)
        store = AlertStore(Gate(ALERT_DELIVERER.subject, connection), Origin(None, "test", "test"))
        try:
            return store.deliver(configured_receivers()).delivered
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        shares = list(pool.map(run, range(4)))
    assert sum(shares) == 150
    assert sum(share > 0 for share in shares) > 1, "they did work at the same time"
    assert ids(aws.published()) == ids(aws.put()) == names
    assert set(database.rows(STATE)) == {(1, True, True, True)}


RUN = (
    "from tests.gateway import Context; import deliver_alerts; deliver_alerts.handler({}, "
    "Context())"
)


def killed_in_a_call(door: Any, doorman: Callable[[bytes, Forward], object]) -> None:
    """A process of its own that delivers, killed while it waits for the answer to its first call."""
    reached, over = threading.Event(), threading.Event()

    def waiting(body: bytes, forward: Forward) -> Answer:
        doorman(body, forward)
        reached.set()
        over.wait(60)
        return 500, b""

    door.doorman = waiting
    path = os.pathsep.join(map(str, (ROOT, ROOT / "functions", ROOT / "layers/shared")))
    run = subprocess.Popen(
        [sys.executable, "-c", RUN], env=os.environ | {"PYTHONPATH": path}, cwd=ROOT
    )
    assert reached.wait(30)
    run.send_signal(signal.SIGKILL)
    run.wait()
    over.set()
    door.doorman = lambda body, forward: forward(body)


def test_what_a_killed_run_had_taken_up_is_taken_up_again_when_the_lease_ends(
    database: Database, acme: Acme, aws: Receivers
) -> None:
    names = sorted(raise_many(database, acme, 12))
    killed_in_a_call(aws.sns, lambda body, forward: None)
    outcome = deliver()
    assert (outcome["delivered"], outcome["waiting"]) == (0, 12)
    ((lease,),) = database.rows("SELECT max(due_at) - now() FROM ai_spend_alerts")
    assert timedelta(seconds=60) < lease < timedelta(seconds=120), (
        "longer than the function may run"
    )
    pass_time(database)
    assert deliver()["delivered"] == 12
    assert ids(aws.published()) == ids(aws.put()) == names


def test_a_run_killed_between_an_answer_and_its_mark_repeats_that_call_by_the_same_ids_and_no_other(
    database: Database, acme: Acme, aws: Receivers
) -> None:
    names = sorted(raise_many(database, acme, 12))
    killed_in_a_call(aws.eventbridge, lambda body, forward: forward(body))
    pass_time(database)
    assert deliver()["delivered"] == 12
    assert ids(aws.published()) == names, "SNS had answered, and is not told again"
    heard = ids(aws.put())
    assert len(heard) == 12 + 10
    assert sorted(set(heard)) == names


def test_who_lost_the_lease_does_not_end_that_of_another(
    database: Database, acme: Acme, aws: Receivers
) -> None:
    raise_alert(database, acme)
    reached, over = threading.Event(), threading.Event()

    def slow(body: bytes, forward: Forward) -> Answer:
        reached.set()
        over.wait(60)
        return 500, b""

    aws.sns.doorman = slow
    run = threading.Thread(target=deliver)
    run.start()
    assert reached.wait(10)
    lease = "UPDATE ai_spend_alerts SET attempts = 2, due_at = now() + interval '7 minutes'"
    database.run(lease)
    before = database.rows("SELECT due_at, attempts FROM ai_spend_alerts")
    over.set()
    run.join()
    assert database.rows("SELECT due_at, attempts FROM ai_spend_alerts") == before


def test_attempts_come_later_each_time_and_never_end_and_from_the_fifth_on_it_is_an_error(
    database: Database,
    acme: Acme,
    aws: Receivers,
    logged: Callable[[], list[dict[str, Any]]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    raise_alert(database, acme)
    database.run("UPDATE ai_spend_alerts SET raised_at = now() - interval '1000 seconds'")
    aws.sns.doorman = DOWN["503"]
    delays: list[int] = []
    failing: list[int] = []
    for _ in range(7):
        pass_time(database)
        failing.append(deliver()["failing"])
        ((delay,),) = database.rows(
            "SELECT round(extract(EPOCH FROM due_at - now()))::int FROM ai_spend_alerts"
        )
        delays.append(delay)
    expected = [60, 120, 240, 480, 900, 900, 900]
    assert all(
        abs(delay - planned) <= 5 for delay, planned in zip(delays, expected, strict=True)
    ), delays
    assert failing == [0, 0, 0, 0, 1, 1, 1]
    errors = [each for each in logged() if each["level"] == "ERROR"]
    assert [(each["message"], each["alerts"]) for each in errors] == [
        ("alerts not delivered", 1)
    ] * 3
    metrics = [
        json.loads(line)
        for line in capsys.readouterr().out.splitlines()
        if "OldestAlertAge" in line
    ]
    assert [each["AlertsFailing"][0] for each in metrics] == failing
    assert all(1000 <= each["OldestAlertAge"][0] < 1100 for each in metrics)
    database.run("UPDATE ai_spend_alerts SET attempts = 100000, due_at = now()")
    assert deliver()["failed"] == 1
    ((delay,),) = database.rows(
        "SELECT due_at - now() <= make_interval(secs => %s) FROM ai_spend_alerts",
        LONGEST_DELAY_SECONDS,
    )
    assert delay
    aws.sns.doorman = lambda body, forward: forward(body)
    pass_time(database)
    outcome = deliver()
    assert (outcome["delivered"], outcome["failing"], outcome["oldest_seconds"]) == (1, 0, 0)


def test_a_receiver_that_hangs_does_not_hold_up_the_run(
    database: Database, acme: Acme, aws: Receivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("allowance.alerts.receivers.ANSWER_SECONDS", 1)
    over = threading.Event()
    raise_many(database, acme, 60)

    def hangs(body: bytes, forward: Forward) -> Answer:
        over.wait(60)
        return 500, b""

    aws.sns.doorman = hangs
    with environment(
        DATABASE_URL=database.app_url, **(aws.environment() | {"ALERT_EVENT_BUS": ""})
    ):
        outcome = deliver()
    over.set()
    assert (outcome["failed"], len(aws.sns.calls)) == (60, 1)


def test_what_there_is_no_time_for_is_left_to_the_next_run(
    database: Database, acme: Acme, aws: Receivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = sorted(raise_many(database, acme, 12))
    monkeypatch.setattr("allowance.alerts.delivery.SENDING_SECONDS", 0)
    assert deliver()["failed"] == 12
    assert (aws.sns.calls, aws.eventbridge.calls) == ([], [])
    monkeypatch.setattr("allowance.alerts.delivery.SENDING_SECONDS", 60)
    pass_time(database)
    deliver()
    assert ids(aws.published()) == ids(aws.put()) == names


def test_without_a_receiver_it_says_so_and_keeps_the_alerts(
    database: Database, acme: Acme, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    raise_alert(database, acme)
    outcome = deliver()
    assert (outcome["receivers"], outcome["delivered"], outcome["waiting"]) == ([], 0, 1)
    (line,) = (each for each in logged() if each["level"] == "WARNING")
    assert (line["message"], line["waiting"]) == ("no receiver of alerts is configured", 1)
    assert database.rows(STATE) == [(0, False, False, False)]


@pytest.mark.parametrize("which", ["ALERT_TOPIC_ARN", "ALERT_EVENT_BUS"])
def test_one_receiver_alone_is_enough(
    database: Database, acme: Acme, aws: Receivers, which: str
) -> None:
    raise_alert(database, acme)
    with environment(DATABASE_URL=database.app_url, **(aws.environment() | {which: ""})):
        outcome = deliver()
    assert (outcome["delivered"], len(outcome["receivers"])) == (1, 1)
    assert len(aws.published()) + len(aws.put()) == 1


@pytest.mark.parametrize(
    "arn",
    [
        "SpendAlerts",
        "arn:aws:sqs:eu-west-1:123456789012:q",
        "arn:aws:sns:eu-west-1:123456789012:a b",
    ],
)
def test_what_is_no_topic_is_refused_by_its_name(database: Database, arn: str) -> None:
    with (
        environment(DATABASE_URL=database.app_url, ALERT_TOPIC_ARN=arn),
        pytest.raises(BadSetting, match="ALERT_TOPIC_ARN"),
    ):
        deliver()


def test_what_an_alert_says_is_not_the_applications_to_change(
    database: Database, acme: Acme
) -> None:
    raise_alert(database, acme)
    with psycopg.connect(database.app_url, autocommit=True) as app:
        for statement in (
            "UPDATE ai_spend_alerts SET spent_micros = 0",
            "DELETE FROM ai_spend_alerts",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute(statement.encode())
