"""Shapes of custom prices: the bodies that set them, and the response. Pure."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal, override

from pydantic import Field, ValidationError

from allowance.contract.fields import Moment, Row, Timestamp, example
from allowance.contract.query import Query
from allowance.contract.validation import problems_of
from allowance.errors import InvalidModelPrices, ValidationFailed
from allowance.prices.book import MAX_ENTRIES, PriceList
from allowance.prices.models import ModelPriceVersion
from allowance.prices.named_terms import NamedPrices
from allowance.prices.terms import PriceTerms, Variant
from allowance.prices.units import OtherUnit

MICROS_PER_DOLLAR = 1_000_000


class CustomPrice(NamedPrices):
    """The custom price of a model: it changes what it names, and leaves the rest of the model's
    terms as the book has them. Null is unknown: it takes the book's price away.

    `tiers` are named as a whole, `unit_prices` and `variants` one by one. With `input_price` and
    `output_price` 0, and no other price above, all of the model is free. Without `effective_from`
    it applies from its recording on, or always if no price of the model was known.
    """

    confirm: Annotated[
        bool,
        Field(description="Needed for a price that is far from the book's, or is far too low."),
    ] = False


class CoderPrice(NamedPrices):
    """The custom price of a model, as Coder's clients send it. It changes what it names, and leaves
    the rest of the model's terms as the book has them; null is unknown.
    """

    provider_id: Annotated[
        None, Field(description="No price belongs to a configured provider.")
    ] = None


class NamedPriceList[E: NamedPrices](PriceList[E]):
    """All prices are stored as custom prices, or none. Names match in any case."""

    in_any_case = True

    @override
    @classmethod
    def refusal(cls, error: ValidationError) -> ValidationFailed:
        """Return InvalidModelPrices for problems in entries, the usual error otherwise."""
        of_entries = [each["loc"] for each in error.errors() if each["loc"][:1] == ("prices",)]
        if any(len(location) > 1 for location in of_entries):
            return InvalidModelPrices(problems_of(error, cls))
        return super().refusal(error)


class CustomPrices(NamedPriceList[CustomPrice]):
    """The body of POST: all prices are stored as custom prices, or none."""

    model_config = example(
        {"prices": [{"provider": "openai", "model": "my-model", "input_price": 1_250_000}]}
    )

    # An empty list would change nothing.
    prices: Annotated[list[CustomPrice], Field(min_length=1, max_length=MAX_ENTRIES)]


class CoderPrices(NamedPriceList[CoderPrice]):
    """The body of POST, as Coder's clients send it: at least one price."""

    model_config = CustomPrices.model_config

    prices: Annotated[list[CoderPrice], Field(min_length=1, max_length=MAX_ENTRIES)]


class Confirmation(Query):
    """Whether to store prices that are far from the book's."""

    confirm: Annotated[
        Literal["true", "false"],
        Field(description="Needed for a price that is far from the book's, or is far too low."),
    ] = "false"


class EndOfPrice(Query):
    """From when on the custom price of a model ends."""

    since: Annotated[
        Moment | None,
        Field(
            alias="from",
            description="The custom price ends at this time, in RFC 3339, and what it cost before"
            " stays. Without it, it is taken back for all time.",
        ),
    ] = None


class DollarRates(Row):
    """Prices in US dollars per million tokens or units, as exact text; null is unknown."""

    input_price: str | None
    output_price: str | None
    cache_read_price: str | None
    cache_write_price: str | None
    cache_write_1h_price: str | None
    unit_prices: dict[OtherUnit, str]


class DollarTier(DollarRates):
    """The prices of a tier in US dollars per million tokens or units."""

    above_input_tokens: int


class DollarTerms(DollarRates):
    """Prices in US dollars per million tokens or units, with tiers."""

    tiers: list[DollarTier]


class DollarPriceTerms(DollarTerms):
    """All terms of a model in US dollars per million tokens or units."""

    variants: dict[Variant, DollarTerms]


class SetPrice(ModelPriceVersion):
    """A custom price that was set: the terms that apply at `applies_at`, which is now, or the
    beginning of the price if that is later. `usd_per_million` has the same prices in US dollars.

    `replaced` are the times of custom prices that this one replaced, null for one that had applied
    always, and `scheduled` those that still begin later. `notes` say what stays as it was.
    """

    applies_at: Timestamp
    usd_per_million: DollarPriceTerms
    replaced: list[Timestamp | None]
    scheduled: list[Timestamp]
    notes: list[str]


class SetPrices(Row):
    """The custom prices that were set, in the order of the request. `left_out`: how many of them
    exceed a response. They are set too.
    """

    prices: list[SetPrice]
    left_out: int


class PriceBelow(Row):
    """What a custom price is laid over: null if its name has no other price. The base is the row of
    the book that the name means without aliases.

    The name is stored as `spelled`. `is_known`: the model has any price, of whichever time.
    """

    place: int
    spelled_provider: str
    spelled_model: str
    base_provider: str | None
    base_model: str | None
    provider: str | None
    model: str | None
    terms: PriceTerms | None
    is_known: bool


class ReplacedPrices(Row):
    """The times of the custom prices that the one at `place` replaced."""

    place: int
    replaced: list[datetime | None]


class AppliedPrice(ModelPriceVersion):
    """A custom price that was set, as it applies at a time, and the times that follow."""

    applies_at: datetime
    stated_from: datetime | None
    ledger_from: datetime | None
    scheduled: list[datetime]


class EndedPrices(Row):
    """The number of versions that a deletion ended."""

    changed: int


def in_dollars(micros: int) -> str:
    """Return dollars with six decimals: exact, since a price is in whole micro-units."""
    return f"{Decimal(micros) / MICROS_PER_DOLLAR:.6f}"
