"""Where the book comes from: the shipped file, an object in S3 (moto's), or an HTTPS server, which
is a real one.
"""

import json
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

import seed_prices
from allowance.prices.book import MAX_BOOK_BYTES
from allowance.prices.seeding import fetch as fetching
from allowance.settings import BadSetting
from tests.conftest import environment
from tests.gateway import Context
from tests.postgres import Database
from tests.price_books import counts, price, rows, seed
from tests.tls import Site, https_site

SHIPPED_MODELS = 1000


def document(*prices: dict[str, Any], **more: Any) -> bytes:
    stated = {"source": "acme", "version": "1", "date": "2026-11-22", "roundings": []}
    return json.dumps(stated | {"prices": list(prices)} | more).encode()


def run() -> dict[str, Any]:
    """SeedPrices as the schedule calls it."""
    return seed_prices.handler({"source": "aws.events"}, Context())


@contextmanager
def configured(database: Database, location: str, ca_file: str = "") -> Generator[None]:
    with environment(
        DATABASE_URL=database.app_url, PRICE_BOOK=location, PRICE_BOOK_CA_FILE=ca_file
    ):
        yield


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


@pytest.fixture
def site(tmp_path: Path) -> Generator[Site]:
    with https_site(tmp_path) as served:
        yield served


def test_a_book_is_read_over_https(site: Site, empty_database: Database) -> None:
    site.serve(document(price(input_price=10)))
    with configured(empty_database, site.url, site.ca_file):
        assert run() == counts(inserted=1)
        assert run() == counts(unchanged=1)
    assert site.requests[0]["accept"] == "application/json"


def test_a_server_that_knows_entity_tags_is_asked_whether_it_has_changed(
    site: Site, empty_database: Database
) -> None:
    site.serve(document(price(input_price=10)), ETag='"one"')
    with configured(empty_database, site.url, site.ca_file):
        assert run() == counts(inserted=1)
        site.serve(b"", status=304)
        assert run() == counts(unchanged=1)
    assert [each.get("if-none-match") for each in site.requests] == [None, '"one"']


def endless(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    for _ in range(MAX_BOOK_BYTES >> 16):
        request.wfile.write(b" " * (1 << 16))
    request.wfile.write(b"  ")


def slow_headers(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for n in range(30):
        request.wfile.write(b"X-Header-%d: x\r\n" % n)
        request.wfile.flush()
        time.sleep(0.1)


def slow_redirects(request: BaseHTTPRequestHandler) -> None:
    time.sleep(0.2)
    to_itself(request)


def cut_short(request: BaseHTTPRequestHandler) -> None:
    content = document(price(input_price=1_000_000))
    request.send_response(200)
    request.send_header("Content-Length", str(len(content)))
    request.end_headers()
    request.wfile.write(content[:-10])


def drip(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    for _ in range(50):
        request.wfile.write(b" ")
        time.sleep(0.05)


def mute(request: BaseHTTPRequestHandler) -> None:
    time.sleep(1)


def nonsense(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"hello\r\n\r\n")


def to_plain_http(request: BaseHTTPRequestHandler) -> None:
    request.send_response(302)
    request.send_header("Location", "http://127.0.0.1:1/prices.json")
    request.end_headers()


def to_itself(request: BaseHTTPRequestHandler) -> None:
    request.send_response(302)
    request.send_header("Location", request.path)
    request.end_headers()


@pytest.mark.parametrize(
    ("respond", "why"),
    [
        (endless, "it has more than 16777216 bytes"),
        (cut_short, "it ended before its end"),
        (drip, "it took longer than 0.5 s"),
        (mute, "timed out"),
        (nonsense, "it does not speak HTTP (BadStatusLine)"),
        (to_plain_http, "it redirects to what is not HTTPS"),
        (to_itself, "it answered 302"),
        (slow_headers, "it took longer than 0.5 s"),
        (slow_redirects, "it took longer than 0.5 s"),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_whatever_a_server_does_the_shipped_file_is_at_hand(
    site: Site, empty_database: Database, monkeypatch: pytest.MonkeyPatch, respond: Any, why: str
) -> None:
    monkeypatch.setattr(fetching, "TIMEOUT_SECONDS", 0.4)
    monkeypatch.setattr(fetching, "PATIENCE_SECONDS", 0.5)
    site.respond = respond
    with configured(empty_database, f"{site.url}?signature=hunter2", site.ca_file):
        answer = run()
    assert why in answer["fallback"]
    assert answer["fallback"].startswith(f"{site.url}: "), "and not what a query may hold"
    assert answer["inserted"] > SHIPPED_MODELS


def test_few_redirects_are_followed(site: Site, empty_database: Database) -> None:
    def respond(request: BaseHTTPRequestHandler) -> None:
        request.send_response(302)
        request.send_header("Location", f"/{len(site.requests)}")
        request.end_headers()

    site.respond = respond
    with configured(empty_database, site.url, site.ca_file):
        assert "it answered 302" in run()["fallback"]
    assert len(site.requests) == 1 + fetching.MAX_REDIRECTS


def test_an_answer_that_nothing_changed_counts_only_if_that_was_asked(
    site: Site, empty_database: Database
) -> None:
    site.serve(b"", status=304)
    with configured(empty_database, site.url, site.ca_file):
        answer = run()
    assert answer["fallback"] == f"{site.url}: it answered 304"
    assert answer["inserted"] > SHIPPED_MODELS


def test_an_entity_tag_says_nothing_of_another_query(site: Site, empty_database: Database) -> None:
    def respond(request: BaseHTTPRequestHandler) -> None:
        if request.headers.get("If-None-Match"):
            request.send_response(304)
            request.end_headers()
            return
        content = document(price(input_price=1_000_000 if "v=1" in request.path else 2_000_000))
        request.send_response(200)
        request.send_header("ETag", '"1"')
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    site.respond = respond
    for query, answer in [
        ("v=1", counts(inserted=1)),
        ("v=1", counts(unchanged=1)),
        ("v=2", counts(updated=1)),
    ]:
        with configured(empty_database, f"{site.url}?{query}", site.ca_file):
            assert run() == answer
    stored = empty_database.rows("SELECT location FROM ai_price_book")[0][0]
    assert "v=2" not in stored, "what the query holds may be a signature"
    assert {
        row[0] for row in empty_database.rows("SELECT origin FROM ai_model_price_versions")
    } == {f"acme 1 of 2026-11-22, from {site.url}"}


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_server_that_answers_an_error_is_named_with_it(
    site: Site, empty_database: Database, status: int
) -> None:
    site.serve(document(price(input_price=10)), status=status)
    with configured(empty_database, site.url, site.ca_file):
        assert run()["fallback"] == f"{site.url}: it answered {status}"


def test_a_certificate_that_nobody_vouches_for_is_refused(
    site: Site, empty_database: Database
) -> None:
    site.serve(document(price(input_price=10)))
    with configured(empty_database, site.url):
        assert "CERTIFICATE_VERIFY_FAILED" in run()["fallback"]
    assert site.requests == []


def test_a_certificate_for_another_host_is_refused(
    tmp_path: Path, empty_database: Database
) -> None:
    with (
        https_site(tmp_path, host="127.0.0.2") as site,
        configured(empty_database, site.url, site.ca_file),
    ):
        assert "CERTIFICATE_VERIFY_FAILED" in run()["fallback"]
    assert site.requests == []


def test_a_server_that_is_not_there_is_the_shipped_file(empty_database: Database) -> None:
    with configured(empty_database, "https://127.0.0.1:1/prices.json"):
        assert "Connection refused" in run()["fallback"]


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
                "SELECT input_price FROM ai_model_prices_at(now()) WHERE provider = %s AND model = %s",
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
