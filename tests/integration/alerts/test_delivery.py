"""DeliverAlerts: what each receiver gets, and which receivers are configured."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import psycopg
import pytest

from allowance.settings import BadSetting
from tests.alerts import STATE, deliver, ids, raise_alert
from tests.conftest import environment
from tests.people import Acme
from tests.postgres import Database
from tests.receivers import Receivers

ZEROS = UUID(int=0)


def test_both_receivers_get_the_whole_alert_once(
    database: Database, acme: Acme, aws: Receivers
) -> None:
    name = raise_alert(database, acme)
    done = {
        "receivers": ["sns", "eventbridge"],
        "raised": 0,
        "waiting": 0,
        "failing": 0,
        "oldest_seconds": 0,
    }
    assert deliver() == done | {"delivered": 1, "failed": 0, "untried": 0}
    assert deliver() == done | {"delivered": 0, "failed": 0, "untried": 0}
    ((raised_at,),) = database.rows("SELECT raised_at FROM ai_alerts")
    acme_id = acme.organizations["acme"]
    detail = {
        "id": name,
        "kind": "threshold",
        "budget_kind": "allowance",
        "budget_id": None,
        "budget_name": None,
        "subject": str(acme.users["maya"]),
        "organization_id": str(acme_id),
        "organization_name": "acme",
        "group_id": str(acme.groups["acme/platform"]),
        "group_name": "platform",
        "threshold_percent": 85,
        "limit_micros": 25_000_000,
        "limit_source": "group",
        "spent_micros": 21_250_001,
        "reserved_micros": 0,
        "period_start": "2026-11-01T00:00:00.000000Z",
        "period_end": "2026-12-01T00:00:00.000000Z",
        "models": None,
        "model_count": None,
        "raised_at": f"{raised_at:%Y-%m-%dT%H:%M:%S.%f}Z",
        "user": {"id": str(acme.users["maya"]), "username": "maya", "email": "maya@acme.example"},
        "admins": [{"username": "adam", "email": "adam@acme.example"}],
        "admin_count": 1,
        "console_url": f"https://api.example/console/organizations/{acme_id}/alerts#{name}",
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
        "kind": "threshold",
        "threshold_percent": "85",
        "organization_id": str(acme.organizations["acme"]),
    }
    assert database.rows(STATE) == [(1, True, True, True)]


def test_a_subscriber_by_mail_gets_a_text(database: Database, acme: Acme, aws: Receivers) -> None:
    raise_alert(database, acme)
    deliver()
    (body,) = aws.sns.calls
    by_protocol = json.loads(
        parse_qs(body.decode())["PublishBatchRequestEntries.member.1.Message"][0]
    )
    assert by_protocol.keys() == {"default", "email"}
    assert by_protocol["email"].startswith(
        "maya (maya@acme.example) has reached 85% of the limit of AI spend.\n"
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


def test_names_of_deleted_objects_are_null(database: Database, acme: Acme, aws: Receivers) -> None:
    raise_alert(database, acme, UUID(int=7))
    database.run("UPDATE ai_alerts SET group_id = %s, organization_id = %s", UUID(int=8), ZEROS)
    assert deliver()["delivered"] == 1
    (detail,) = aws.put()
    assert [detail[each] for each in ("organization_name", "group_name")] == [None] * 2
    assert detail["user"] == {"id": str(UUID(int=7)), "username": None, "email": None}
    assert (detail["admins"], detail["admin_count"]) == ([], 0)


def test_admins_are_active_have_an_address_and_may_update_budgets(
    database: Database, acme: Acme, aws: Receivers
) -> None:
    for name, role in (("otto", "organization-user-admin"), ("maya", "organization-admin")):
        database.run(
            "UPDATE organization_members SET roles = ARRAY[%s] WHERE user_id = %s",
            role,
            acme.users[name],
        )
    raise_alert(database, acme)
    deliver()
    database.run("UPDATE users SET status = 'suspended' WHERE username = 'maya'")
    database.run("UPDATE users SET email = NULL WHERE username = 'adam'")
    raise_alert(database, acme)
    deliver()
    told = [[admin["username"] for admin in each["admins"]] for each in aws.put()]
    assert told == [["adam", "maya", "otto"], ["otto"]]


def test_an_alert_names_twenty_admins_and_counts_all(
    database: Database, acme: Acme, aws: Receivers
) -> None:
    database.run(
        "WITH made AS (INSERT INTO users (username, email) SELECT 'b' || n, n || '@acme.example'"
        " FROM generate_series(10, 39) AS n RETURNING id)"
        " INSERT INTO organization_members (organization_id, user_id, roles)"
        " SELECT %s, id, '{organization-admin}' FROM made",
        acme.organizations["acme"],
    )
    raise_alert(database, acme)
    deliver()
    (detail,) = aws.put()
    assert [each["username"] for each in detail["admins"]] == [
        "adam",
        *(f"b{number}" for number in range(10, 29)),
    ]
    assert detail["admin_count"] == 31


def test_without_a_receiver_delivery_warns_and_keeps_the_alerts(
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
def test_a_bad_topic_is_refused_by_the_name_of_the_setting(database: Database, arn: str) -> None:
    with (
        environment(DATABASE_URL=database.app_url, ALERT_TOPIC_ARN=arn),
        pytest.raises(BadSetting, match="ALERT_TOPIC_ARN"),
    ):
        deliver()


def test_the_application_cannot_change_a_raised_alert(database: Database, acme: Acme) -> None:
    raise_alert(database, acme)
    with psycopg.connect(database.app_url, autocommit=True) as app:
        for statement in (
            "UPDATE ai_alerts SET spent_micros = 0",
            "DELETE FROM ai_alerts",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute(statement.encode())
