"""Shapes of the price routes: responses and queries."""

from typing import Annotated, Any, Literal, get_args
from uuid import UUID

from pydantic import BeforeValidator, Field

from allowance.contract.fields import Moment, Name, Row, Timestamp, hyphenated
from allowance.contract.query import AFTER, WHOLE_NUMBER, Cursor, Printable, Query
from allowance.prices.alias_models import AppliedAlias
from allowance.prices.terms import PriceTerms, Terms, Tier, UnitPrice, Variant
from allowance.prices.units import OtherUnit

PriceSource = Literal["default", "custom"]
"""The origin of a price: a price book, or an owner."""

OwnerDecision = Literal["approved", "rejected"]
"""The decisions that an owner makes about a held change."""

HeldOutcome = Literal[OwnerDecision, "superseded"]
"""Every end of a held change. Superseded: it no longer applies, and needs no decision."""

MAX_PAGE = 1000
Limit = Annotated[int, Field(ge=1, le=MAX_PAGE, description="Prices per page."), WHOLE_NUMBER]


class ModelPriceVersion(Row):
    """A price in effect: micro-units of US dollars per one million tokens or units; null is
    unknown, 0 is free.

    `effective_from` null: always in effect. `withdrawn_at`: the book lacks the model since then;
    the price still applies.
    """

    provider: str
    model: str
    source: PriceSource
    input_price: int | None
    output_price: int | None
    cache_read_price: int | None
    cache_write_price: int | None
    cache_write_1h_price: int | None
    unit_prices: dict[OtherUnit, UnitPrice]
    tiers: list[Tier]
    variants: dict[Variant, Terms]
    effective_from: Timestamp | None
    withdrawn_at: Timestamp | None
    recorded_at: Timestamp
    sources: list[str]
    origin: str


class CoderModelPrice(ModelPriceVersion):
    """A price in effect, in the shape of Coder's list. It belongs to no configured provider.

    `created_at`: when its source first had a price of the model. `updated_at`: when this one was
    recorded.
    """

    provider_id: None
    created_at: Timestamp
    updated_at: Timestamp


class ModelPricePage(Row):
    """A page of prices, sorted by provider, model and source.

    `next` is the `after` of the next page, null on the last.
    """

    prices: list[ModelPriceVersion]
    next: str | None


class HeldChange(Row):
    """A change that waits for an owner: the terms in effect, the proposed terms, and why it is
    held.

    `effective_from` null: from the approval on. `by_source` has each source's prices where they
    disagree.
    """

    id: UUID
    provider: str
    model: str
    effective_from: Timestamp | None
    before: PriceTerms | None
    proposed: PriceTerms
    reasons: list[str]
    by_source: dict[str, dict[str, Any]]
    sources: list[str]
    origin: str
    created_at: Timestamp


class HeldChangePage(Row):
    """A page of waiting changes, sorted by provider and model.

    `next` is the `after` of the next page, null on the last.
    """

    held: list[HeldChange]
    next: str | None


class HeldDecision(Row):
    """The result of a decision. `done`: this request decided the change. Otherwise the earlier
    decision, its time and actor follow.
    """

    done: bool
    decision: HeldOutcome | None
    decided_at: Timestamp | None
    decided_by_name: str | None


class CandidatePrice(Row):
    """A candidate name for a model as sent, its rule, and the price in effect, if any.

    Or the target of the alias of the name. `is_sellers`: the seller in the name sells it.
    """

    provider: str
    model: str
    rule: str
    price: ModelPriceVersion | None
    is_sellers: bool
    alias: AppliedAlias | None
    is_pattern: bool


class ConsideredName(Row):
    """A candidate name, its rule, and whether it had a price at the time."""

    provider: str
    model: str
    rule: str
    priced: bool


class Resolution(Row):
    """The price that applies to a model as sent, and the rule that found it; null without one.

    `via` is `alias` if an alias decides, which `alias` shows; else the first candidate name with a
    price wins. Of a `free` alias the price is null, and usage costs nothing.
    """

    provider: str
    model: str
    via: Literal["name", "alias"] | None
    rule: str | None
    alias: AppliedAlias | None
    price: ModelPriceVersion | None
    considered: list[ConsideredName]


class LockedBook(Row):
    """The locked price book: the location and entity tag of the last complete one."""

    location: str | None
    etag: str | None


class PriceCursor(Cursor):
    """The last price of a page."""

    provider: Printable
    model: Printable
    source: PriceSource


At = Annotated[
    Moment | None,
    Field(description="The prices in effect at this time, in RFC 3339; now if absent."),
]


class ModelPriceFilter(Query):
    """Selects prices. Without `source`: the price in effect of each model, custom first."""

    provider: Annotated[Name | None, Field(description="Prices of this provider.")] = None
    model: Annotated[Name | None, Field(description="Prices of this model.")] = None
    source: Annotated[
        Literal[PriceSource, "all"] | None,
        Field(
            description=("Prices of this source, in effect or not. Without it: prices in effect.")
        ),
    ] = None
    at: At = None

    @property
    def sources(self) -> list[PriceSource] | None:
        """Return the sources to list; None for the prices in effect."""
        match self.source:
            case None:
                return None
            case "all":
                return list(get_args(PriceSource))
            case source:
                return [source]


class ModelPriceQuery(ModelPriceFilter):
    """Selects a page of prices."""

    limit: Limit = 100
    after: Annotated[PriceCursor | None, AFTER] = None


class HeldChangeQuery(Query):
    """Selects a page of held changes."""

    provider: Annotated[Name | None, Field(description="Changes of this provider's models.")] = None
    model: Annotated[Name | None, Field(description="Changes of this model.")] = None
    limit: Limit = 100
    after: Annotated[
        UUID | None, Field(description="`next` of the previous page."), BeforeValidator(hyphenated)
    ] = None


class ResolveQuery(Query):
    """A provider and a model as a gateway sent them."""

    provider: Annotated[Name, Field(description="The provider as it was sent.")]
    model: Annotated[Name, Field(description="The model as it was sent.")]
    at: At = None
