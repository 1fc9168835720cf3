"""Query parameters: strict text, and an unknown parameter is an error."""

import base64
import json
import re
from collections.abc import Iterable
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    TypeAdapter,
    model_validator,
)

from allowance.contract.fields import MAX_NAME_LENGTH, USERNAME_FORM, UUID_FORM


class Query(BaseModel):
    """The query parameters of a request: text, no unknown parameter."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class NamingQuery(Query):
    """A query that may name groups or users in place of their ids. The names are looked up in the
    round trip of the caller.
    """

    @property
    def group_names(self) -> list[str]:
        """Return the names of groups of the organization in the path."""
        return []

    @property
    def usernames(self) -> list[str]:
        return []


def _digits(value: object) -> object:
    # pydantic also reads " 7", "1_0" and "7.0" as whole numbers. Any 18 digits fit into a bigint.
    if isinstance(value, str) and not (value.isascii() and value.isdigit() and len(value) <= 18):
        raise ValueError("must be a whole number of at most 18 digits, without a sign")
    return value


WHOLE_NUMBER = BeforeValidator(_digits)


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError("must have no control characters")
    return value


Printable = Annotated[str, AfterValidator(_printable)]
"""Text that Postgres can compare with: no NUL, no lone surrogate."""


def text_for(content: bytes) -> str:
    """Return opaque text that needs no escape in a URL: base64url without padding (RFC 4648, 5)."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def content_in(text: str) -> bytes:
    """Return the content from which `text_for` made the text. Raise ValueError."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


_PARTS = TypeAdapter(list[Any])


class Cursor(BaseModel):
    """The sort key of a page's last row, as opaque text, because a name may hold any character."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @model_validator(mode="wrap")
    @classmethod
    def _read(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(value, str):
            return handler(value)
        try:
            parts = _PARTS.validate_json(content_in(value))
            return handler(dict(zip(cls.model_fields, parts, strict=True)))
        except ValueError:
            raise ValueError("must be `next` of the page before") from None

    def __str__(self) -> str:
        return text_for(json.dumps(list(self.model_dump().values())).encode())


AFTER: Any = Field(
    description="`next` of the page before.",
    json_schema_extra={"anyOf": [{"type": "string"}, {"type": "null"}]},
)
"""The field of a query that holds a cursor. Its schema describes the text."""

MAX_KEYS = 100


def _keys(value: object) -> object:
    if not isinstance(value, str):
        return value
    texts = value.split(",", maxsplit=MAX_KEYS)
    if len(texts) > MAX_KEYS:
        raise ValueError(f"must be at most {MAX_KEYS} UUIDs or names, separated by commas")
    return list(dict.fromkeys(map(_key, texts)))


def _key(text: str) -> UUID | str:
    if UUID_FORM.fullmatch(text):
        return UUID(text)
    if not (text.isprintable() and 0 < len(text) <= MAX_NAME_LENGTH):
        raise ValueError("must be UUIDs or names, separated by commas")
    if _OTHER_UUID.fullmatch(text):
        raise ValueError("must have UUIDs of 36 characters with hyphens")
    return text


_OTHER_UUID = re.compile(r"(urn:uuid:)?\{?[0-9a-fA-F]{32}\}?")
"""A UUID in a form that the contract does not accept. It is no name, but a mistake."""

Keys = Annotated[
    list[UUID | str],
    BeforeValidator(_keys),
    Field(
        min_length=1,
        max_length=MAX_KEYS,
        description="UUIDs or names, separated by commas; unknown ones are left out.",
    ),
]
"""Ids or names. A text in the form of a UUID is an id. A name with a comma cannot be given."""


def names_in(keys: Iterable[UUID | str]) -> list[str]:
    """Return the keys that are names."""
    return [each for each in keys if isinstance(each, str)]


Search = Annotated[
    Printable | None,
    Field(
        max_length=MAX_NAME_LENGTH,
        description=(
            "Part of a username, user_name, address or display name, without regard to case."
        ),
    ),
]

_WILDCARDS = re.compile(r"[\\%_]")


def pattern_of(search: str | None) -> str | None:
    """Return the LIKE pattern of a search, in which `%` and `_` stand for themselves. None: all."""
    return "%" + _WILDCARDS.sub(r"\\\g<0>", search) + "%" if search else None


USER_KEY = re.compile(f"{UUID_FORM.pattern}|{USERNAME_FORM.pattern}", re.ASCII)


def _user_key(value: str) -> str:
    if not USER_KEY.fullmatch(value):
        raise ValueError("must be a UUID, a username or me")
    return value


UserKey = Annotated[
    str, AfterValidator(_user_key), Field(json_schema_extra={"pattern": f"^({USER_KEY.pattern})$"})
]
"""A UUID or a username. `me` matches as a username; a query that takes it means the caller."""
