"""A clock that is off takes its time from the responses."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from allowance_client import clock as clocks
from allowance_client.clock import Clock
from allowance_client.transport import Connection
from tests.scripted_server import http, scripted

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clocks, "local_now", lambda: NOW)


def date(seconds: int) -> dict[str, str]:
    return {"date": format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)}


@pytest.mark.parametrize(("seconds", "offset"), [(-400, -400), (700, 700), (30, 0), (-2, 0)])
def test_the_time_is_what_the_service_says(seconds: int, offset: int) -> None:
    clock = Clock()
    clock.learn(date(seconds))
    assert clock.text() == (NOW + timedelta(seconds=offset)).isoformat()
    earlier = NOW - timedelta(seconds=5)
    assert clock.text(earlier) == (earlier + timedelta(seconds=offset)).isoformat()


def test_a_clock_that_is_set_right_is_believed_again() -> None:
    clock = Clock()
    clock.learn(date(-400))
    for headers in ({}, {"date": "soon"}, {"date": "Sat, 28 Nov 2026 12:00:00 -0000"}):
        clock.learn(headers)
        assert clock.text() == (NOW - timedelta(seconds=400)).isoformat()
    clock.learn(date(0))
    assert clock.text() == NOW.isoformat()


def test_each_response_tells_the_time() -> None:
    response = http(200, **date(-400))
    with scripted([response]) as server, Connection(server.url, "alw_a_b") as connection:
        connection.request("GET", "/")
        assert connection.clock.text() == (NOW - timedelta(seconds=400)).isoformat()
