"""A body may be compressed, and may begin with a byte order mark. Its bound is the same."""

import base64
import gzip
import json
import tracemalloc
import zlib

import pytest

from allowance.budgets.models import SpendLimit
from allowance.errors import AllowanceError, BodyTooLarge, InvalidJSON, UnsupportedEncoding
from allowance.http.encodings import MAX_BODY_BYTES, MAX_MEMBERS
from allowance.http.request import Request
from allowance.http.responses import failure


def compress(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


BODY = b'{"spend_limit_micros": 1}'


def request(content: bytes, encoding: str | None) -> Request:
    headers = {} if encoding is None else {"Content-Encoding": encoding}
    body = base64.b64encode(content).decode()
    return Request.of({"body": body, "isBase64Encoded": True, "headers": headers}, "id")


def refusal(content: bytes, encoding: str) -> AllowanceError:
    with pytest.raises(AllowanceError) as caught:
        request(content, encoding).json_body(SpendLimit)
    return caught.value


def padded(size: int) -> bytes:
    return BODY + b" " * (size - len(BODY))


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (compress(BODY), "gzip"),
        (compress(BODY), " X-GZIP "),
        (compress(BODY[:9]) + compress(BODY[9:]), "gzip"),
        (compress(b"\xef\xbb\xbf" + BODY), "gzip"),
        (compress(padded(MAX_BODY_BYTES)), "gzip"),
        (b"\xef\xbb\xbf" + BODY, None),
        (BODY, "identity"),
        (BODY, ""),
    ],
)
def test_the_content_of_an_encoded_body_is_read(content: bytes, encoding: str | None) -> None:
    assert request(content, encoding).json_body(SpendLimit).spend_limit_micros == 1


@pytest.mark.parametrize(
    "content",
    [BODY, b"", compress(b"") * MAX_MEMBERS + compress(BODY), compress(BODY)[:-1],
     compress(BODY)[:12], compress(BODY) + b"x",
     zlib.compress(BODY), compress(BODY)[:-8] + bytes(8)],
)  # fmt: skip
def test_what_is_no_whole_gzip_file_is_refused(content: bytes) -> None:
    error = refusal(content, "gzip")
    assert isinstance(error, InvalidJSON)
    assert "no whole gzip file" in str(error.detail)


@pytest.mark.parametrize("encoding", ["br", "deflate", "zstd", "gzip, gzip"])
def test_another_encoding_is_refused_with_the_one_that_is_taken(encoding: str) -> None:
    error = refusal(BODY, encoding)
    assert isinstance(error, UnsupportedEncoding)
    response = failure(request(b"", None), error)
    assert response["statusCode"] == 415
    assert response["headers"]["Accept-Encoding"] == "gzip"
    assert json.loads(response["body"])["message"] == "Content-Encoding must be gzip."


def test_a_bomb_is_refused_before_it_fills_the_memory() -> None:
    member = compress(b" " * (16 << 20))
    for bomb in (member, compress(b" " * (1 << 15)) * 90):
        tracemalloc.start()
        assert isinstance(refusal(bomb, "gzip"), BodyTooLarge)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 8 * MAX_BODY_BYTES
    assert isinstance(refusal(compress(padded(MAX_BODY_BYTES + 1)), "gzip"), BodyTooLarge)
    assert isinstance(refusal(b"\x1f" * (MAX_BODY_BYTES + 1), "gzip"), BodyTooLarge)
