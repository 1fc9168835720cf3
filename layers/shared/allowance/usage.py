"""Usage records: what comes in, how each is understood, and what it costs at the prices of its time. Pure."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any, Literal

from pydantic import Field, GetJsonSchemaHandler, ValidationError, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from allowance.cost import MAX_TOKENS, Tokens, cost_of
from allowance.errors import Problem, UsageOutOfRange
from allowance.models import Body, Moment, Name, Row, rfc3339
from allowance.terms import RATES, PriceTerms, Tier, Variant
from allowance.usage_formats import UsageFormat, tokens_of
from allowance.validation import problems_of

MAX_RECORDS = 1000
MAX_AHEAD = timedelta(minutes=5)
"""How far the clock of a gateway may be ahead of ours."""

FIRST_MOMENT = datetime(2020, 1, 1, tzinfo=UTC)
"""The ledger begins here: what is dated before is a mistake."""

OWN_SOURCE = "allowance"
"""The source of our own corrections; nobody else's."""

Status = Literal["recorded", "duplicate", "conflict", "rejected"]
Count = Annotated[int, Field(ge=0, le=MAX_TOKENS)]


class TokenCounts(Body):
    """Tokens in disjoint classes: `input` is not cached, `output` includes reasoning."""

    input: Count = 0
    output: Count = 0
    cache_read: Count = 0
    cache_write: Count = 0
    cache_write_1h: Count = 0


class UsageRecord(Body):
    """What one call to a model used: `tokens`, or the vendor's own `usage` object with its `usage_format`."""

    source: Name
    id: Name
    user: Annotated[Name, Field(description="A UUID, a username or an email address.")]
    provider: Name
    model: Name
    variant: Variant | None = None
    occurred_at: Moment
    tokens: TokenCounts | None = None
    usage_format: UsageFormat | None = None
    usage: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _counted_once(self) -> "UsageRecord":
        if (self.tokens is None) == (self.usage is None) or (self.usage is None) != (self.usage_format is None):
            raise ValueError("either tokens, or usage and usage_format must be given")
        if self.source == OWN_SOURCE:
            raise ValueError(f"the source {OWN_SOURCE} is reserved")
        return self


class _Unread:
    """A record as it was sent, which is validated on its own, so that a bad one does not stop the others."""

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(UsageRecord.__pydantic_core_schema__)


class UsageBatch(Body):
    """Up to 1,000 usage records, each answered by itself."""

    records: Annotated[list[Annotated[Any, _Unread]], Field(min_length=1, max_length=MAX_RECORDS)]


class UsageProblem(Row):
    """What was wrong with a record, or what its price lacks."""

    field: str
    detail: str


class UsageAnswer(Row):
    """What became of a record. `cost_micros` is null where there is no price for what was used, or nothing is recorded.

    A duplicate is answered as the record was the first time.
    """

    status: Status
    cost_micros: int | None = None
    priced: bool = False
    validations: list[UsageProblem] = []


class UsageAnswers(Row):
    """The answers, in the order of the records."""

    results: list[UsageAnswer]


NO_PRICE = [UsageProblem(field="model", detail="There is no price for what was used: the cost is not known yet.")]
OTHER_CONTENT = [UsageProblem(field="id", detail="It was recorded with other content.")]


@dataclass(frozen=True, slots=True)
class Usage:
    """A record as it is understood. `content_sha256` is of all that it says, so that a retry is known as one."""

    source: str
    id: str
    user: str
    provider: str
    model: str
    variant: Variant | None
    occurred_at: datetime
    tokens: Tokens
    content_sha256: bytes

    @property
    def key(self) -> tuple[str, str]:
        """What makes it count once."""
        return self.source, self.id


def usage_of(record: object, now: datetime) -> Usage:
    """The record, understood. Raises UsageOutOfRange, with every problem of it by its field."""
    try:
        read = UsageRecord.model_validate(record)
    except ValidationError as error:
        raise UsageOutOfRange(problems_of(error)) from error
    if not FIRST_MOMENT <= read.occurred_at <= now + MAX_AHEAD:
        detail = f"Must be from {rfc3339(FIRST_MOMENT)} to {rfc3339(now + MAX_AHEAD)}, five minutes from now."
        raise UsageOutOfRange([Problem("occurred_at", detail)])
    tokens = _tokens(read)
    # No name has a line break in it, so the lines say one thing only. The time is in UTC by now.
    said = (read.user, read.provider, read.model, read.variant or "", read.occurred_at.isoformat())
    content = sha256("\n".join((*said, *map(str, tokens.by_class().values()))).encode()).digest()
    return Usage(
        read.source, read.id, read.user, read.provider, read.model, read.variant, read.occurred_at, tokens, content
    )


def _tokens(read: UsageRecord) -> Tokens:
    if read.usage_format is not None and read.usage is not None:
        return tokens_of(read.usage_format, read.usage)
    counts = read.tokens or TokenCounts()
    return Tokens(counts.input, counts.output, counts.cache_read, counts.cache_write, counts.cache_write_1h)


def rejected(problems: Sequence[Problem]) -> UsageAnswer:
    """The answer to a record that cannot be taken."""
    told = [UsageProblem(field=each.field, detail=each.detail) for each in problems]
    return UsageAnswer(status="rejected", validations=told)


class UsagePrice(Row):
    """The price of a name as it was sent, from a moment on; its ends are those of the batch. None: there is none."""

    place: int
    starts: datetime
    provider: str | None
    model: str | None
    version_id: int | None
    terms: PriceTerms | None


@dataclass(frozen=True, slots=True)
class Rated:
    """The cost of a usage, with the price that it is of; all None where there is none."""

    cost_micros: int | None
    price: UsagePrice | None
    rates: Mapping[str, int | None] | None


class UsagePrices:
    """The prices of the names in a batch, at every moment of it."""

    def __init__(self, names: Sequence[tuple[str, str]], prices: Sequence[UsagePrice]) -> None:
        self._by_name: dict[tuple[str, str], tuple[list[datetime], list[UsagePrice]]] = {}
        for price in prices:
            starts, found = self._by_name.setdefault(names[price.place], ([], []))
            starts.append(price.starts)
            found.append(price)
        self._rates: dict[tuple[int, Variant | None, int | None], Mapping[str, int | None]] = {}

    def rate(self, provider: str, model: str, variant: Variant | None, occurred_at: datetime, tokens: Tokens) -> Rated:
        """What the usage costs at the price of its time. Raises UsageOutOfRange above 1e13 micro-units of USD."""
        starts, prices = self._by_name[provider, model]
        price = prices[bisect_right(starts, occurred_at) - 1]
        if price.terms is None or price.version_id is None:
            return Rated(None, None, None)
        cost = cost_of(tokens, price.terms, variant)
        if cost is None:
            return Rated(None, None, None)
        key = price.version_id, variant, cost.tier
        if key not in self._rates:
            self._rates[key] = _rates(price.terms, variant, cost.tier)
        return Rated(cost.micros, price, self._rates[key])


def _rates(terms: PriceTerms, variant: Variant | None, threshold: int | None) -> Mapping[str, int | None]:
    """The prices that were applied, by name, with the tier that they are of."""
    stated = terms if variant is None else terms.variants[variant]
    tiers = {tier.above_input_tokens: tier for tier in stated.tiers}
    applied = stated if threshold is None else tiers[threshold]
    named: dict[str, int | None] = {name: getattr(applied, name) for name in RATES}
    return named | ({"above_input_tokens": applied.above_input_tokens} if isinstance(applied, Tier) else {})


@dataclass(frozen=True, slots=True)
class Attribution:
    """Whom a usage counts against, by UUIDs: zeros where there is no group, or no organization."""

    user_id: str
    group_id: str
    organization_id: str
