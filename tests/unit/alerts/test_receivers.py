"""Receivers of alerts: each is a name, a class and a setting. The rest asks for no name."""

import re
from pathlib import Path
from typing import get_args

import allowance
from allowance.alerts.models import AlertKind
from allowance.alerts.receivers import (
    DETAIL_TYPES,
    ReceiverName,
    Service,
    configured_receivers,
)
from allowance.database.queries import queries
from tests.conftest import environment

NAMES: tuple[ReceiverName, ...] = get_args(ReceiverName)
LAYER = Path(allowance.__path__[0])


def test_each_receiver_has_a_class_and_a_setting() -> None:
    assert sorted(each.name for each in Service.__subclasses__()) == sorted(NAMES)
    both = {"ALERT_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:t", "ALERT_EVENT_BUS": "alerts"}
    with environment(**both):
        assert [each.name for each in configured_receivers()] == list(NAMES)


def test_only_the_module_of_receivers_knows_their_names() -> None:
    """A third receiver costs its name, its class and its setting, all of them there."""
    quoted = re.compile("|".join(f"['\"]{name}['\"]" for name in NAMES))
    knowing = {
        path.name
        for path in (LAYER / "alerts").glob("*.py")
        if quoted.search(path.read_text(encoding="utf-8"))
    }
    assert knowing == {"receivers.py"}
    assert not [name for name, each in queries().items() if quoted.search(each.sql.decode())]


def test_each_kind_of_alert_has_a_detail_type_of_its_own() -> None:
    assert DETAIL_TYPES.keys() == set(get_args(AlertKind))
    assert len(set(DETAIL_TYPES.values())) == len(DETAIL_TYPES)
