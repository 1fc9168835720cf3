"""Bodies that are no text, over HTTP: the local gateway passes them on like API Gateway."""

from typing import Any

import pytest

from tests.e2e.conftest import Person

JSON = "Request body must be valid JSON."
TYPE = "Content-Type must be application/json."
SPREADSHEET = b"PK\x03\x04\x14\x00\x08\x08\x08\x00\x00\x00!\x00\xff\xfe\x80"


@pytest.mark.parametrize(
    ("content", "media_type", "status", "message"),
    [
        ('{"spend_limit_micros": "J\xfcrgen"}'.encode("latin-1"), "application/json", 400, JSON),
        ('{"spend_limit_micros": 1}'.encode("utf-16"), "application/json", 400, JSON),
        (SPREADSHEET, "application/json", 400, JSON),
        (SPREADSHEET, None, 400, JSON),
        (SPREADSHEET, "application/octet-stream", 415, TYPE),
        (SPREADSHEET, "text/csv", 415, TYPE),
        (b"\xff\x00", "multipart/form-data; boundary=x", 415, TYPE),
        (b"{}", "application/x-www-form-urlencoded", 415, TYPE),
    ],
)
def test_a_body_that_is_no_text_gets_the_error_of_the_contract(
    stack: dict[str, Any],
    people: dict[str, Person],
    content: bytes,
    media_type: str | None,
    status: int,
    message: str,
) -> None:
    path = f"/api/v2/groups/{stack['groups']['acme/platform']}/ai/budget"
    headers = {} if media_type is None else {"Content-Type": media_type}
    answer = people["adam"].put(path, content=content, headers=headers)
    assert (answer.status_code, answer.json()["message"]) == (status, message)


@pytest.mark.parametrize(
    "media_type", [None, "application/json", "APPLICATION/JSON; charset=utf-8"]
)
def test_text_that_is_not_ascii_arrives_unchanged(
    people: dict[str, Person], media_type: str | None
) -> None:
    headers = {} if media_type is None else {"Content-Type": media_type}
    body = '{"prices": [{"provider": "\u00fc", "model": "\U0001f4b8", "input_price": 2000000}]}'
    path = "/api/v2/ai/model-prices"
    made = people["olivia"].post(path, content=body.encode(), headers=headers)
    assert made.status_code == 200
    found = people["olivia"].get(path, params={"provider": "\u00fc"}).json()["prices"]
    assert [each["model"] for each in found] == ["\U0001f4b8"]
    people["olivia"].delete(f"{path}/\u00fc/\U0001f4b8")
