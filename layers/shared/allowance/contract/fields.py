"""The base classes and field types of the contract: rows go out, bodies come in, one model per
shape. Money is micro-units of US dollars: exact in the database, whole in a response.
"""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, cast
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    WithJsonSchema,
)

from allowance.contract.money import whole_micros
from allowance.contract.spellings import numbered
from allowance.contract.validation import problems_of
from allowance.errors import ValidationFailed

MAX_NAME_LENGTH = 255
MAX_KEY_LENGTH = 512

NIL_UUID = UUID(int=0)
"""No group, or no organization, in the ledger and its sums."""

UUID_FORM = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
"""The only form that the contract accepts. Python and pydantic accept others too."""

USERNAME_FORM = re.compile(r"[a-z0-9][a-z0-9-]{0,63}", re.ASCII)


def hyphenated(value: object) -> object:
    """Return the value. Raise ValueError if it is a string in another form than UUID_FORM."""
    if isinstance(value, str) and not UUID_FORM.fullmatch(value):
        raise ValueError("must be a UUID of 36 characters with hyphens")
    return value


def rfc3339(time: datetime) -> str:
    """Return a time as RFC 3339 in UTC, with six digits of microseconds:
    `2026-11-22T06:00:00.123456Z`.
    """
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


Timestamp = Annotated[
    datetime,
    PlainSerializer(rfc3339, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


MOMENT_FORM = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d(:?\d\d)?)", re.ASCII
)
"""A time of RFC 3339 with its offset from UTC, and what libraries write beside it: a space for the
T, no seconds where they are 0 (Java), `+0000` (Python) and `+00` (Postgres).
"""

_DECODED_PLUS = re.compile(r" (\d\d:\d\d)\Z", re.ASCII)
"""A plus in a query that is not percent-encoded arrives as a space."""


def moment_of(value: object) -> datetime | None:
    """Return the time in UTC that a text states; None if the value is no such text.

    What is finer than microseconds is cut off, and never rounded: a time stays in its month.
    """
    if not isinstance(value, str):
        return None
    text = _DECODED_PLUS.sub(r"+\1", value)
    if not MOMENT_FORM.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None  # For example the 31st of February, or a time before the year 1 in UTC.


def _time(value: object) -> object:
    if value is None or isinstance(value, datetime):
        return value
    if (time := moment_of(value)) is None:
        raise ValueError("must be a time with its offset from UTC, like 2026-11-22T06:00:00Z")
    return time


Moment = Annotated[
    datetime, BeforeValidator(_time), PlainSerializer(rfc3339, return_type=str, when_used="json")
]
"""A time in a request: with Z, or with an offset."""


def _whole(value: object) -> object:
    return whole_micros(_exact(value))


def _exact(value: object) -> Decimal:
    # A float has lost digits already, and True is no amount.
    if isinstance(value, Decimal):
        return value
    if type(value) is not int:
        raise ValueError("must be micro-units as an int or a Decimal")
    return Decimal(value)


Micros = Annotated[int, BeforeValidator(_whole)]
"""An amount of money in a response: whole micro-units of US dollars. It takes the exact amount of
the database, and rounds it once, half-even.
"""

ExactMicros = Annotated[
    Decimal,
    BeforeValidator(_exact),
    PlainSerializer(whole_micros, return_type=int, when_used="json"),
]
"""The exact amount of a row, for sums, comparisons and dollars. JSON has it as `Micros`."""


class Row(BaseModel):
    """A row of the database, and the JSON of a response."""

    # A response contains a field that has a default, so its schema requires the field.
    model_config = ConfigDict(
        frozen=True, extra="forbid", json_schema_serialization_defaults_required=True
    )


class Created(Row):
    """A row that the request created: the response is 201."""


class Body(BaseModel):
    """The JSON of a request: strict types, no unknown field."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @classmethod
    def refusal(cls, error: ValidationError) -> ValidationFailed:
        """Return the error that the caller gets for an invalid body."""
        return ValidationFailed(problems_of(error, cls))

    @classmethod
    def wanted(cls) -> str:
        """Return the sentence that shows what is taken: the example of the schema, which every body
        of a route has.
        """
        described = cast("dict[str, Any]", cls.model_config.get("json_schema_extra"))
        return f"Send JSON like {json.dumps(described['examples'][0])}."


def example(value: dict[str, Any]) -> ConfigDict:
    """Return the configuration of a body with this example."""
    return ConfigDict(json_schema_extra={"examples": [value]})


class Versioned(Row):
    """A row with a version. The version is `updated_at`, which every change moves."""

    if TYPE_CHECKING:
        # Each row declares the field in its own place: a field of this class would come first in
        # the JSON.
        updated_at: Timestamp

    @property
    def etag(self) -> str:
        """Return a strong entity tag (RFC 9110, 8.8.3)."""
        return f'"{rfc3339(self.updated_at)}"'


def _printable(value: str) -> str:
    # Postgres cannot store NUL and lone surrogates, and invisible characters mislead in a list.
    if not value.isprintable() or value != value.strip():
        raise ValueError("must have no control characters, nor spaces around it")
    # A gateway may put this character in place of bytes that are not UTF-8: different names would
    # then look the same.
    if "\ufffd" in value:
        raise ValueError("must have no U+FFFD, which stands for text that was not UTF-8")
    return value


Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME_LENGTH), AfterValidator(_printable)]
Key = Annotated[
    str,
    Field(min_length=1, max_length=MAX_KEY_LENGTH),
    AfterValidator(_printable),
    BeforeValidator(numbered),
]
"""A caller's own id of a request, which only its digest keeps."""

NumberedName = Annotated[Name, BeforeValidator(numbered)]
"""The name of something that a database may number: 4711 is "4711"."""
