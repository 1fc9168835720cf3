"""Fetch a document from S3 or by HTTPS, in bounded time and size."""

import ssl
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage
from threading import Thread
from typing import IO, Any, override
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, OpenerDirector, Request, build_opener

from allowance.prices.book import MAX_BOOK_BYTES
from allowance.prices.seeding.settings import PriceBookSource

CONNECT_SECONDS = 3
"""Limit of a connection to S3."""
TIMEOUT_SECONDS = 8
"""Limit of each read from a socket."""
PATIENCE_SECONDS = 20
"""Limit of the whole fetch, with name lookup, redirects and headers. A server that trickles bytes
cannot hold the function until its timeout.
"""
MAX_REDIRECTS = 3
CHUNK_BYTES = 1 << 16
NOT_MODIFIED = 304
MAX_ETAG_LENGTH = 300


class Unreachable(Exception):
    """A document could not be fetched. The message says why and holds no secret."""


@dataclass(frozen=True)
class Fetched:
    """The response of a location. `content` None: the document still has the known entity tag."""

    content: bytes | None
    etag: str | None


def fetch(source: PriceBookSource, etag: str | None) -> Fetched:
    """Return the document at the location, or no content if it still has this entity tag. Raise
    Unreachable.
    """
    return _in_time(lambda deadline: _fetch(source, etag, deadline))


def _in_time(fetch: Callable[[float], Fetched]) -> Fetched:
    """Return the result of `fetch`, which gets its deadline in seconds of time.monotonic(). Raise
    Unreachable when it is late.

    Socket timeouts do not bound name lookup, redirects and headers in total. So it runs in a
    thread, which is abandoned when late.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    outcome: Future[Fetched] = Future()

    def run() -> None:
        try:
            outcome.set_result(fetch(deadline))
        except Exception as error:  # noqa: BLE001 - the waiting thread raises it
            outcome.set_exception(error)

    Thread(target=run, name="price book", daemon=True).start()
    wait([outcome], timeout=PATIENCE_SECONDS)
    if not outcome.done():
        raise _took_too_long()
    return outcome.result()


def _took_too_long() -> Unreachable:
    return Unreachable(f"it took longer than {PATIENCE_SECONDS} s")


def _fetch(source: PriceBookSource, etag: str | None, deadline: float) -> Fetched:
    location = source.location or ""
    if urlsplit(location).scheme == "s3":
        return _from_s3(location, etag, deadline)
    return _from_https(location, etag, source.ca_file, deadline)


def _from_s3(location: str, etag: str | None, deadline: float) -> Fetched:
    """Return the object at `s3://bucket/key`, or exactly its version with `?versionId=x`.

    One request, so the content and entity tag are of one version.
    """
    # boto3 is the largest part of a cold start: it is imported only where an object is fetched.
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    parts = urlsplit(location)
    versions = parse_qs(parts.query).get("versionId", [])
    pinned = {"VersionId": versions[0]} if versions else {}
    condition = {"IfNoneMatch": etag} if etag else {}
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=TIMEOUT_SECONDS,
        retries={"total_max_attempts": 2},
    )
    try:
        client: Any = boto3.client("s3", config=config)  # pyright: ignore[reportUnknownMemberType]
        answer = client.get_object(
            Bucket=parts.netloc, Key=parts.path.lstrip("/"), **pinned, **condition
        )
        content = _bounded(answer["Body"].read, answer["ContentLength"], deadline)
    except ClientError as error:
        if (
            etag
            and error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == NOT_MODIFIED
        ):
            return Fetched(None, etag)
        raise Unreachable(f"S3 answered {error.response.get('Error', {}).get('Code')}") from error
    except (BotoCoreError, OSError) as error:
        raise Unreachable(f"S3 could not be read ({type(error).__name__})") from error
    return Fetched(content, answer["ETag"])


def _from_https(location: str, etag: str | None, ca_file: str | None, deadline: float) -> Fetched:
    headers = {
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": "allowance",
    }
    request = Request(  # noqa: S310 - the settings take no other scheme than https
        location, headers=headers | ({"If-None-Match": etag} if etag else {})
    )
    try:
        opener = _opener(ca_file)
        with opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
            length = answer.headers.get("Content-Length", "")
            content = _bounded(
                answer.read1, int(length) if length.isascii() and length.isdigit() else 0, deadline
            )
            entity_tag = answer.headers.get("ETag", "")
            return Fetched(
                content,
                entity_tag
                if entity_tag.isprintable() and len(entity_tag) <= MAX_ETAG_LENGTH
                else None,
            )
    except HTTPError as error:
        error.close()
        if etag and error.code == NOT_MODIFIED:
            return Fetched(None, etag)
        raise Unreachable(f"it answered {error.code}") from error
    except OSError as error:
        raise Unreachable(str(error)) from error
    except (HTTPException, ValueError) as error:
        # These messages quote the URL or the server's bytes.
        raise Unreachable(f"it does not speak HTTP ({type(error).__name__})") from error


def _bounded(read: Callable[[int], bytes], announced: int, deadline: float) -> bytes:
    """Return all bytes. Raise Unreachable if they are too many, too slow or incomplete."""
    too_much = Unreachable(f"it has more than {MAX_BOOK_BYTES} bytes")
    if announced > MAX_BOOK_BYTES:
        raise too_much
    content = bytearray()
    while chunk := read(CHUNK_BYTES):
        content += chunk
        if len(content) > MAX_BOOK_BYTES:
            raise too_much
        if time.monotonic() > deadline:
            raise _took_too_long()
    if len(content) < announced:
        raise Unreachable("it ended before its end")
    return bytes(content)


class _OnlyHTTPS(HTTPRedirectHandler):
    """Follows a few redirects, and only to HTTPS."""

    max_redirections = max_repeats = MAX_REDIRECTS

    @override
    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        if urlsplit(newurl).scheme != "https":
            fp.close()
            raise Unreachable("it redirects to what is not HTTPS")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener(ca_file: str | None) -> OpenerDirector:
    return build_opener(
        HTTPSHandler(context=ssl.create_default_context(cafile=ca_file)), _OnlyHTTPS()
    )
