"""What makes a usage count once: its digest, who else is recording it, and what the version before
still writes.
"""

from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from shutil import copy
from threading import Thread
from typing import Any
from uuid import UUID

import psycopg
import pytest

from allowance.errors import UsageKeyTaken
from allowance.usage.recording import ATTEMPTS
from allowance.usage.recording import record as record_in
from allowance.usage.records import key_digest_of, usage_of
from migrate import MIGRATIONS, migrate
from tests.gateway import Client
from tests.ledger import assert_sums_agree, connection_of
from tests.postgres import Database, Server
from tests.usage import record, results

BY_THE_VERSION_BEFORE = """
INSERT INTO ai_usage_keys AS k (source, id, content_sha256, usage_id, occurred_at, cost_micros, priced)
OVERRIDING SYSTEM VALUE
VALUES (%s, %s, %s, nextval('ai_usage_keys_usage_id_seq'), now(), 7, true)
ON CONFLICT (source, id) DO UPDATE SET recorded_at = k.recorded_at
"""


@pytest.mark.parametrize(("source", "id"), [("s", "a"), ("bedrock", "é ü"), ("💸", "x" * 255)])
def test_the_database_digests_a_key_as_we_do(database: Database, source: str, id: str) -> None:  # noqa: A002
    assert database.rows("SELECT ai_usage_key_digest(%s, %s)", source, id) == [
        (UUID(bytes=key_digest_of(source, id)),)
    ]


def test_the_digest_of_a_key_never_changes() -> None:
    """Keys are kept for ever."""
    assert key_digest_of("litellm", "call-1") == sha256(b"litellm\ncall-1").digest()[:16]


def test_an_entry_says_what_its_gateway_calls_it(gateway: Client, database: Database) -> None:
    results(gateway, record(1))
    sent = record(1)
    assert database.rows("SELECT source, source_id FROM ai_usage") == [(sent["source"], sent["id"])]


def test_what_is_recorded_meanwhile_is_waited_for_and_a_duplicate_then(
    gateway: Client, database: Database
) -> None:
    """The other call wins: the batch that waited for it starts again, and finds what was recorded."""
    first, found = record(1), list[dict[str, Any]]()
    with psycopg.connect(database.app_url) as other:
        take_key(other, first)
        waiting = Thread(target=lambda: found.extend(results(gateway, first, record(2))))
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
        other.commit()
        waiting.join()
    assert [each["status"] for each in found] == ["duplicate", "recorded"]
    assert database.rows("SELECT source_id FROM ai_usage") == [(record(2)["id"],)]


def test_what_is_never_free_is_for_another_time(gateway: Client, database: Database) -> None:
    """As by a writer that takes away a key each time after it was looked for: an error, and nothing
    half-written.
    """
    del gateway
    with psycopg.connect(database.app_url, autocommit=True) as other:
        connection = connection_of(database)
        looks = connection.all_in_one_trip
        asked = list[int]()

        def then_taken(*calls: Any) -> Any:
            answer = looks(*calls)
            take_key(other, record(len(asked)))
            asked.append(1)
            return answer

        connection.all_in_one_trip = then_taken  # type: ignore[method-assign]
        with pytest.raises(UsageKeyTaken) as taken:
            record_in(connection, [record(n) for n in range(20)], datetime.now(UTC))
        connection.close()
    assert len(asked) == ATTEMPTS
    assert isinstance(taken.value.__cause__, psycopg.errors.UniqueViolation)
    assert database.rows("SELECT count(*) FROM ai_usage") == [(0,)]


def take_key(connection: psycopg.Connection, sent: dict[str, Any]) -> None:
    """Record the key of a record as another call would, without an entry."""
    usage = usage_of(sent)
    connection.execute(
        "INSERT INTO ai_usage_digests (key_digest, content_sha256, usage_id, cost_micros) VALUES (%s, %s, 1, 3000)",
        (UUID(bytes=usage.key_digest), usage.content_sha256),
    )


def test_the_version_before_numbers_no_entry_as_this_one_does(empty_database: Database) -> None:
    ((before, now),) = empty_database.rows(
        "SELECT nextval('ai_usage_keys_usage_id_seq'), nextval('ai_usage_id_seq')"
    )
    assert now - before > 10**8


def test_keys_of_before_the_digests_are_taken_over_and_those_of_meanwhile_too(
    server: Server, tmp_path: Path
) -> None:
    files = sorted(MIGRATIONS.glob("*.sql"))
    with server.database() as database, database.connect() as owner:
        for before, number in (("0017", 1), ("0020", 2)):
            for path in files:
                if path.name < before:
                    copy(path, tmp_path)
            migrate(owner, tmp_path)
            owner.execute(BY_THE_VERSION_BEFORE, ("s", str(number), bytes(32)))
        migrate(owner)
        owner.execute(BY_THE_VERSION_BEFORE, ("s", "1", bytes(32)))
        assert database.rows(
            "SELECT key_digest, cost_micros FROM ai_usage_digests ORDER BY usage_id"
        ) == [(UUID(bytes=key_digest_of("s", number)), 7) for number in ("1", "2")]


def test_what_the_version_before_records_is_known(gateway: Client, database: Database) -> None:
    sent = record(1)
    with psycopg.connect(database.app_url, autocommit=True) as before:
        for _ in range(2):
            before.execute(
                BY_THE_VERSION_BEFORE, (sent["source"], sent["id"], usage_of(sent).content_sha256)
            )
    assert results(gateway, sent)[0] | {"validations": []} == {
        "status": "duplicate", "cost_micros": 7, "priced": True, "validations": [],
    }  # fmt: skip


def test_the_version_before_cannot_count_again_what_this_one_recorded(
    gateway: Client, database: Database
) -> None:
    sent = record(1)
    results(gateway, sent)
    with (
        psycopg.connect(database.app_url) as before,
        pytest.raises(psycopg.errors.SerializationFailure),
    ):
        before.execute(
            BY_THE_VERSION_BEFORE, (sent["source"], sent["id"], usage_of(sent).content_sha256)
        )
    assert_sums_agree(database)
