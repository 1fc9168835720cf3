"""The shapes of the contract: rows out, bodies in, one model per shape. Money is whole micro-units
of US dollars.
"""

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
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

from allowance.contract.validation import problems_of
from allowance.errors import ValidationFailed

MAX_NAME_LENGTH = 255

NIL_UUID = UUID(int=0)
"""No group, or no organization, in the ledger and its sums."""

UUID_FORM = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
"""Of the forms that Python and pydantic would take, the only one that the contract does."""


def hyphenated(value: object) -> object:
    """Keeps out the other forms."""
    if isinstance(value, str) and not UUID_FORM.fullmatch(value):
        raise ValueError("must be a UUID of 36 characters with hyphens")
    return value


def rfc3339(time: datetime) -> str:
    """RFC 3339 in UTC with microseconds, always six digits: `2026-11-22T06:00:00.123456Z`."""
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


Timestamp = Annotated[
    datetime,
    PlainSerializer(rfc3339, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def moment_of(value: object) -> datetime | None:
    """A time in RFC 3339, with an offset from UTC and no finer than microseconds; None if it is no
    such text.
    """
    if not isinstance(value, str) or not RFC3339.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None  # the 31st of February, or before the year 1 in UTC


def _moment(value: object) -> object:
    if value is None or isinstance(value, datetime):
        return value
    if (moment := moment_of(value)) is None:
        raise ValueError("must be a time like 2026-11-22T06:00:00Z")
    return moment


Moment = Annotated[
    datetime, BeforeValidator(_moment), PlainSerializer(rfc3339, return_type=str, when_used="json")
]
"""A time that comes in. With Z, or with an offset, which in a query must be percent-encoded."""


class Row(BaseModel):
    """What the database answers, and what goes out."""

    # What has a default is in the answer too, and so it is required in its description.
    model_config = ConfigDict(
        frozen=True, extra="forbid", json_schema_serialization_defaults_required=True
    )


class Body(BaseModel):
    """What comes in as JSON: strict types, no unknown field."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @classmethod
    def refusal(cls, error: ValidationError) -> ValidationFailed:
        """Return the error that a caller gets for a body that is not valid."""
        return ValidationFailed(problems_of(error))


class Versioned(Row):
    """A row that says when it was last written: `updated_at`, which moves with every change, names
    its version.
    """

    if TYPE_CHECKING:
        # Said by each row in its own place: a field of this class would come first in its JSON.
        updated_at: Timestamp

    @property
    def etag(self) -> str:
        """A strong entity tag (RFC 9110, 8.8.3)."""
        return f'"{rfc3339(self.updated_at)}"'


def _printable(value: str) -> str:
    # Keeps out what Postgres cannot store (NUL, lone surrogates) and what nobody can see in a list.
    if not value.isprintable() or value != value.strip():
        raise ValueError("must have no control characters, nor spaces around it")
    return value


Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME_LENGTH), AfterValidator(_printable)]
