"""Tokens and the headers that carry them."""

import re
from hashlib import sha256

import pytest

from allowance.access.tokens import credential_of, mint
from allowance.errors import Unauthenticated


def test_a_minted_token_has_the_agreed_form_and_128_bits_of_secret_or_more() -> None:
    token = mint()
    found = re.fullmatch(r"alw_([A-Za-z0-9]+)_([A-Za-z0-9]+)", token.plaintext)
    assert found is not None
    assert 62 ** len(found[2]) >= 2**128
    assert token.credential.token_id == found[1]
    assert token.credential.secret_sha256 == sha256(found[2].encode()).digest()
    assert mint().plaintext != token.plaintext


def test_nothing_prints_a_secret() -> None:
    token = mint()
    secret = token.plaintext.rpartition("_")[2]
    assert secret not in repr(token)
    assert repr(token.credential.secret_sha256) not in repr(token.credential)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_bearer_scheme_counts_in_any_case(scheme: str) -> None:
    token = mint()
    assert credential_of({"authorization": f"{scheme} {token.plaintext}"}) == token.credential


def test_the_session_token_header_wins_over_authorization() -> None:
    first, second = mint(), mint()
    headers = {
        "coder-session-token": first.plaintext,
        "authorization": f"Bearer {second.plaintext}",
    }
    assert credential_of(headers) == first.credential


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Basic alw_a_b"},
        {"authorization": "alw_a_b"},
        {"authorization": "Bearer alw_a"},
        {"authorization": "Bearer alw__b"},
        {"authorization": "Bearer alw_a_b_c"},
        {"authorization": "Bearer alw_a_b-"},
        {"authorization": "Bearer alw_ä_b"},
        {"authorization": "Bearer alw_a_b,Bearer alw_a_b"},
        {"coder-session-token": ""},
        {"coder-session-token": "Bearer alw_a_b"},
    ],
)
def test_whatever_is_no_token_is_no_credential(headers: dict[str, str]) -> None:
    with pytest.raises(Unauthenticated):
        credential_of(headers)


def test_a_bad_session_token_is_not_saved_by_a_good_bearer() -> None:
    with pytest.raises(Unauthenticated):
        credential_of({"coder-session-token": "x", "authorization": f"Bearer {mint().plaintext}"})
