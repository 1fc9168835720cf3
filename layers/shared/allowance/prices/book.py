"""A price book: a document of model prices, checked whole before anything of it counts. It may come
from anywhere.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Self, cast, override

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
from allowance.errors import InvalidJSON, InvalidModelPrices, Problem, ValidationFailed
from allowance.prices.terms import PriceTerms

MAX_BOOK_BYTES = 16 << 20
MAX_BOOK_VALUES = 1_000_000
"""Commas and brackets of a document, which bound what it holds once it is read: some 100 MB at
worst.
"""
MAX_ENTRIES = 12_000
"""So many prices fit the 6,291,556 bytes that Lambda answers at most, where the experimental route
answers them all.
"""
MAX_REASON_LENGTH = 1000
MAX_DISPUTE_LENGTH = 4000
MAX_TOLD = 100
"""Problems told of one book: the answer of a Lambda is bounded, and nobody reads more."""

TERMS = tuple(PriceTerms.model_fields)
"""The fields of an entry that are its terms."""


def _one_segment(value: str) -> str:
    # It is one segment of the path that deletes a price; the model is the rest of it.
    if "/" in value:
        raise ValueError("must not contain /")
    return value


class ModelPrice(PriceTerms):
    """What a model costs: micro-units of US dollars per one million tokens; null is unknown, 0 is
    free.

    Without `effective_from` it counts from the moment it is recorded, or always when it is the
    first of its model.
    """

    provider: Annotated[Name, AfterValidator(_one_segment)]
    model: Name
    effective_from: Moment | None = None

    @property
    def terms(self) -> PriceTerms:
        """Return the terms alone. Terms with the same prices are equal, whatever their model."""
        return PriceTerms.model_validate({name: getattr(self, name) for name in TERMS})


def _small(value: dict[str, Any]) -> dict[str, Any]:
    # It is stored and shown as it is; Postgres has no NUL in JSON either, and no depths.
    text = repr(value)
    if "\\x00" in text or len(text) > MAX_DISPUTE_LENGTH:
        raise ValueError(f"must have no NUL character, and at most {MAX_DISPUTE_LENGTH} others")
    return value


class Dispute(Body):
    """Why an entry must not be applied: its sources disagree. `by_source` has what each says where
    they differ.
    """

    reason: Annotated[Name, Field(max_length=MAX_REASON_LENGTH)]
    by_source: Annotated[dict[Name, dict[str, Any]], AfterValidator(_small)] = {}


class BookEntry(ModelPrice):
    """A price as a book has it: which sources say so, and whether it is held for an owner to
    decide.
    """

    sources: Annotated[list[Name], Field(max_length=10)] = []
    held: Dispute | None = None


class PriceList[E: ModelPrice](Body):
    """Prices of models. No model twice, but for prices that start at different times."""

    prices: Annotated[list[E], Field(max_length=MAX_ENTRIES)]

    @model_validator(mode="wrap")
    @classmethod
    def _every_problem_at_once(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Names given twice are told beside everything else that is wrong, in the order of the
        document.
        """
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
            for i, first, name in _named_twice(_entries(data))
        ]
        try:
            made = handler(data)
        except ValidationError as error:
            if not twice:
                raise
            found = [*cast("list[InitErrorDetails]", error.errors(include_url=False)), *twice]
            found.sort(key=lambda each: _position(each.get("loc", ())))
            raise ValidationError.from_exception_data(cls.__name__, found) from error
        if twice:
            raise ValidationError.from_exception_data(cls.__name__, twice)
        return made


class CustomPrices(PriceList[ModelPrice]):
    """The body of POST: all are stored as custom prices, or none."""

    @override
    @classmethod
    def refusal(cls, error: ValidationError) -> ValidationFailed:
        """Problems of entries have a message of their own."""
        of_entries = [each["loc"] for each in error.errors() if each["loc"][:1] == ("prices",)]
        if any(len(location) > 1 for location in of_entries):
            return InvalidModelPrices(problems_of(error))
        return super().refusal(error)


class PriceBook(PriceList[BookEntry]):
    """Model prices from somewhere. A complete book withdraws the models that it does not have."""

    source: Name | None = None
    version: Name | None = None
    date: Name | None = None
    roundings: list[dict[str, Any]] = []
    complete: bool = False

    @property
    def title(self) -> str:
        """What the book calls itself, for people: `genai-prices 0.2.3 of 2026-11-10`."""
        named = " ".join(each for each in (self.source, self.version) if each) or "untitled"
        return f"{named} of {self.date}" if self.date else named


def read_event(event: object) -> PriceBook | None:
    """The book of an event; None if it has none (a schedule's, a deployment's, `{}`). Raises
    ValidationFailed.
    """
    if not isinstance(event, dict):
        raise ValidationFailed([Problem("(document)", "must be an object")])
    given = cast("dict[str, Any]", event)
    return _not_empty(_validated(given)) if "prices" in given else None


def read_document(content: bytes) -> PriceBook:
    """The complete book that a file, an object or a URL holds. Raises ValidationFailed.

    What is too large is refused before it is read, since a small document can unfold to many times
    its size.
    """
    if len(content) > MAX_BOOK_BYTES:
        raise _refused(f"must have at most {MAX_BOOK_BYTES} bytes")
    if sum(content.count(mark) for mark in (b",", b"[", b"{")) > MAX_BOOK_VALUES:
        raise _refused(f"must have at most {MAX_BOOK_VALUES} values")
    try:
        document = json_object(content)
    except InvalidJSON as error:
        raise _refused(f"must be valid JSON: {error.detail}") from error
    return _not_empty(_validated(document | {"complete": True}))


def _not_empty(book: PriceBook) -> PriceBook:
    """It would withdraw every model there is."""
    if book.complete and not book.prices:
        raise ValidationFailed([Problem("prices", "a complete book must not be empty")])
    return book


def _refused(why: str) -> ValidationFailed:
    return ValidationFailed([Problem("(document)", why)])


def _validated(document: dict[str, Any]) -> PriceBook:
    try:
        return PriceBook.model_validate(document)
    except ValidationError as error:
        problems = as_phrases(problems_of(error))
        more = len(problems) - MAX_TOLD
        rest = [Problem("(document)", f"has {more} problems more")] if more > 0 else []
        raise ValidationFailed([*problems[:MAX_TOLD], *rest]) from error


def _entries(data: object) -> Sequence[object]:
    prices = cast("dict[str, Any]", data).get("prices") if isinstance(data, dict) else None
    return cast("list[object]", prices) if isinstance(prices, list) else ()


def _named_twice(entries: Sequence[object]) -> Iterable[tuple[int, int, str]]:
    """Of each repeated entry: its index, the first one's, and their name. A held one stands beside
    the applied one.
    """
    first: dict[tuple[Any, ...], int] = {}
    for i, entry in enumerate(entries):
        if not isinstance(entry, dict):
            continue
        stated = cast("dict[str, Any]", entry)
        starts = stated.get("effective_from")
        key = (
            stated.get("provider"),
            stated.get("model"),
            None if starts is None else moment_of(starts) or str(starts),
            stated.get("held") is not None,
        )
        if (
            isinstance(key[0], str)
            and isinstance(key[1], str)
            and (before := first.setdefault(key, i)) != i
        ):
            yield i, before, f"{key[0]} {key[1]}"


def _position(location: tuple[int | str, ...]) -> tuple[int, int]:
    """Entries in their order, then the rest of the document."""
    if len(location) > 1 and isinstance(location[1], int):
        return 0, location[1]
    return 1, 0
