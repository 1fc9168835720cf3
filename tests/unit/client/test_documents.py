"""A response is read whole, or it is an error."""

from datetime import UTC, datetime
from typing import Any

import pytest

from allowance_client.documents import read
from allowance_client.errors import ApiError
from allowance_client.models import Granted, RecordResults, UserSpend
from allowance_client.responses import Answer

DECISION = {"allowed": True, "would_fit_micros": None, "retry_at": None, "budgets": []}
GRANTED = {
    "reservation_id": "r",
    "reserved_micros": 5,
    "expires_at": "2026-11-28T00:00:00.000001Z",
    "decision": DECISION,
}


def answer(body: Any) -> Answer:
    return Answer(201, body, {}, "r-1")


def test_a_document_becomes_a_dataclass() -> None:
    found = read(Granted, answer(GRANTED | {"reserved_usd": "0.000005", "new": 1}))
    assert found.expires_at == datetime(2026, 11, 28, microsecond=1, tzinfo=UTC)
    assert (found.reserved_micros, found.decision.budgets) == (5, ())


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"reservation_id": None}, "body.reservation_id is NoneType"),
        ({"reserved_micros": "5"}, "body.reserved_micros is str"),
        ({"reserved_micros": True}, "body.reserved_micros is bool"),
        ({"reserved_micros": 5.0}, "body.reserved_micros is float"),
        ({"expires_at": "soon"}, "body.expires_at is no time"),
        ({"expires_at": 5}, "body.expires_at is no time"),
        ({"decision": []}, "body.decision is list"),
        ({"decision": DECISION | {"budgets": [1]}}, r"body.decision.budgets\[0\] is int"),
        ({"decision": {}}, "body.decision.allowed is missing"),
    ],
)
def test_another_document_is_an_error_with_its_path(change: dict[str, Any], path: str) -> None:
    with pytest.raises(ApiError, match=path) as raised:
        read(Granted, answer(GRANTED | change))
    assert (raised.value.status, raised.value.request_id) == (201, "r-1")


@pytest.mark.parametrize("body", [None, [], "text", 1])
def test_no_document_is_an_error(body: Any) -> None:
    for kind in (Granted, RecordResults, UserSpend):
        with pytest.raises(ApiError, match="body is"):
            read(kind, answer(body))
