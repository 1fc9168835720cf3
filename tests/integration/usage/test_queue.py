"""IngestUsage: usage from the queue. A failed message is named, so that SQS delivers it again."""

from collections.abc import Callable
from typing import Any

import pytest

from allowance.access import session
from tests.conftest import environment
from tests.ledger import assert_sums_agree
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, seed
from tests.usage import failed, message, record


@pytest.fixture
def priced(acme: Acme) -> None:
    seed(price(input_price=2_000_000, output_price=10_000_000))


@pytest.mark.usefixtures("priced")
def test_messages_are_recorded_and_a_second_delivery_changes_nothing(database: Database) -> None:
    delivered = [message("a", record(1), record(2)), message("b", record(3))]
    assert failed(*delivered) == []
    assert failed(*delivered, message("c", record(4))) == []
    assert database.rows("SELECT usage_count, cost_micros::int FROM ai_spend_daily") == [
        (4, 12_000)
    ]
    assert_sums_agree(database)


@pytest.mark.usefixtures("priced")
def test_only_failed_messages_are_retried_and_the_log_says_why(
    database: Database, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    assert failed(
        message("good", record(1)),
        message("half", record(2), record(3, user="nobody"), record(4, tokens={"input": -1})),
        message("conflict", record(1, tokens={"input": 9})),
        message("text", body="hello"),
        message("surrogate", body='{"records": ["\ud800"]}'),
        message("empty", body="{}"),
        message("last", record(5)),
    ) == ["half", "conflict", "text", "surrogate", "empty"]
    assert database.rows("SELECT source_id FROM ai_usage ORDER BY source_id") == [
        ("call-1",),
        ("call-2",),
        ("call-3",),
        ("call-5",),
    ]
    lines = {each["message_id"]: each for each in logged() if each["message"] == "message failed"}
    assert lines["half"]["problems"] == [
        "records[2].tokens.input: Must not be negative.",
    ]
    assert lines["text"]["error"] == "InvalidJSON"


@pytest.mark.usefixtures("acme")
def test_a_database_that_is_down_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "JOB_PATIENCE_SECONDS", 0)
    with environment(DATABASE_URL="postgresql://allowance_jobs:x@127.0.0.1:1/nowhere"):
        assert failed(message("a", record(1)), message("b", record(2))) == ["a", "b"]
