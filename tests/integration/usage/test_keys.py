"""Why a usage counts once: the digest of its key, and two writers of one key."""

from datetime import UTC, datetime
from hashlib import sha256
from threading import Thread
from typing import Any
from uuid import UUID

import psycopg
import pytest

from allowance.errors import UsageKeyTaken
from allowance.usage.recording import ATTEMPTS
from allowance.usage.records import key_digest_of, usage_of
from tests.gateway import Client
from tests.ledger import connection_of, record_in
from tests.postgres import Database
from tests.usage import record, results


@pytest.mark.parametrize(
    ("source", "id", "digest"),
    [
        ("litellm", "call-1", "e8b88e7b0fb725882c2bb0835f9e475d"),
        ("bedrock", "é ü", "690a30772dbb1141c525e2fb99c4d052"),
        ("💸", "x" * 255, "1024de05c020e89f8cd54203ab8bc91c"),
    ],
)
def test_the_digest_of_a_key_never_changes(source: str, id: str, digest: str) -> None:  # noqa: A002
    """The database keeps keys forever."""
    assert key_digest_of(source, id) == bytes.fromhex(digest)


def test_a_digest_is_half_a_sha256_of_source_line_feed_and_id() -> None:
    assert key_digest_of("litellm", "call-1") == sha256(b"litellm\ncall-1").digest()[:16]


def test_an_entry_has_the_source_and_id_of_its_record(gateway: Client, database: Database) -> None:
    results(gateway, record(1))
    sent = record(1)
    assert database.rows("SELECT source, source_id FROM ai_usage") == [(sent["source"], sent["id"])]


def test_a_key_that_another_call_is_recording_becomes_a_duplicate(
    gateway: Client, database: Database
) -> None:
    """The other call wins: the batch waits for it, starts again, and finds the recorded key."""
    first, found = record(1), list[dict[str, Any]]()
    with psycopg.connect(database.owner_url) as other:
        take_key(other, first)
        waiting = Thread(target=lambda: found.extend(results(gateway, first, record(2))))
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
        other.commit()
        waiting.join()
    assert [each["status"] for each in found] == ["duplicate", "recorded"]
    assert database.rows("SELECT source_id FROM ai_usage") == [(record(2)["id"],)]


def test_a_batch_that_always_loses_its_key_fails_and_writes_nothing(
    gateway: Client, database: Database
) -> None:
    """Another writer records a key after each look-up of this batch."""
    del gateway
    with psycopg.connect(database.owner_url, autocommit=True) as other:
        connection = connection_of(database)
        looks = connection.batch
        lookups = list[int]()

        def then_taken(*calls: Any) -> Any:
            answer = looks(*calls)
            take_key(other, record(len(lookups)))
            lookups.append(1)
            return answer

        connection.batch = then_taken  # type: ignore[method-assign]
        with pytest.raises(UsageKeyTaken) as taken:
            record_in(connection, [record(n) for n in range(20)], datetime.now(UTC))
        connection.close()
    assert len(lookups) == ATTEMPTS
    assert isinstance(taken.value.__cause__, psycopg.errors.UniqueViolation)
    assert database.rows("SELECT count(*) FROM ai_usage") == [(0,)]


def take_key(connection: psycopg.Connection, sent: dict[str, Any]) -> None:
    """Insert the key of a record, without an entry, like another call."""
    usage = usage_of(sent)
    connection.execute(
        "INSERT INTO ai_usage_keys (key_digest, content_sha256, usage_id, cost_micros,"
        " occurred_at) VALUES (%s, %s, 1, 3000, now())",
        (UUID(bytes=usage.key_digest), usage.content_sha256),
    )


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ("gen_random_uuid(), ''", "ai_usage_keys_content_sha256_length"),
        (
            "gen_random_uuid(), sha256('') || ''::bytea || '\\x00'",
            "ai_usage_keys_content_sha256_length",
        ),
    ],
)
def test_the_schema_refuses_a_content_that_is_no_sha256(
    database: Database, values: str, constraint: str
) -> None:
    with pytest.raises(psycopg.errors.CheckViolation) as caught:
        database.run(
            "INSERT INTO ai_usage_keys (key_digest, content_sha256, usage_id, occurred_at)"
            f" VALUES ({values}, 1, now())"
        )
    assert caught.value.diag.constraint_name == constraint


@pytest.mark.parametrize("column", ["source", "source_id"])
def test_every_entry_has_the_names_of_its_gateway(
    gateway: Client, database: Database, column: str
) -> None:
    results(gateway, record(1))
    with pytest.raises(psycopg.errors.NotNullViolation):
        database.run(f"UPDATE ai_usage SET {column} = NULL")
