"""Price books as they are given: our own form, or LiteLLM's map. What looks like the other form is
refused with a hint. Pure.
"""

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Literal, NamedTuple

from pydantic import ValidationError

from allowance.contract.fields import Body, Name
from allowance.contract.foreign import document_name
from allowance.contract.validation import as_phrases, problems_of
from allowance.errors import Problem, ValidationFailed
from allowance.prices.book import MAX_ENTRIES, BookEntry, PriceBook, read_book, read_json
from allowance.prices.seeding.litellm_rows import FIELDS, Level, NotRead, Prices, Row, rows_of

type BookFormat = Literal["allowance", "litellm"]

LITELLM = "litellm"
ROW_OF_LITELLM = "a price of LiteLLM"
"""What `contract.foreign` calls a row of the map."""

MICROS = 10**6


class GivenBook(NamedTuple):
    """A book, and what of LiteLLM's map it does not have."""

    book: PriceBook
    not_read: NotRead | None = None


class _GivenMap(Body):
    """LiteLLM's map as an operator gives it."""

    format: Literal["litellm"]
    prices: dict[str, Any]
    source: Name = LITELLM
    version: Name | None = None
    date: Name | None = None
    complete: bool = False


def read_parameters(parameters: dict[str, Any]) -> GivenBook | None:
    """Return the book that an operator gives, None without parameters. Raise ValidationFailed."""
    if not parameters:
        return None
    given = dict(parameters)
    if given.get("format") == LITELLM:
        return _of_given_map(given)
    if given.get("format", "allowance") != "allowance":
        raise ValidationFailed([Problem("format", "must be allowance or litellm")])
    _refuse_map(given, 'send {"format": "litellm", "prices": {...}}')
    return GivenBook(read_book(given))


def read_content(content: bytes, of: BookFormat) -> GivenBook:
    """Return the complete book in a file, an object of S3 or a URL's response. Raise
    ValidationFailed.
    """
    document = read_json(content)
    if of == LITELLM:
        if isinstance(document.get("prices"), list):
            raise _refused("looks like a book in our own form: set PriceBookFormat to allowance")
        return _of_map(document, _GivenMap(format=of, prices={}, complete=True))
    _refuse_map(document, "set PriceBookFormat to litellm")
    return GivenBook(read_book(document | {"complete": True}))


def _refused(why: str) -> ValidationFailed:
    return ValidationFailed([Problem("(document)", why)])


def _refuse_map(document: dict[str, Any], advice: str) -> None:
    """Raise ValidationFailed for LiteLLM's map. Its thousands of names are no unknown fields."""
    is_list = isinstance(document.get("prices"), list)
    if not is_list and document_name(document) == ROW_OF_LITELLM:
        raise _refused(f"looks like LiteLLM's map of prices: {advice}")


def _of_given_map(given: dict[str, Any]) -> GivenBook:
    try:
        about = _GivenMap.model_validate(given)
    except ValidationError as error:
        raise ValidationFailed(as_phrases(problems_of(error, _GivenMap))) from error
    return _of_map(about.prices, about)


def _of_map(data: Mapping[str, Any], about: _GivenMap) -> GivenBook:
    """Return the book of the rows that are understood. Raise ValidationFailed without any."""
    rows, rest = rows_of(data)
    # The book has the same rule, but validates its entries first, which takes seconds.
    if len(rows) > MAX_ENTRIES:
        raise ValidationFailed([Problem("prices", f"must have at most {MAX_ENTRIES} entries")])
    entries: list[BookEntry] = []
    for row in rows:
        try:
            entries.append(BookEntry.model_validate(_entry(row)))
        except ValidationError as error:
            problem = as_phrases(problems_of(error))[0]
            rest.leave_out(f"its {problem}", f"{row.provider}/{row.model}")
    if not entries:
        raise _refused("must have a row of LiteLLM's map with a known provider and a price")
    stated = about.model_dump(include={"source", "version", "date", "complete"})
    return GivenBook(read_book({"prices": entries, **stated}), rest)


def _entry(row: Row) -> dict[str, Any]:
    """Return an entry of a book in our own form."""
    variants = {name: _terms(level) for name, level in row.variants.items()}
    return {
        "provider": row.provider,
        "model": row.model,
        **_terms(row.standard),
        **({"variants": variants} if variants else {}),
    }


def _terms(level: Level) -> dict[str, Any]:
    tiers = [
        {"above_input_tokens": above, **_micros(prices)} for above, prices in level.tiers.items()
    ]
    return {**_micros(level.prices), **({"tiers": tiers} if tiers else {})}


def _micros(prices: Prices) -> dict[str, int]:
    """Return the known prices as whole micro-units, rounded half-even."""
    known = zip(FIELDS, prices, strict=True)
    return {name: _whole(price) for name, price in known if price is not None}


def _whole(usd: Decimal) -> int:
    """Return whole micro-units; -1, which no book takes, of a price that would become free."""
    return int((usd * MICROS).quantize(Decimal(1), ROUND_HALF_EVEN)) or -1


def counts_by_reason(rest: NotRead) -> dict[str, int]:
    """Return how many of the named models are left out for each reason."""
    return {why: len(names) for why, names in rest.left_out.items()}
