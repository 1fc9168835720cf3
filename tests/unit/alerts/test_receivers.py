"""Receivers of alerts: each has a class, a setting, and a column that marks what it accepted."""

import re
from datetime import UTC, datetime
from typing import Any, get_args
from uuid import UUID

import pytest

from allowance.alerts.models import SpendAlert
from allowance.alerts.receivers import ReceiverName, Service, configured_receivers
from allowance.alerts.telling import ClaimedAlert
from allowance.database.queries import queries
from tests.conftest import environment

NAMES: tuple[ReceiverName, ...] = get_args(ReceiverName)
NOW = datetime(2026, 12, 20, 10, tzinfo=UTC)
MARK = re.compile(r"(\w+) = CASE WHEN %\(receiver\)s = '(\w+)' THEN now\(\) ELSE (?:a\.)?(\w+) END")
MARKS = {
    name
    for name in ClaimedAlert.model_fields.keys() - SpendAlert.model_fields.keys()
    if name.endswith("_at")
}


def claimed(**marks: datetime) -> ClaimedAlert:
    fields: dict[str, Any] = {
        "user_id": UUID(int=1),
        "username": "maya",
        "email": None,
        "organization_id": UUID(int=2),
        "organization_name": "acme",
        "group_id": UUID(int=3),
        "group_name": "platform",
        "threshold_percent": 85,
        "spend_limit_micros": 25_000_000,
        "limit_source": "group",
        "spent_micros": 21_250_001,
        "period_start": datetime(2026, 12, 1, tzinfo=UTC),
        "raised_at": NOW,
        "attempts": 1,
        "leased_until": NOW,
        "sns_waits": False,
    }
    return ClaimedAlert(**(fields | dict.fromkeys(MARKS) | marks))


def test_each_receiver_has_a_class_and_a_setting() -> None:
    assert sorted(each.name for each in Service.__subclasses__()) == sorted(NAMES)
    both = {"ALERT_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:t", "ALERT_EVENT_BUS": "alerts"}
    with environment(**both):
        assert [each.name for each in configured_receivers()] == list(NAMES)


def test_the_query_marks_the_column_by_which_the_run_knows_the_receiver() -> None:
    sql = queries()["mark_spend_alerts"].sql.decode()
    found = MARK.findall(sql)
    assert all(column == kept for column, _, kept in found), "another column is overwritten"
    columns = {receiver: column for column, receiver, _ in found}
    assert columns.keys() == set(NAMES)
    assert set(columns.values()) == MARKS
    assert sql.count("%(receiver)s") == len(found)
    for receiver, column in columns.items():
        alert = claimed(**{column: NOW})
        assert [each for each in NAMES if alert.is_known_to(each)] == [receiver]
    assert not any(claimed().is_known_to(each) for each in NAMES)


def test_an_unknown_receiver_raises_instead_of_passing_for_another() -> None:
    unknown: Any = "slack"
    with pytest.raises(AssertionError, match="slack"):
        claimed(event_put_at=NOW, sns_published_at=NOW).is_known_to(unknown)
