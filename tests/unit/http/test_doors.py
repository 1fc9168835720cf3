"""Reading the message of a door: its sender's own type, unknown fields, and 5 MiB."""

import base64
import gzip
from typing import Any, ClassVar

import pytest
from pydantic import ConfigDict

from allowance.contract.messages import MAX_MESSAGE_BYTES, Message
from allowance.errors import (
    AllowanceError,
    BodyTooLarge,
    InvalidJSON,
    UnsupportedMediaType,
    ValidationFailed,
)
from allowance.http.encodings import MAX_BODY_BYTES
from allowance.http.request import Request


class Event(Message):
    """What some sender sends."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"id": "1"}]})
    media_types: ClassVar[tuple[str, ...]] = ("application/event+json", "application/json")

    id: str


def request(content: bytes, **headers: str) -> Request:
    event: dict[str, Any] = {
        "body": base64.b64encode(content).decode(),
        "isBase64Encoded": True,
        "headers": {name.replace("_", "-"): value for name, value in headers.items()},
    }
    return Request.of(event, "id")


def refusal(content: bytes, **headers: str) -> AllowanceError:
    with pytest.raises(AllowanceError) as caught:
        request(content, **headers).parsed(Event)
    return caught.value


def padded(size: int) -> bytes:
    return b'{"id": "1"' + b" " * (size - 11) + b"}"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content_type": "application/event+json"},
        {"content_type": "Application/JSON; charset=utf-8"},
    ],
)
def test_a_door_takes_the_types_of_its_sender(headers: dict[str, str]) -> None:
    assert request(b'{"id": "1"}', **headers).parsed(Event).id == "1"


def test_a_door_drops_a_field_that_it_does_not_know() -> None:
    read = request(b'{"id": "1", "prompt": "secret"}').parsed(Event)
    assert "secret" not in repr(read)
    assert read.model_dump() == {"id": "1"}


def test_another_type_is_refused_with_those_that_are_taken() -> None:
    error = refusal(b"id=1", content_type="application/x-www-form-urlencoded")
    assert isinstance(error, UnsupportedMediaType)
    taken = "application/event+json or application/json"
    assert error.message == f"Content-Type must be {taken}."
    assert f"Use Content-Type: {taken}." in str(error.detail)


def test_a_message_may_have_five_mebibytes_and_no_more() -> None:
    assert MAX_MESSAGE_BYTES == 5 * MAX_BODY_BYTES
    assert request(padded(MAX_MESSAGE_BYTES)).parsed(Event)
    assert isinstance(refusal(padded(MAX_MESSAGE_BYTES + 1)), BodyTooLarge)


def test_a_compressed_message_has_the_same_bound() -> None:
    gzipped = {"content_encoding": "gzip"}
    fits, too_large = (gzip.compress(padded(MAX_MESSAGE_BYTES + more), 1) for more in (0, 1))
    assert request(fits, **gzipped).parsed(Event)
    assert isinstance(refusal(too_large, **gzipped), BodyTooLarge)


@pytest.mark.parametrize("content", [b"", b"[]", b'{"id": "1", "id": "2"}', b'{"id": NaN}'])
def test_a_door_reads_json_strictly_unless_its_sender_needs_more(content: bytes) -> None:
    error = refusal(content)
    assert isinstance(error, InvalidJSON)
    assert 'Send JSON like {"id": "1"}.' in str(error.detail)


@pytest.mark.parametrize("content", [b"{}", b'{"id": 1}'])
def test_a_door_names_what_is_missing_or_wrong(content: bytes) -> None:
    error = refusal(content)
    assert isinstance(error, ValidationFailed)
    assert [each.field for each in error.problems] == ["id"]
