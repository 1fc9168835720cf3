"""Model prices as the routes answer them, and what they are asked by."""

from typing import Annotated, Any, Literal, get_args
from uuid import UUID

from pydantic import BeforeValidator, Field

from allowance.contract.fields import Moment, Name, Row, Timestamp, hyphenated
from allowance.contract.query import AFTER, WHOLE_NUMBER, Cursor, Printable, Query
from allowance.prices.terms import PriceTerms, Terms, Tier, Variant

PriceSource = Literal["default", "custom"]
"""The origin of a price: a price book, or an owner."""

OwnerDecision = Literal["approved", "rejected"]
"""The decisions that an owner makes about a held change."""

HeldOutcome = Literal[OwnerDecision, "superseded"]
"""Every end of a held change. Superseded: it no longer applies, and needs no decision."""

MAX_PAGE = 1000
Limit = Annotated[int, Field(ge=1, le=MAX_PAGE, description="Prices per page."), WHOLE_NUMBER]


class ModelPriceVersion(Row):
    """A price in effect: micro-units of US dollars per one million tokens; null is unknown, 0 is
    free.

    `effective_from` null: always. `withdrawn_at`: since then the book does not have the model; the
    price still counts.
    """

    provider: str
    model: str
    source: PriceSource
    input_price: int | None
    output_price: int | None
    cache_read_price: int | None
    cache_write_price: int | None
    cache_write_1h_price: int | None
    tiers: list[Tier]
    variants: dict[Variant, Terms]
    effective_from: Timestamp | None
    withdrawn_at: Timestamp | None
    recorded_at: Timestamp
    sources: list[str]
    origin: str


class ModelPricePage(Row):
    """Prices by provider, model and source; `next` is the `after` of the following page, null on
    the last.
    """

    prices: list[ModelPriceVersion]
    next: str | None


class HeldChange(Row):
    """A change that waits for an owner: what is in effect, what is proposed, and why it is held.

    `effective_from` null: from the approval on. `by_source` has what each source says, where they
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
    """Changes that wait, by provider and model; `next` is the `after` of the following page, null
    on the last.
    """

    held: list[HeldChange]
    next: str | None


class HeldDecision(Row):
    """What became of a held change that was asked about: whether this request decided it, or who
    did and when.
    """

    done: bool
    decision: HeldOutcome | None
    decided_at: Timestamp | None
    decided_by_name: str | None


class CandidatePrice(Row):
    """A name that a model as it was sent may stand for, by which rule, and the price in effect, if
    there is one.
    """

    provider: str
    model: str
    rule: str
    price: ModelPriceVersion | None


class ConsideredName(Row):
    """A name that was considered, by which rule, and whether it has a price at the time."""

    provider: str
    model: str
    rule: str
    priced: bool


class Resolution(Row):
    """Which price counts for a model as it was sent, and why: the first name considered that has
    one. Null: none.
    """

    provider: str
    model: str
    rule: str | None
    price: ModelPriceVersion | None
    considered: list[ConsideredName]


class ChangedPrices(Row):
    """How many versions a write made."""

    changed: int


class LockedBook(Row):
    """The book as whoever changes prices has locked it: where the last complete one is from, and
    which one it was.
    """

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
    """Which prices. Without `source`, the one in effect of each model: the custom one if there is
    one.
    """

    provider: Annotated[Name | None, Field(description="Prices of this provider.")] = None
    model: Annotated[Name | None, Field(description="Prices of this model.")] = None
    source: Annotated[
        Literal[PriceSource, "all"] | None,
        Field(
            description=(
                "Prices of this source, whether or not they are in effect; without it, those "
                "in effect."
            )
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
    """Which prices, page by page."""

    limit: Limit = 100
    after: Annotated[PriceCursor | None, AFTER] = None


class HeldChangeQuery(Query):
    """Which held changes, page by page."""

    provider: Annotated[Name | None, Field(description="Changes of this provider's models.")] = None
    model: Annotated[Name | None, Field(description="Changes of this model.")] = None
    limit: Limit = 100
    after: Annotated[
        UUID | None, Field(description="`next` of the page before."), BeforeValidator(hyphenated)
    ] = None


class ResolveQuery(Query):
    """A model as a gateway sent it."""

    provider: Annotated[Name, Field(description="The provider as it was sent.")]
    model: Annotated[Name, Field(description="The model as it was sent.")]
    at: At = None
