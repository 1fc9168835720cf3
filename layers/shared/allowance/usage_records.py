"""Usage records: what comes in, and how each is understood. Pure."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any, NamedTuple, NotRequired, TypedDict, cast

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError, model_validator, with_config

from allowance.cost import MAX_TOKENS, Tokens
from allowance.errors import Problem, UsageOutOfRange
from allowance.models import MAX_NAME_LENGTH, Body, Moment, Name, rfc3339
from allowance.terms import Variant
from allowance.usage_formats import UsageFormat, tokens_of
from allowance.validation import problems_of

MAX_AHEAD = timedelta(minutes=5)
"""How far the clock of a gateway may be ahead of ours."""

FIRST_MOMENT = datetime(2020, 1, 1, tzinfo=UTC)
"""The ledger begins here: what is dated before is a mistake."""

OWN_SOURCE = "allowance"
"""The source of our own corrections; nobody else's."""

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


class UsageRecord(Body):
    """What one call to a model used: `tokens`, or the vendor's own `usage` object with its `usage_format`."""

    source: Annotated[Name, AfterValidator(_not_ours)]
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
        return self


_PlainName = Annotated[str, Field(max_length=MAX_NAME_LENGTH, pattern=r"^[!-~](?:[ -~]*[!-~])?$")]
_PLAIN_MOMENT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})$"
_PLAIN = ConfigDict(extra="forbid", strict=True)


@with_config(_PLAIN)
class _PlainCounts(TypedDict, total=False):
    input: Count
    output: Count
    cache_read: Count
    cache_write: Count
    cache_write_1h: Count


@with_config(_PLAIN)
class _PlainRecord(TypedDict):
    """A UsageRecord of which nothing more needs to be asked: names in ASCII, tokens in our classes."""

    source: _PlainName
    id: _PlainName
    user: _PlainName
    provider: _PlainName
    model: _PlainName
    variant: NotRequired[Variant | None]
    occurred_at: Annotated[str, Field(pattern=_PLAIN_MOMENT)]
    tokens: _PlainCounts


_plain_record = TypeAdapter(_PlainRecord).validator


class Usage(NamedTuple):
    """A record as it is understood. `content_sha256` (hexadecimal) is of all that it says: a retry is known by it.

    `key`, source and id, is what makes it count once. `moment` is `occurred_at` as text; both are in UTC.
    """

    key: tuple[str, str]
    user: str
    provider: str
    model: str
    variant: Variant | None
    occurred_at: datetime
    moment: str
    tokens: Tokens
    content_sha256: str


def usage_of(record: object, now: datetime) -> Usage:
    """The record, understood. Raises UsageOutOfRange, with every problem of it by its field."""
    usage = _of_plain(record) or _of_any(record)
    if not FIRST_MOMENT <= usage.occurred_at <= now + MAX_AHEAD:
        detail = f"Must be from {rfc3339(FIRST_MOMENT)} to {rfc3339(now + MAX_AHEAD)}, five minutes from now."
        raise UsageOutOfRange([Problem("occurred_at", detail)])
    return usage


def _of_plain(record: object) -> Usage | None:
    """What nearly every record of a gateway is, a tenth of the time; None where it takes a closer look."""
    if not _plain_record.isinstance_python(record):
        return None
    read = cast("_PlainRecord", record)
    try:
        occurred_at = datetime.fromisoformat(read["occurred_at"]).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    if read["source"] == OWN_SOURCE:
        return None
    return _usage(
        read["source"],
        read["id"],
        read["user"],
        read["provider"],
        read["model"],
        read.get("variant"),
        occurred_at,
        Tokens(**read["tokens"]),
    )


def _of_any(record: object) -> Usage:
    try:
        read = UsageRecord.model_validate(record)
    except ValidationError as error:
        raise UsageOutOfRange(problems_of(error)) from error
    return _usage(
        read.source, read.id, read.user, read.provider, read.model, read.variant, read.occurred_at, _tokens(read)
    )


def _usage(
    source: str,
    id: str,  # noqa: A002
    user: str,
    provider: str,
    model: str,
    variant: Variant | None,
    occurred_at: datetime,
    tokens: Tokens,
) -> Usage:
    # No name has a line break in it, so the lines say one thing only. They stay as they are: keys are kept for ever.
    moment = occurred_at.replace(tzinfo=None).isoformat() + "+00:00"
    given, made, read, written, written_1h = tokens
    said = f"{user}\n{provider}\n{model}\n{variant or ''}\n{moment}\n{given}\n{made}\n{read}\n{written}\n{written_1h}"
    return Usage(
        (source, id), user, provider, model, variant, occurred_at, moment, tokens, sha256(said.encode()).hexdigest()
    )


def _tokens(read: UsageRecord) -> Tokens:
    if read.usage_format is not None and read.usage is not None:
        return tokens_of(read.usage_format, read.usage)
    counts = read.tokens or TokenCounts()
    return Tokens(counts.input, counts.output, counts.cache_read, counts.cache_write, counts.cache_write_1h)
