"""Where the book comes from: the shipped file, an object in S3 (moto's), or an HTTPS server, which
is a real one.
"""

import json
from collections.abc import Callable, Generator
from typing import Any

import boto3
import pytest
from moto import mock_aws

import seed_prices
from allowance.prices.book import MAX_BOOK_BYTES
from allowance.settings import BadSetting
from tests.configured_books import SHIPPED_MODELS, configured, document, run
from tests.postgres import Database
from tests.price_books import counts, price, rows, seed
from tests.tls import Site

pytestmark = pytest.mark.usefixtures("small_shipped_book")


# S3


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Generator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        client: Any = boto3.client("s3")
        client.create_bucket(Bucket="books")
        client.put_bucket_versioning(Bucket="books", VersioningConfiguration={"Status": "Enabled"})
        yield client


def put(s3: Any, content: bytes, key: str = "a/prices.json") -> str:
    return s3.put_object(Bucket="books", Key=key, Body=content)["VersionId"]


def test_a_book_is_read_from_s3_and_not_again_while_it_is_the_same(
    s3: Any, empty_database: Database, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    put(s3, document(price(input_price=10), price("n", input_price=20)))
    with configured(empty_database, "s3://books/a/prices.json"):
        assert run() == counts(inserted=2)
        assert run() == counts(unchanged=2)
        assert [each["not_modified"] for each in logged() if each["message"] == "price book"] == [
            False,
            True,
        ]
        put(s3, document(price(input_price=20)))
        assert run() == counts(updated=1, withdrawn=1)
        assert run() == counts(unchanged=1)
    assert {
        row[0] for row in empty_database.rows("SELECT origin FROM ai_model_price_versions")
    } == {"acme 1 of 2026-11-22, from s3://books/a/prices.json"}


def test_an_event_in_between_makes_the_book_be_read_again(
    s3: Any, empty_database: Database
) -> None:
    put(s3, document(price(input_price=10)))
    with configured(empty_database, "s3://books/a/prices.json"):
        run()
        assert seed(price(input_price=20)) == counts(updated=1)
        assert run() == counts(updated=1)
        assert rows(empty_database)[0][3] == 10


def test_a_version_of_an_object_can_be_pinned(s3: Any, empty_database: Database) -> None:
    first = put(s3, document(price(input_price=10)))
    put(s3, document(price(input_price=20)))
    with configured(empty_database, f"s3://books/a/prices.json?versionId={first}"):
        assert run() == counts(inserted=1)
    assert rows(empty_database)[0][3] == 10


@pytest.mark.parametrize(
    ("location", "content", "why"),
    [
        ("s3://books/nowhere", b"", "s3://books/nowhere: S3 answered NoSuchKey"),
        ("s3://no-such-bucket/x", b"", "s3://no-such-bucket/x: S3 answered NoSuchBucket"),
        (
            "s3://books/a/prices.json",
            b"[" * MAX_BOOK_BYTES + b"[",
            "it has more than 16777216 bytes",
        ),
        ("s3://books/a/prices.json", b"{", "must be valid JSON"),
    ],
    ids=["no object", "no bucket", "too large", "no JSON"],
)
def test_what_s3_does_not_give_is_the_shipped_file_and_the_answer_says_so(
    s3: Any, empty_database: Database, location: str, content: bytes, why: str
) -> None:
    put(s3, content)
    with configured(empty_database, location):
        answer = run()
    assert why in answer["fallback"]
    assert answer["inserted"] > SHIPPED_MODELS


# HTTPS


def test_the_shipped_file_takes_nothing_back_that_another_book_said(
    site: Site, empty_database: Database
) -> None:
    shipped = next(
        each
        for each in json.loads(seed_prices.SHIPPED.read_text())["prices"]
        if each.get("input_price")
    )
    newer = {
        "provider": shipped["provider"],
        "model": shipped["model"],
        "input_price": shipped["input_price"] + 7,
    }
    site.serve(document(newer, price(input_price=10)))
    with configured(empty_database, site.url, site.ca_file):
        assert run() == counts(inserted=2)
        site.serve(b"", status=500)
        for _ in range(2):
            answer = run()
            assert (answer["updated"], answer["withdrawn"]) == (0, 0)
            assert empty_database.rows(
                "SELECT input_price FROM ai_model_prices_at(now()) WHERE provider = %s AND "
                "model = %s",
                newer["provider"], newer["model"],
            ) == [(newer["input_price"],)]  # fmt: skip


@pytest.mark.parametrize(
    "location", ["http://a.example/x", "ftp://a.example/x", "file:///etc/passwd", "/etc/passwd"]
)
def test_another_address_is_a_bad_setting(empty_database: Database, location: str) -> None:
    with (
        configured(empty_database, location),
        pytest.raises(BadSetting, match="must begin with s3:// or https://"),
    ):
        run()


def test_a_book_of_an_event_wins_over_the_configured_one(
    site: Site, empty_database: Database
) -> None:
    with configured(empty_database, site.url, site.ca_file):
        assert seed(price(input_price=10)) == counts(inserted=1)
    assert site.requests == []
