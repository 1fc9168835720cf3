"""Whom a gateway's message names: only by the fields that the settings of its source allow."""

import pytest

from allowance.gateways.identity import named_user
from allowance.gateways.litellm.callers import KeyOfCaller

KEY = {
    "user_api_key_hash": "88dc28",
    "user_api_key_user_id": "maya",
    "user_api_key_user_email": "maya@acme.example",
    "user_api_key_end_user_id": "mallory",
    "user_api_key_team_alias": "platform",
}
HEADERS = {"X-User": "otto"}


def named(fields: list[str], headers: dict[str, str] | None = None, **changes: str | None) -> str:
    key = KeyOfCaller.model_validate(KEY | changes)
    return key.named(fields, HEADERS if headers is None else headers).user


@pytest.mark.parametrize(
    ("fields", "user"),
    [
        ([], "maya"),
        (["user_api_key_end_user_id"], "mallory"),
        (["user_api_key_user_email", "user_api_key_user_id"], "maya@acme.example"),
        (["user_api_key_org_id", "user_api_key_team_alias"], "platform"),
        (["header:x-user"], "otto"),
        (["header:x-other", "user_api_key_user_id"], "maya"),
    ],
)
def test_the_settings_say_which_field_names_the_user(fields: list[str], user: str) -> None:
    assert named(fields) == user


@pytest.mark.parametrize("user", [None, "", "default_user_id", " maya", "ma\nya", "x" * 256])
def test_the_master_key_and_odd_names_are_of_nobody(user: str | None) -> None:
    assert named([], user_api_key_user_id=user) == "litellm-key:88dc28"


def test_a_header_that_litellm_does_not_forward_names_nobody() -> None:
    assert named(["header:x-user"], {"x-user": "[present]"}) == "litellm-key:88dc28"


@pytest.mark.parametrize("digest", [None, "", "a b", "x" * 129])
def test_a_key_without_a_proper_digest_has_a_name_too(digest: str | None) -> None:
    assert named(["user_api_key_org_id"], user_api_key_hash=digest) == "litellm-key:unknown"


def test_a_field_that_the_sender_does_not_have_is_named() -> None:
    found = named_user(["user", "header:x", "a"], {"a": "adam"}, {}, nobody=(), otherwise="nobody")
    assert found == ("adam", ["user"])
