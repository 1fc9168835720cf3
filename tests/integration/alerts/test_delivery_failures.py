"""DeliverAlerts when a receiver fails, hangs or refuses: retries, delays and logs."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from allowance.alerts.delivery import LONGEST_DELAY_SECONDS
from tests.alerts import DOWN, deliver, ids, pass_time, raise_alert, raise_many
from tests.conftest import environment
from tests.people import Acme
from tests.postgres import Database
from tests.receivers import Answer, Forward, Receivers, events_error, sns_error, without_entry


@pytest.mark.parametrize("how", DOWN)
@pytest.mark.parametrize("which", ["sns", "eventbridge"])
def test_a_failing_receiver_blocks_no_other_and_catches_up(
    database: Database, acme: Acme, aws: Receivers, which: str, how: str
) -> None:
    names = sorted(raise_many(database, acme, 25))
    failing = getattr(aws, which)
    failing.doorman = DOWN[how]
    outcome = deliver()
    assert (outcome["delivered"], outcome["failed"], outcome["waiting"]) == (0, 25, 25)
    assert len(failing.calls) == 3, "no alert is sent twice in a run"
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
    assert other() == [], "the other receiver gets no repetition"


def test_an_unreachable_receiver_costs_a_warning_with_the_reason(
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
def test_a_call_refused_for_one_alert_blocks_no_other_alert(
    database: Database, acme: Acme, aws: Receivers, which: str, refusal: Answer
) -> None:
    names = raise_many(database, acme, 25)
    ((unwanted,),) = database.rows("SELECT id::text FROM ai_alerts WHERE threshold_percent = 13")

    def doorman(body: bytes, forward: Forward) -> Answer:
        return refusal if unwanted.encode() in body else forward(body)

    getattr(aws, which).doorman = doorman
    outcome = deliver()
    assert (outcome["delivered"], outcome["failed"]) == (24, 1)
    assert set(ids(aws.published())) | set(ids(aws.put())) == names
    assert database.rows("SELECT threshold_percent FROM ai_alerts WHERE delivered_at IS NULL") == [
        (13,)
    ]
    assert len(getattr(aws, which).calls) == 3 + 10
    aws.sns.doorman = aws.eventbridge.doorman = lambda body, forward: forward(body)
    pass_time(database)
    assert deliver()["delivered"] == 1
    assert ids(aws.published() + aws.put()) == [unwanted]


def test_only_the_failed_entry_of_an_accepted_batch_is_retried(
    database: Database, acme: Acme, aws: Receivers
) -> None:
    names = sorted(raise_many(database, acme, 10))
    third, seventh = (
        id_
        for (id_,) in database.rows(
            "SELECT id::text FROM ai_alerts WHERE threshold_percent IN (3, 7)"
            " ORDER BY threshold_percent"
        )
    )

    def without_the_third(body: bytes, forward: Forward) -> Answer:
        changed, entry = without_entry(body, third)
        status, content = forward(changed)
        member = f"<Id>{entry}</Id><Code>InternalError</Code><SenderFault>false</SenderFault>"
        failed = f"<Failed><member>{member}</member></Failed>"
        empty = b"<Failed></Failed>" if b"<Failed></Failed>" in content else b"<Failed/>"
        assert empty in content or b"<Failed>" not in content
        return status, content.replace(empty, b"").replace(
            b"<Successful>", f"{failed}<Successful>".encode()
        )

    def without_the_seventh(body: bytes, forward: Forward) -> Answer:
        entries = json.loads(body)["Entries"]
        (place,) = (n for n, each in enumerate(entries) if seventh in each["Detail"])
        del entries[place]
        status, content = forward(json.dumps({"Entries": entries}).encode())
        answered = json.loads(content)["Entries"]
        answered.insert(place, {"ErrorCode": "InternalFailure", "ErrorMessage": "m"})
        return status, json.dumps({"FailedEntryCount": 1, "Entries": answered}).encode()

    aws.sns.doorman, aws.eventbridge.doorman = without_the_third, without_the_seventh
    assert deliver()["delivered"] == 8
    assert len(aws.sns.calls) == len(aws.eventbridge.calls) == 1
    state = (
        "SELECT threshold_percent, receiver FROM ai_alerts AS a JOIN ai_alert_deliveries AS d"
        " ON d.alert_id = a.id WHERE a.delivered_at IS NULL ORDER BY 1"
    )
    assert database.rows(state) == [(3, "eventbridge"), (7, "sns")]
    aws.sns.doorman = aws.eventbridge.doorman = lambda body, forward: forward(body)
    pass_time(database)
    assert deliver()["delivered"] == 2
    assert ids(aws.published()) == ids(aws.put()) == names


def test_retries_back_off_without_end_and_the_fifth_logs_an_error(
    database: Database,
    acme: Acme,
    aws: Receivers,
    logged: Callable[[], list[dict[str, Any]]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    raise_alert(database, acme)
    database.run("UPDATE ai_alerts SET raised_at = now() - interval '1000 seconds'")
    aws.sns.doorman = DOWN["503"]
    delays: list[int] = []
    failing: list[int] = []
    for _ in range(7):
        pass_time(database)
        failing.append(deliver()["failing"])
        ((delay,),) = database.rows(
            "SELECT round(extract(EPOCH FROM due_at - now()))::int FROM ai_alerts"
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
    database.run("UPDATE ai_alerts SET attempts = 100000, due_at = now()")
    assert deliver()["failed"] == 1
    ((delay,),) = database.rows(
        "SELECT due_at - now() <= make_interval(secs => %s) FROM ai_alerts",
        LONGEST_DELAY_SECONDS,
    )
    assert delay
    aws.sns.doorman = lambda body, forward: forward(body)
    pass_time(database)
    outcome = deliver()
    assert (outcome["delivered"], outcome["failing"], outcome["oldest_seconds"]) == (1, 0, 0)
