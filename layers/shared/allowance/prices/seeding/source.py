"""Where the default prices come from: the file that is shipped, an object in S3, or an HTTPS URL.

Whatever goes wrong elsewhere, the shipped file is at hand, and the answer says why it was taken.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from allowance.errors import ValidationFailed
from allowance.prices.book import PriceBook, read_document, read_event
from allowance.prices.seeding.fetch import Unreachable, fetch
from allowance.prices.seeding.settings import PriceBookSource, price_book_source

SHIPPED = "the shipped file"
EVENT = "an event"
MAX_REASON_LENGTH = 300


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
        fetched = fetch(source, etag)
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
