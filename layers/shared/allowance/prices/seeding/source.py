"""The source of default prices: the shipped file, an object in S3, or an HTTPS URL.

If another source fails, the shipped file replaces it, and the result says why.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from allowance.errors import ValidationFailed
from allowance.prices.book import PriceBook, read_document
from allowance.prices.seeding.documents import LITELLM, GivenBook, read_content
from allowance.prices.seeding.fetch import Unreachable, fetch
from allowance.prices.seeding.litellm_rows import NotRead
from allowance.prices.seeding.settings import PriceBookSource, price_book_source

SHIPPED = "the shipped file"
EVENT = "an event"
MAX_REASON_LENGTH = 300


@dataclass(frozen=True)
class TakenBook:
    """A book and its location. `book` None: the document is unchanged since the last seeding."""

    book: PriceBook | None
    location: str
    etag: str | None = None
    fallback: str | None = None
    """Why the shipped file replaces the configured source; None without a failure."""
    query: str | None = None
    """A digest of the location's query, which is never shown. Another query is another document."""
    not_read: NotRead | None = None
    """What of LiteLLM's map is not in the book."""

    @property
    def remembered_as(self) -> str:
        """Return the key under which its entity tag is stored."""
        return _remembered_as(self.location, self.query)


type KnownEtag = Callable[[str], str | None]
"""Returns the entity tag of the last book if it came from this location."""


def take_book(source: PriceBookSource, shipped: Path, known_etag: KnownEtag) -> TakenBook:
    """Return the book of the configured location, or the shipped one if that fails."""
    if source.location is None:
        content = shipped.read_bytes()
        digest = _digest(content)
        return TakenBook(
            None if known_etag(SHIPPED) == digest else read_document(content), SHIPPED, digest
        )
    shown, query = _shown(source.location), urlsplit(source.location).query
    digest = _digest(query.encode()) if query else None
    if source.format == LITELLM:
        # The same document in another form is another book.
        digest = f"{LITELLM} {digest or ''}".rstrip()
    etag = known_etag(_remembered_as(shown, digest))
    try:
        fetched = fetch(source, etag)
        content = fetched.content
        given = None if content is None else read_content(content, source.format)
    except (Unreachable, ValidationFailed) as error:
        why = str(error).partition("\n")[0][:MAX_REASON_LENGTH]
        return TakenBook(read_document(shipped.read_bytes()), SHIPPED, fallback=f"{shown}: {why}")
    book, not_read = given or (None, None)
    return TakenBook(book, shown, fetched.etag, query=digest, not_read=not_read)


def _remembered_as(location: str, query: str | None) -> str:
    return f"{location}?{query}" if query else location


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()


def _shown(location: str) -> str:
    """Return a location that is safe to log and store, without its query and credentials: a query
    can hold a signature.
    """
    parts = urlsplit(location)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def given_or_configured(given: GivenBook | None, shipped: Path, known_etag: KnownEtag) -> TakenBook:
    """Return the given book, or else the configured one. Raise BadSetting."""
    if given is None:
        return take_book(price_book_source(), shipped, known_etag)
    return TakenBook(given.book, EVENT, not_read=given.not_read)
