"""Tokens that users make."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.gateway import Answer, Client

MINE = "/api/v2/users/me/tokens"


def in_days(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat().replace("+00:00", "Z")


def ask_token(maker: Client, name: str, *, days: float = 30, **terms: Any) -> Answer:
    """The response to a request for a token."""
    return maker.post(MINE, {"name": name, "expires_at": in_days(days)} | terms)


def make_token(maker: Client, name: str, **terms: Any) -> Client:
    """A client with a token that the maker made."""
    answer = ask_token(maker, name, **terms)
    assert answer.status == 201, answer.body
    return Client(answer.json()["token"])
