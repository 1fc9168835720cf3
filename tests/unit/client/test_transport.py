"""One request of the client: its deadline, its retries, and what stays secret."""

import asyncio
import itertools
import json
import time
import traceback
from typing import Any

import pytest

from allowance_client.attempts import Attempts, pause_seconds
from allowance_client.errors import ApiError, Unavailable
from allowance_client.responses import read_answer
from allowance_client.transport import Answer, AsyncConnection, Connection
from tests.scripted_server import Step, http, scripted

TOKEN = "alw_id_SecretOfTheTest"
BUSY = http(503, b'{"message":"Later."}')
OK = http(200, b'{"is":"done"}')
KINDS = ("threads", "asyncio")


def send(kind: str, url: str, *, timeout_seconds: float = 5, **more: Any) -> Answer:
    """One request by one of the two connections."""
    if kind == "threads":
        with Connection(url, TOKEN, timeout_seconds=timeout_seconds) as connection:
            return connection.request("POST", "/api/v2/x", **more)

    async def run() -> Answer:
        async with AsyncConnection(url, TOKEN, timeout_seconds=timeout_seconds) as connection:
            return await connection.request("POST", "/api/v2/x", **more)

    return asyncio.run(run())


@pytest.mark.parametrize("kind", KINDS)
def test_a_request_has_its_token_query_and_body(kind: str) -> None:
    with scripted([OK]) as server:
        answer = send(kind, server.url, params={"a": "b c", "none": None}, body={"é": 1})
    assert (answer.status, answer.body, answer.request_id) == (200, {"is": "done"}, "r-1")
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /api/v2/x?a=b+c HTTP/1.1\r\n")
    assert f"Authorization: Bearer {TOKEN}".encode() in head
    assert b"Content-Type: application/json" in head
    assert body == '{"é":1}'.encode()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "first",
    [[BUSY], [http(500)], [http(502, b"<html>")], [http(429)], [], [OK[:-3]], [b"SSH-2.0\r\n"]],
    ids=["503", "500", "502", "429", "closed", "cut", "no-http"],
)
def test_a_failed_attempt_is_made_again_as_it_was(kind: str, first: list[Step]) -> None:
    with scripted(first, [OK]) as server:
        assert send(kind, server.url, body={"id": "1"}).body == {"is": "done"}
    first_request, second = server.requests
    assert first_request == second


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413])
def test_what_a_retry_cannot_mend_is_no_outage(kind: str, status: int) -> None:
    body = {"message": "No.", "detail": "Why.", "code": "c", "more": 1}
    body["validations"] = [{"field": "a", "detail": "is wrong"}]
    with (
        scripted([http(status, json.dumps(body).encode())]) as server,
        pytest.raises(ApiError) as raised,
    ):
        send(kind, server.url)
    error = raised.value
    assert (error.status, error.message, error.detail, error.code) == (status, "No.", "Why.", "c")
    assert (error.body, error.request_id) == (body, "r-1")
    assert str(error) == f"{status}: No. Why. a: is wrong (request r-1)"
    assert len(server.requests) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "script",
    [
        [30.0],
        [OK[:-3], 30.0],
        list(itertools.chain.from_iterable((each, 0.05) for each in [OK[:-9], *[b" "] * 30])),
    ],
    ids=["silent", "stuck", "trickling"],
)
def test_the_deadline_ends_whatever_the_server_does(kind: str, script: list[Step]) -> None:
    with scripted(script) as server:
        started = time.monotonic()
        with pytest.raises(Unavailable):
            send(kind, server.url, timeout_seconds=0.25)
    assert 0.2 <= time.monotonic() - started < 5


def test_all_phases_of_an_attempt_share_one_deadline() -> None:
    """Sending takes most of the time, since the server reads late."""
    with (
        scripted([30.0], read_after=0.7) as server,
        Connection(server.url, TOKEN, timeout_seconds=0.8) as connection,
    ):
        started = time.monotonic()
        with pytest.raises(Unavailable):
            connection.request("POST", "/", body=" " * 8_000_000)
        assert time.monotonic() - started < 1.3


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_listens(kind: str) -> None:
    with scripted([OK]) as server:
        gone = server.url
    with pytest.raises(Unavailable, match="No response came"):
        send(kind, gone, timeout_seconds=0.2)


def test_a_retry_waits_as_long_as_the_response_asks() -> None:
    with scripted([http(503, retry_after="0.2")], [OK]) as server:
        send("threads", server.url)
    first, second = server.arrived
    assert second - first >= 0.2


def test_a_pause_that_ends_after_the_deadline_is_not_begun() -> None:
    with scripted([http(429, b'{"message":"Slowly."}', retry_after="60")]) as server:
        started = time.monotonic()
        with pytest.raises(Unavailable) as raised:
            send("threads", server.url)
    assert time.monotonic() - started < 5
    assert raised.value.retry_after_seconds == 60
    assert str(raised.value) == "Allowance responded with 429: Slowly. (request r-1)"


def test_pauses_grow_to_a_bound_and_are_random() -> None:
    longest = [pause_seconds(n, None, lambda: 1.0) for n in range(40)]
    assert longest[:4] == [0.05, 0.1, 0.2, 0.4]
    assert longest[-1] == max(longest) == 5
    assert pause_seconds(3, None, lambda: 0.0) == 0
    assert pause_seconds(0, 2.0, lambda: 0.5) == 2.025


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_a_deadline_is_a_positive_number(seconds: float) -> None:
    with pytest.raises(ValueError, match="timeout_seconds"):
        Attempts(seconds)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("3", 3),
        ("1.5", 1.5),
        ("Wed, 21 Oct 2015 07:28:00 GMT", None),
        ("-1", None),
        ("nan", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    with pytest.raises(Unavailable) as raised:
        read_answer(503, {"retry-after": value}, b"")
    assert raised.value.retry_after_seconds == seconds


def test_retry_after_may_be_a_date_that_comes() -> None:
    with pytest.raises(Unavailable) as raised:
        read_answer(503, {"retry-after": "Thu, 01 Jan 2099 00:00:00 GMT"}, b"")
    assert (raised.value.retry_after_seconds or 0) > 10**6


@pytest.mark.parametrize(
    ("status", "kind", "body"),
    [
        (200, "text/html", b"<h1>Welcome</h1>"),
        (201, "application/json", b"<h1>"),
        (200, "", b""),
        (302, "", b""),
    ],
)
def test_a_page_of_somebody_else_is_no_success(status: int, kind: str, body: bytes) -> None:
    with pytest.raises(ApiError) as raised:
        read_answer(status, {"content-type": kind}, body)
    assert raised.value.status == status


def test_a_file_is_text_and_a_deletion_has_no_body() -> None:
    assert read_answer(200, {"content-type": "text/csv; charset=utf-8"}, b"a,b\n").body == "a,b\n"
    assert read_answer(204, {}, b"").body is None


@pytest.mark.parametrize(
    "url",
    ["", "allowance.example", "ftp://a", "http://", "http://u:p@a", "http://a?b=c", "http://a#b"],
)
def test_an_address_that_cannot_be_one_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        Connection(url, TOKEN)


@pytest.mark.parametrize("token", ["", "a\nb", "a b", "ключ"])
def test_a_token_that_cannot_be_one_is_refused_unsaid(token: str) -> None:
    with pytest.raises(ValueError, match="token") as raised:
        Connection("http://127.0.0.1", token)
    assert not token or token not in "".join(traceback.format_exception(raised.value))


def text_of_error(url: str, seconds: float) -> str:
    """What a log may show of an error: with the variables of each frame, as some tools do."""
    with Connection(url, TOKEN) as connection:
        try:
            connection.request("GET", "/", timeout_seconds=seconds)
        except (ApiError, Unavailable) as error:
            chain = traceback.TracebackException.from_exception(error, capture_locals=True)
            return "".join([repr(connection), repr(error), *chain.format()])
    raise AssertionError("there was no error")


def test_the_token_is_in_no_text(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    with scripted([BUSY], [http(401)]) as server:
        refused, late = (text_of_error(server.url, seconds) for seconds in (5, 1e-4))
    for text in (refused, late, caplog.text):
        assert "127.0.0.1" in text
        assert "SecretOfTheTest" not in text
