"""Where the default prices come from: the file that is shipped, an object in S3, or an HTTPS URL.

Whatever goes wrong elsewhere, the shipped file is at hand, and the answer says why it was taken.
"""

import ssl
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from hashlib import sha256
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from threading import Thread
from typing import IO, Any, override
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, OpenerDirector, Request, build_opener

from allowance.errors import ValidationFailed
from allowance.prices.book import MAX_BOOK_BYTES, PriceBook, read_document, read_event
from allowance.settings import PriceBookSource, price_book_source

SHIPPED = "the shipped file"
EVENT = "an event"
CONNECT_SECONDS = 3
"""For a connection to S3."""
TIMEOUT_SECONDS = 8
"""For each answer of a socket."""
PATIENCE_SECONDS = 20
"""For all of a document, names, redirects and headers included: a server that sends a byte now and
then does not hold up the function until its end.
"""
MAX_REDIRECTS = 3
CHUNK_BYTES = 1 << 16
NOT_MODIFIED = 304
MAX_REASON_LENGTH = 300
MAX_ETAG_LENGTH = 300


class Unreachable(Exception):
    """A document could not be fetched: why, in words that hold no secret."""


@dataclass(frozen=True)
class Fetched:
    """What a location gave. `content` None: it still has the document with this entity tag."""

    content: bytes | None
    etag: str | None


@dataclass(frozen=True)
class TakenBook:
    """A book and where it is from. `book` None: it is the one that was taken last."""

    book: PriceBook | None
    location: str
    etag: str | None = None
    fallback: str | None = None
    """Why it is the shipped file, where another was asked for."""
    query: str | None = None
    """A digest of the location's query, which is not shown: with another, it is another document.
    """

    @property
    def remembered_as(self) -> str:
        """What its entity tag is remembered by."""
        return _remembered_as(self.location, self.query)


type KnownEtag = Callable[[str], str | None]
"""The entity tag of the last book that was taken, if it was from this location."""


def take_book(source: PriceBookSource, shipped: Path, known_etag: KnownEtag) -> TakenBook:
    """The book of the configured location, or the shipped one."""
    if source.location is None:
        content = shipped.read_bytes()
        digest = _digest(content)
        return TakenBook(
            None if known_etag(SHIPPED) == digest else read_document(content), SHIPPED, digest
        )
    shown, query = _shown(source.location), urlsplit(source.location).query
    digest = _digest(query.encode()) if query else None
    etag = known_etag(_remembered_as(shown, digest))
    try:
        fetched = _in_time(lambda deadline: _fetch(source, etag, deadline))
        book = None if fetched.content is None else read_document(fetched.content)
    except (Unreachable, ValidationFailed) as error:
        why = str(error).partition("\n")[0][:MAX_REASON_LENGTH]
        return TakenBook(read_document(shipped.read_bytes()), SHIPPED, fallback=f"{shown}: {why}")
    return TakenBook(book, shown, fetched.etag, query=digest)


def _remembered_as(location: str, query: str | None) -> str:
    return f"{location}?{query}" if query else location


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()


def _shown(location: str) -> str:
    """A location as it may be logged and stored: a query may hold a signature."""
    parts = urlsplit(location)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def book_of(event: object, shipped: Path, known_etag: KnownEtag) -> TakenBook:
    """The book of the event, or else the configured one. Raises ValidationFailed, BadSetting."""
    book = read_event(event)
    return (
        take_book(price_book_source(), shipped, known_etag)
        if book is None
        else TakenBook(book, EVENT)
    )


def _in_time(fetch: Callable[[float], Fetched]) -> Fetched:
    """What it gives before the deadline, which it is told, a moment of time.monotonic().

    No time-out of a socket bounds the sum of names, redirects and headers: so it runs in a thread
    that is left.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    outcome: Future[Fetched] = Future()

    def run() -> None:
        try:
            outcome.set_result(fetch(deadline))
        except Exception as error:  # noqa: BLE001 - it is raised again, where it is waited for
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
    """`s3://bucket/key`, or `s3://bucket/key?versionId=x` for a version and no other. One request,
    so one version.
    """
    # The largest part of a cold start: only here, where an object must be fetched.
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
        # Their words quote the URL, or what the server sent.
        raise Unreachable(f"it does not speak HTTP ({type(error).__name__})") from error


def _bounded(read: Callable[[int], bytes], announced: int, deadline: float) -> bytes:
    """All that is sent, unless it is too much or takes too long."""
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
    """Follows a few redirects, and only to where the document is protected as well."""

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
