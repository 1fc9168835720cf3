"""A request, parsed from an API Gateway event (HTTP API, payload 2.0). AWS and SAM send different
events; both are accepted.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from pydantic import BaseModel, ValidationError

from allowance.contract.fields import UUID_FORM, Body
from allowance.contract.foreign import content_name, document_name
from allowance.contract.json_document import json_object
from allowance.contract.messages import JSON, MAX_MESSAGE_BYTES, Message
from allowance.contract.validation import MISSING, UNKNOWN, problems_of
from allowance.errors import (
    BodyTooLarge,
    InvalidJSON,
    InvalidQuery,
    InvalidUUID,
    Problem,
    UnsupportedMediaType,
)
from allowance.http.encodings import MAX_BODY_BYTES, bytes_of, decompressed

MEDIA_TYPE = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+*-]{1,100}")
"""A type that is safe to repeat in an error."""


@dataclass(frozen=True)
class Request:
    """One request. Header names are in lower case; path segments are URL-decoded."""

    id: str
    method: str
    path: str
    headers: Mapping[str, str]
    segments: Mapping[str, str]
    query_string: str
    body: bytes | str

    @classmethod
    def of(cls, event: Mapping[str, Any], invocation_id: str) -> "Request":
        """Return the request of an event. Its id is the id of the invocation: Lambda's own log
        lines have it, and it is unique.
        """
        context: Mapping[str, Any] = event.get("requestContext") or {}
        http: Mapping[str, Any] = context.get("http") or {}
        headers: Mapping[str, Any] = event.get("headers") or {}
        body: str = event.get("body") or ""
        return cls(
            id=invocation_id,
            method=http.get("method", ""),
            path=event.get("rawPath") or "",
            headers={
                name.lower(): value for name, value in headers.items() if isinstance(value, str)
            },
            segments=event.get("pathParameters") or {},
            query_string=event.get("rawQueryString") or "",
            body=bytes_of(body) if event.get("isBase64Encoded") else body,
        )

    @property
    def content(self) -> bytes:
        """The body as it was sent."""
        return (
            self.body if isinstance(self.body, bytes) else self.body.encode(errors="surrogatepass")
        )

    def uuid(self, segment: str) -> UUID:
        """Return the UUID in a path segment. Raise InvalidUUID."""
        value = self.segments[segment]
        if not UUID_FORM.fullmatch(value):
            raise InvalidUUID(value)
        return UUID(value)

    def query[T: BaseModel](self, model: type[T]) -> T:
        """Return the query parameters. Raise InvalidQuery, with every problem at once."""
        pairs = parse_qsl(self.query_string, keep_blank_values=True)
        names = [name for name, _ in pairs]
        repeated = [
            Problem(name, "Must be given once.")
            for name in dict.fromkeys(names)
            if names.count(name) > 1
        ]
        try:
            parameters = model.model_validate(dict(pairs))
        except ValidationError as error:
            raise InvalidQuery([*repeated, *problems_of(error, model)]) from error
        if repeated:
            raise InvalidQuery(repeated)
        return parameters

    def parsed[T: Body](self, model: type[T]) -> T:
        """Return the message of a door, or the body of any other route. Raise like these."""
        return self.message(model) if issubclass(model, Message) else self.json_body(model)

    def json_body[T: Body](self, model: type[T]) -> T:
        """Return the body. Raise BodyTooLarge, UnsupportedMediaType, UnsupportedEncoding,
        InvalidJSON, ValidationFailed.
        """
        content, _ = self._content(model, MAX_BODY_BYTES, (JSON,))
        try:
            document = json_object(content)
        except InvalidJSON as error:
            raise _explained(error, content, model) from error
        try:
            return model.model_validate(document)
        except ValidationError as error:
            refused = model.refusal(error)
            name = document_name(document)
            if name is not None or _has_other_fields(error):
                refused.detail = " ".join(filter(None, (_looks_like(name), model.wanted())))
            raise refused from error

    def message[T: Message](self, model: type[T]) -> T:
        """Return the message of a door. Raise like `json_body`, by the rules of its sender."""
        content, media_type = self._content(model, MAX_MESSAGE_BYTES, model.media_types)
        try:
            return model.read(content, media_type)
        except InvalidJSON as error:
            raise _explained(error, content, model) from error

    def _content(
        self, model: type[Body], max_bytes: int, media_types: tuple[str, ...]
    ) -> tuple[bytes, str]:
        """Return the decompressed body and its media type. Raise BodyTooLarge,
        UnsupportedMediaType, UnsupportedEncoding, InvalidJSON.
        """
        content = self.content
        if len(content) > max_bytes:
            raise BodyTooLarge(detail=f"At most {max_bytes} bytes.")
        stated = self.headers.get("content-type", media_types[0])
        media_type = stated.partition(";")[0].strip().lower()
        if media_type not in media_types:
            is_type = MEDIA_TYPE.fullmatch(media_type)
            sent = f"as {media_type}" if is_type else "without a media type"
            taken = " or ".join(media_types)
            raise UnsupportedMediaType(
                None if taken == JSON else f"Content-Type must be {taken}.",
                detail=f"It was sent {sent}. {model.wanted()} Use Content-Type: {taken}.",
            )
        encoding = self.headers.get("content-encoding", "")
        return decompressed(content, encoding, max_bytes), media_type


def _explained(error: InvalidJSON, content: bytes, model: type[Body]) -> InvalidJSON:
    details = (error.detail, _looks_like(content_name(content)), model.wanted())
    return InvalidJSON(detail=" ".join(filter(None, details)))


def _looks_like(name: str | None) -> str | None:
    return None if name is None else f"This looks like {name}."


def _has_other_fields(error: ValidationError) -> bool:
    """Return whether the body itself, not a part of it, lacks a field or has an unknown one."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return any(len(each["loc"]) == 1 and each["type"] in (MISSING, UNKNOWN) for each in found)
