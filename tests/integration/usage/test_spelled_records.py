"""The same record in the spellings of several gateways, plain and compressed, counts once."""

import gzip
import json
from typing import Any

from tests.gateway import Client
from tests.ledger import assert_sums_agree
from tests.postgres import Database
from tests.usage import PATH, record

OTHERS: list[dict[str, Any]] = [
    {"id": "4711"},
    {"id": 4711, "occurred_at": "2026-11-22T06:00:00.123456789Z"},
    {"id": 4711, "occurred_at": "2026-11-22 07:00:00.123456+0100", "variant": "default"},
    {"id": "4711", "tokens": {"input": 1000.0, "output": "200", "cache_read": None}},
    {"id": "4711", "group": "", "provider_name": "", "requests": "1", "variant": "Standard"},
]


def test_a_retry_in_another_spelling_is_a_duplicate(gateway: Client, database: Database) -> None:
    usual = record(
        1, occurred_at="2026-11-22T06:00:00.123456Z", tokens={"input": 1000, "output": 200}
    )
    batch = {"records": [usual | each for each in OTHERS]}
    content = gzip.compress(b"\xef\xbb\xbf" + json.dumps(batch).encode(), mtime=0)
    answer = gateway.post(PATH, content, headers={"content-encoding": "gzip"})
    assert answer.status == 200, answer.body
    found = [each["status"] for each in answer.json()["results"]]
    assert found == ["recorded", *["duplicate"] * (len(OTHERS) - 1)]
    plain = gateway.post(PATH, {"records": [usual | OTHERS[1]]}).json()["results"]
    assert [each["status"] for each in plain] == ["duplicate"]
    assert database.rows(
        "SELECT source_id, input_tokens::int, to_char(occurred_at, 'US') FROM ai_usage"
    ) == [("4711", 1000, "123456")]
    assert_sums_agree(database)


def test_a_compressed_body_that_is_too_large_records_nothing(
    gateway: Client, database: Database
) -> None:
    batch = json.dumps({"records": [record(1)]}).encode()
    bomb = gzip.compress(batch + b" " * (1 << 20), mtime=0)
    answer = gateway.post(PATH, bomb, headers={"content-encoding": "gzip"})
    assert (answer.status, answer.json()["message"]) == (413, "Request body too large.")
    assert gateway.post(PATH, batch, headers={"content-encoding": "br"}).status == 415
    assert database.rows("SELECT count(*)::int FROM ai_usage") == [(0,)]
