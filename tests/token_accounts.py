"""The accounts of the store of tokens."""

from datetime import timedelta
from typing import Any

import pytest

from allowance.directory.token_models import TokenQuery, TokenTerms
from allowance.directory.tokens import TokenStore
from allowance.errors import Unauthenticated
from tests.accounting import Account, now
from tests.people import Acme


def create(store: Any, _: Acme) -> None:
    """The database refuses too: the token of the request is of another user."""
    terms = TokenTerms(name="new", expires_at=now() + timedelta(days=1))
    with pytest.raises(Unauthenticated):
        store.create(terms)


TOKEN_ACCOUNTS: dict[tuple[type, str], Account] = {
    (TokenStore, "see_path"): Account(["read api_token maya"], lambda s, _: s.see_path()),
    (TokenStore, "list_tokens"): Account(
        ["read api_token maya"], lambda s, _: s.list_tokens(TokenQuery())
    ),
    (TokenStore, "create"): Account(["create api_token maya"], create),
    (TokenStore, "revoke"): Account(["delete api_token maya"], lambda s, _: s.revoke("test")),
}
