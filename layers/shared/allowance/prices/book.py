"""A price book: a document of model prices from any source. It is validated whole before any price
applies.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self, cast

from pydantic import (
    AfterValidator,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from allowance.contract.fields import Body, Moment, Name, moment_of
from allowance.contract.json_document import json_object
from allowance.contract.validation import as_phrases, problems_of
from allowance.errors import InvalidJSON, Problem, ValidationFailed
from allowance.prices.terms import PriceTerms

MAX_BOOK_BYTES = 16 << 20
MAX_BOOK_VALUES = 1_000_000
"""The most commas and opening brackets of a document. They bound its size in memory: about 100 MB
at worst.
"""
MAX_ENTRIES = 10_000
"""This many prices fit the 6,291,556 bytes of the largest Lambda response. The experimental route
returns all of them at once.
"""
MAX_REASON_LENGTH = 1000
MAX_DISPUTE_LENGTH = 4000
MAX_REPORTED = 100
"""The most problems reported for one book: a Lambda response is bounded, and a longer list has no
reader.
"""

TERMS = tuple(PriceTerms.model_fields)
"""The fields of an entry that are its terms."""


def _one_segment(value: str) -> str:
    # The provider is one segment of the path that deletes a price; the model is the rest.
    if "/" in value:
        raise ValueError("must not contain /")
    return value


Provider = Annotated[Name, AfterValidator(_one_segment)]


class ModelPrice(PriceTerms):
    """The price of a model: micro-units of US dollars per one million tokens or units; null is
    unknown, 0 is free.

    Without `effective_from` it applies from its recording on, or always if it is the model's first.
    """

    provider: Provider
    model: Name
    effective_from: Moment | None = None

    @property
    def terms(self) -> PriceTerms:
        """Return the terms alone. Terms with the same prices are equal, whatever their model."""
        return PriceTerms.model_validate({name: getattr(self, name) for name in TERMS})


def _small(value: dict[str, Any]) -> dict[str, Any]:
    # It is stored and shown unchanged. Postgres accepts no NUL in JSON, and limits its depth.
    text = repr(value)
    if "\\x00" in text or len(text) > MAX_DISPUTE_LENGTH:
        raise ValueError(f"must have no NUL character, and at most {MAX_DISPUTE_LENGTH} others")
    return value


class Dispute(Body):
    """The reason not to apply an entry: its sources disagree. `by_source` has each source's prices
    where they differ.
    """

    reason: Annotated[Name, Field(max_length=MAX_REASON_LENGTH)]
    by_source: Annotated[dict[Name, dict[str, Any]], AfterValidator(_small)] = {}


class BookEntry(ModelPrice):
    """A price in a book, with the sources that state it. `held`: an owner must decide."""

    sources: Annotated[list[Name], Field(max_length=10)] = []
    held: Dispute | None = None


class PriceList[E: Body](Body):
    """Prices of models. A model repeats only with different start times.

    `in_any_case`: names that differ in upper and lower case only are one model.
    """

    in_any_case: ClassVar[bool] = False

    prices: Annotated[list[E], Field(max_length=MAX_ENTRIES)]

    @model_validator(mode="wrap")
    @classmethod
    def _every_problem_at_once(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Report repeated names together with all other problems, in document order."""
        twice = [
            InitErrorDetails(
                type=PydanticCustomError(
                    "named_twice",
                    "{model} is priced at prices[{first}] already",
                    {"model": name, "first": first},
                ),
                loc=("prices", i, "model"),
                input=name,
            )
            for i, first, name in _named_twice(_entries(data), in_any_case=cls.in_any_case)
        ]
        try:
            made = handler(data)
        except ValidationError as error:
            if not twice:
                raise
            found = [*cast("list[InitErrorDetails]", error.errors(include_url=False)), *twice]
            found.sort(key=lambda each: _document_order(each.get("loc", ())))
            raise ValidationError.from_exception_data(cls.__name__, found) from error
        if twice:
            raise ValidationError.from_exception_data(cls.__name__, twice)
        return made


class PriceBook(PriceList[BookEntry]):
    """Model prices from any source. A complete book withdraws the models that it lacks."""

    source: Name | None = None
    version: Name | None = None
    date: Name | None = None
    roundings: list[dict[str, Any]] = []
    complete: bool = False
    format: Literal["allowance"] = "allowance"

    @property
    def title(self) -> str:
        """Return a title for people: `genai-prices 0.2.3 of 2026-11-10`."""
        named = " ".join(each for each in (self.source, self.version) if each) or "untitled"
        return f"{named} of {self.date}" if self.date else named


def read_json(content: bytes) -> dict[str, Any]:
    """Return the object in a file, an object of S3 or a URL's response. Raise ValidationFailed.

    The size check comes first: a small document can expand to many times its size.
    """
    if len(content) > MAX_BOOK_BYTES:
        raise _refused(f"must have at most {MAX_BOOK_BYTES} bytes")
    if sum(content.count(mark) for mark in (b",", b"[", b"{")) > MAX_BOOK_VALUES:
        raise _refused(f"must have at most {MAX_BOOK_VALUES} values")
    try:
        return json_object(content)
    except InvalidJSON as error:
        raise _refused(f"must be valid JSON: {error.detail}") from error


def read_document(content: bytes) -> PriceBook:
    """Return the complete book in a document. Raise ValidationFailed."""
    return read_book(read_json(content) | {"complete": True})


def read_book(document: dict[str, Any]) -> PriceBook:
    """Return the book of a document. Raise ValidationFailed for an invalid one, and for an empty
    one: it says nothing, or withdraws every model if it is complete.
    """
    book = _validated(document)
    if not book.prices:
        raise ValidationFailed([Problem("prices", "must not be empty")])
    return book


def _refused(why: str) -> ValidationFailed:
    return ValidationFailed([Problem("(document)", why)])


def _validated(document: dict[str, Any]) -> PriceBook:
    try:
        return PriceBook.model_validate(document)
    except ValidationError as error:
        hints = PriceBook if "prices" not in document else None
        problems = as_phrases(problems_of(error, hints))
        more = len(problems) - MAX_REPORTED
        rest = [Problem("(document)", f"has {more} problems more")] if more > 0 else []
        raise ValidationFailed([*problems[:MAX_REPORTED], *rest]) from error


def _entries(data: object) -> Sequence[object]:
    prices = cast("dict[str, Any]", data).get("prices") if isinstance(data, dict) else None
    return cast("list[object]", prices) if isinstance(prices, list) else ()


def _named_twice(entries: Sequence[object], *, in_any_case: bool) -> Iterable[tuple[int, int, str]]:
    """Yield each repeated entry's index, the index of the first, and their name.

    A held entry and an applied entry of the same model are not a repetition.
    """
    first: dict[tuple[Any, ...], int] = {}
    for i, entry in enumerate(entries):
        if not isinstance(entry, dict):
            continue
        stated = cast("dict[str, Any]", entry)
        starts = stated.get("effective_from")
        provider, model = stated.get("provider"), stated.get("model")
        if not isinstance(provider, str) or not isinstance(model, str):
            continue
        key = (
            *((provider.lower(), model.lower()) if in_any_case else (provider, model)),
            None if starts is None else moment_of(starts) or str(starts),
            stated.get("held") is not None,
        )
        if (before := first.setdefault(key, i)) != i:
            yield i, before, f"{provider} {model}"


def _document_order(location: tuple[int | str, ...]) -> tuple[int, int]:
    """Return a sort key: entries in their order, then the rest of the document."""
    if len(location) > 1 and isinstance(location[1], int):
        return 0, location[1]
    return 1, 0
