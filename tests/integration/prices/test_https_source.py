"""A price book from a real HTTPS server, and every way in which that server fails."""

import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from allowance.prices.book import MAX_BOOK_BYTES
from allowance.prices.seeding import fetch as fetching
from tests.configured_books import SHIPPED_MODELS, configured, document, run
from tests.postgres import Database
from tests.price_books import counts, price
from tests.tls import Site, https_site

pytestmark = pytest.mark.usefixtures("small_shipped_book")


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
    """Sends nothing until the client gives up."""
    request.connection.settimeout(5)
    request.rfile.read(1)


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
    # Only where the limit is the point: a busy machine is no slow server.
    if why == "timed out":
        monkeypatch.setattr(fetching, "TIMEOUT_SECONDS", 0.4)
    if "longer" in why:
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
