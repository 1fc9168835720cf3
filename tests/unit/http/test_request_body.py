"""Reading a body: each body is accepted, or gets the response of the contract."""

import base64
from typing import Any

import pytest

from allowance.budgets.models import SpendLimit
from allowance.errors import (
    AllowanceError,
    BodyTooLarge,
    InvalidJSON,
    InvalidSpendLimit,
    UnsupportedMediaType,
    ValidationFailed,
)
from allowance.http.request import Request

CAP = 10**12


def request(body: str | bytes, **headers: str) -> Request:
    encoded = isinstance(body, bytes)
    return Request.of(
        {
            "body": base64.b64encode(body).decode() if isinstance(body, bytes) else body,
            "isBase64Encoded": encoded,
            "headers": {name.replace("_", "-"): value for name, value in headers.items()},
        },
        "id",
    )


def refusal(body: str | bytes, **headers: str) -> AllowanceError:
    with pytest.raises(AllowanceError) as caught:
        request(body, **headers).json_body(SpendLimit)
    return caught.value


@pytest.mark.parametrize("value", [0, 1, CAP])
def test_whole_numbers_up_to_the_cap_are_taken(value: int) -> None:
    assert (
        request(f'{{"spend_limit_micros": {value}}}').json_body(SpendLimit).spend_limit_micros
        == value
    )


@pytest.mark.parametrize(
    "media_type", ["application/json", "Application/JSON", "application/json; charset=utf-8"]
)
def test_json_by_any_spelling_of_its_name_is_taken(media_type: str) -> None:
    assert request('{"spend_limit_micros": 1}', Content_Type=media_type).json_body(SpendLimit)


def test_a_body_in_base64_is_taken() -> None:
    assert request(b'{"spend_limit_micros": 1}').json_body(SpendLimit)


@pytest.mark.parametrize("literal", [str(CAP + 1), str(2**63), "1" + "0" * 400, "9" * 5000])
def test_an_integer_above_the_cap_of_any_length_has_a_message_of_its_own(literal: str) -> None:
    error = refusal(f'{{"spend_limit_micros": {literal}}}')
    assert isinstance(error, InvalidSpendLimit)
    assert [(each.field, each.detail) for each in error.problems] == [
        ("spend_limit_micros", "Must not exceed 1000000000000.")
    ]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ("{}", ["spend_limit_micros"]),
        ('{"spend_limit_micros": null}', ["spend_limit_micros"]),
        ('{"spend_limit_micros": "1"}', ["spend_limit_micros"]),
        ('{"spend_limit_micros": 1.5}', ["spend_limit_micros"]),
        ('{"spend_limit_micros": 1.0}', ["spend_limit_micros"]),
        ('{"spend_limit_micros": 1e3}', ["spend_limit_micros"]),
        ('{"spend_limit_micros": 1e400}', ["spend_limit_micros"]),
        ('{"spend_limit_micros": 1e99999999999999999999}', ["spend_limit_micros"]),
        ('{"spend_limit_micros": true}', ["spend_limit_micros"]),
        ('{"spend_limit_micros": [1]}', ["spend_limit_micros"]),
        ('{"spend_limit_micros": -1}', ["spend_limit_micros"]),
        (f'{{"spend_limit_micros": -{"9" * 5000}}}', ["spend_limit_micros"]),
        ('{"spend_limit_micros": 1, "extra": 2}', ["extra"]),
        ('{"spend_limit": 1}', ["spend_limit_micros", "spend_limit"]),
        (f'{{"spend_limit_micros": {CAP + 1}, "extra": 2}}', ["extra"]),
    ],
)
def test_what_does_not_validate_is_named_by_field_all_at_once(body: str, fields: list[str]) -> None:
    error = refusal(body)
    assert type(error) is ValidationFailed
    assert [each.field for each in error.problems] == fields
    assert all(each.detail for each in error.problems)


@pytest.mark.parametrize(
    "body",
    [
        "",
        " ",
        "null",
        "1",
        '"x"',
        "[]",
        '[{"spend_limit_micros": 1}]',
        "{",
        '{"spend_limit_micros": 1} {}',
        '{"spend_limit_micros": 1, "spend_limit_micros": 2}',
        '{"spend_limit_micros": 1, "x": {"a": 1, "a": 2}}',
        '{"spend_limit_micros": NaN}',
        '{"spend_limit_micros": Infinity}',
        '{"spend_limit_micros": -Infinity}',
        '{"spend_limit_micros": 01}',
        '{"\\ud800": 1}',
        "{'spend_limit_micros': 1}",
        "\ufeff",
        "\ufeff\ufeff{}",
        "[" * 100_000,
        '{"a":' * 100_000,
        b"\xff\xfe{}",
        b'{"spend_limit_micros": "\xff"}',
    ],
)
def test_what_is_not_one_json_object_says_so(body: Any) -> None:
    error = refusal(body)
    assert isinstance(error, InvalidJSON)
    assert error.detail


def test_a_body_of_another_type_is_refused_before_it_is_read() -> None:
    assert isinstance(refusal("{", Content_Type="text/plain"), UnsupportedMediaType)
    assert isinstance(
        refusal("{}", Content_Type="application/x-www-form-urlencoded"), UnsupportedMediaType
    )
    assert isinstance(refusal("{}", Content_Type=""), UnsupportedMediaType)


def test_more_than_a_mebibyte_is_refused_before_anything_else() -> None:
    at_most = '{"spend_limit_micros": 1' + " " * ((1 << 20) - 25) + "}"
    assert request(at_most).json_body(SpendLimit)
    assert isinstance(refusal(at_most + " ", Content_Type="text/plain"), BodyTooLarge)
    assert isinstance(refusal(b"\xff" * ((1 << 20) + 1)), BodyTooLarge)
