"""Usage records as a request sends them, and as they are read. Pure."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, Field, ValidationError, model_validator

from allowance.contract.fields import Body, Moment, Name, example, rfc3339
from allowance.contract.foreign import document_name
from allowance.contract.validation import path_of, problems_of
from allowance.errors import Problem, UsageOutOfRange
from allowance.prices.cost import MAX_TOKENS, Tokens
from allowance.prices.terms import Variant
from allowance.usage.content import canonical_json, content_sha256_of, storable
from allowance.usage.kept import Kept, understand
from allowance.usage.reading.formats import UsageFormat

MAX_AHEAD = timedelta(minutes=5)
"""How far a gateway's clock may be ahead of ours."""

FIRST_MOMENT = datetime(2020, 1, 1, tzinfo=UTC)
"""The ledger begins here. An earlier date is a mistake."""

OWN_SOURCE = "allowance"
"""The source of our own corrections. No record may use it."""

Count = Annotated[int, Field(ge=0, le=MAX_TOKENS)]


def _not_ours(source: str) -> str:
    if source == OWN_SOURCE:
        raise ValueError(f"the source {OWN_SOURCE} is reserved")
    return source


class TokenCounts(Body):
    """Tokens in disjoint classes: `input` is not cached, `output` includes reasoning."""

    input: Count = 0
    output: Count = 0
    cache_read: Count = 0
    cache_write: Count = 0
    cache_write_1h: Count = 0


EXAMPLE = {
    "source": "my-gateway",
    "id": "call-1",
    "user": "maya",
    "provider": "openai",
    "model": "gpt-5.1",
    "occurred_at": "2026-11-22T06:00:00Z",
    "tokens": {"input": 1000, "output": 200},
}
"""A record for errors and the OpenAPI document."""


class UsageRecord(Body):
    """What one call to a model used: `tokens`, or the vendor's own `usage` object and its
    `usage_format`.
    """

    model_config = example(EXAMPLE)

    source: Annotated[
        Name, Field(description="The system that reports."), AfterValidator(_not_ours)
    ]
    id: Annotated[Name, Field(description="Unique in its source: the record counts once.")]
    user: Annotated[Name, Field(description="A UUID, a username or an email address.")]
    provider: Annotated[Name, Field(description="For example openai.")]
    model: Annotated[Name, Field(description="As the provider names it.")]
    variant: Variant | None = None
    occurred_at: Annotated[Moment, Field(description="A time in RFC 3339.")]
    tokens: Annotated[
        TokenCounts | None, Field(description="Disjoint counts: input is not cached.")
    ] = None
    usage_format: Annotated[
        UsageFormat | None, Field(description="The vendor whose object is in usage.")
    ] = None
    usage: Annotated[
        Annotated[dict[str, Any], AfterValidator(storable)] | None,
        Field(
            description="The vendor's own object, in place of tokens: at most 16 KiB and 8 levels."
        ),
    ] = None

    @model_validator(mode="after")
    def _counted_once(self) -> "UsageRecord":
        if (self.tokens is None) == (self.usage is None) or (self.usage is None) != (
            self.usage_format is None
        ):
            raise ValueError("must have either tokens, or usage and usage_format")
        return self


class Usage(NamedTuple):
    """A usage record that was read. `occurred_at` is in UTC.

    `key_digest`, of source and id, makes it count once. `content_sha256`, of all its other fields,
    identifies a retry. `kept` is the object that gives it no cost yet, if it has one.
    """

    source: str
    id: str
    key_digest: bytes
    user: str
    provider: str
    model: str
    variant: Variant | None
    occurred_at: datetime
    tokens: Tokens
    content_sha256: bytes
    kept: Kept | None = None


def usage_of(record: object) -> Usage:
    """Return the usage of a record. Raise UsageOutOfRange with every problem and its field."""
    try:
        read = UsageRecord.model_validate(record)
    except ValidationError as error:
        problems = problems_of(error, UsageRecord)
        if (name := document_name(record)) is not None:
            problems = [
                Problem(path_of(()), f"This looks like {name}. {UsageRecord.wanted()}"),
                *problems,
            ]
        raise UsageOutOfRange(problems) from error
    tokens, variant, kept = _counted(read)
    return Usage(
        read.source,
        read.id,
        key_digest_of(read.source, read.id),
        read.user,
        read.provider,
        read.model,
        variant,
        read.occurred_at,
        tokens,
        content_sha256_of(_content(read)),
        kept,
    )


def require_time(usage: Usage, now: datetime) -> None:
    """Raise UsageOutOfRange unless the usage is from FIRST_MOMENT to MAX_AHEAD from now."""
    if not FIRST_MOMENT <= usage.occurred_at <= now + MAX_AHEAD:
        detail = (
            f"Must be from {rfc3339(FIRST_MOMENT)} to {rfc3339(now + MAX_AHEAD)}, five "
            "minutes from now."
        )
        raise UsageOutOfRange([Problem("occurred_at", detail)])


def key_digest_of(source: str, id: str) -> bytes:  # noqa: A002
    """Return the first half of the SHA-256 of source, line feed and id, in UTF-8.

    It is the key of `ai_usage_keys`, which keeps it forever.
    """
    return sha256(f"{source}\n{id}".encode()).digest()[:16]


def _content(read: UsageRecord) -> dict[str, Any]:
    """Return what a record says beside its key, with JSON's types."""
    stated: dict[str, Any] = {
        name: value
        for name, value in read
        if name not in {"source", "id", "tokens"} and value is not None
    }
    stated["occurred_at"] = rfc3339(read.occurred_at)
    if read.tokens is not None:
        stated["tokens"] = {name: count for name, count in read.tokens if count}
    return stated


def _counted(read: UsageRecord) -> tuple[Tokens, Variant | None, Kept | None]:
    """Return the tokens of a record, its variant, and its object if that is kept."""
    if read.usage_format is not None and read.usage is not None:
        found = understand(read.usage_format, read.usage, read.provider, read.model, read.variant)
        kept = Kept(read.usage_format, canonical_json(read.usage), found.reasons)
        return found.tokens, found.variant, kept if found.reasons else None
    counts = read.tokens or TokenCounts()
    tokens = Tokens(
        counts.input, counts.output, counts.cache_read, counts.cache_write, counts.cache_write_1h
    )
    return tokens, read.variant, None
