"""The tokens of a user, as the user, an owner or a user admin sees and revokes them.

Only the user makes one, by a token. The new token keeps the scopes of its makers beside its own,
and the ids of its makers: it ends when one of them ends or is revoked.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import override

from allowance.access.store import UserPathStore
from allowance.access.tokens import mint
from allowance.contract.pages import fitting
from allowance.database.queries import call
from allowance.directory.settings import token_max_days
from allowance.directory.token_models import (
    CreatedToken,
    LockedTokens,
    NewToken,
    RevokedToken,
    Token,
    TokenCursor,
    TokenPage,
    TokenQuery,
    TokenTerms,
)
from allowance.directory.token_scopes import problems_of, stored
from allowance.errors import (
    NotFound,
    Problem,
    TokenNameTaken,
    TooManyTokens,
    Unauthenticated,
    UserNotFound,
    ValidationFailed,
)
from allowance.rbac.policy import Action, Object, api_tokens_object

MAX_TOKENS = 100
"""The most tokens of a user, beyond which the user makes no other."""
MAX_MAKERS = 8
"""The longest chain: each request checks the scopes of all makers."""


class TokenStore(UserPathStore):
    """The tokens of the user in the path."""

    @override
    def see_path(self) -> None:
        """Raise UserNotFound or NotAuthorized unless the caller may read the user's tokens."""
        self._gate.check(Action.READ, self._tokens())

    def list_tokens(self, query: TokenQuery) -> TokenPage:
        """Return a page of the tokens that are not revoked, by name. Raise like `see_path`."""
        db = self._gate.open(Action.READ, self._tokens())
        found = db.many(
            Token,
            "list_tokens",
            user_id=self._user_id(),
            after_name=query.after and query.after.name,
            limit=query.limit,
        )
        page = fitting(found, query.limit)
        following = str(TokenCursor(name=page[-1].name)) if len(page) < len(found) else None
        return TokenPage(tokens=page, next=following)

    def create(self, terms: TokenTerms) -> CreatedToken:
        """Make a token by the caller's own, with its audit entry. Only the response has its secret.

        Raise UserNotFound, NotAuthorized, ValidationFailed, Unauthenticated, TokenNameTaken,
        TooManyTokens.
        """
        db = self._gate.open(Action.CREATE, self._tokens())
        organizations = {each.name: each.id for each in self._caller.organizations}
        problems = [*self._problems_of_end(terms), *problems_of(terms.scope, organizations)]
        if problems:
            raise ValidationFailed(problems)
        scope = None if terms.scope is None else stored(terms.scope, organizations)
        minted = mint()
        locked, outcomes = db.in_one_trip(
            call(LockedTokens, "lock_tokens", user_id=self._user_id()),
            call(
                NewToken,
                "create_token",
                user_id=self._user_id(),
                new_id=minted.credential.token_id,
                secret_sha256=minted.credential.secret_sha256,
                name=terms.name,
                token_scope=None if scope is None else json.dumps(scope),
                expires_at=terms.expires_at,
                most=MAX_TOKENS,
                most_makers=MAX_MAKERS,
                **self._origin.parameters,
            ),
        )
        made = outcomes[0]
        if made.token is not None:
            return CreatedToken(**made.token.model_dump(), token=minted.plaintext)
        if not locked[0].is_active or not made.maker_is_valid:
            # Deleted, suspended or revoked since the credential was read.
            raise Unauthenticated
        if made.has_name:
            raise TokenNameTaken
        if not made.maker_may_make:
            raise TooManyTokens(detail=f"This one has {MAX_MAKERS} makers, and makes no other.")
        raise TooManyTokens(detail=f"Revoke one first: {MAX_TOKENS} are the most.")

    def revoke(self, name: str) -> None:
        """Revoke a token and the tokens that it made, with their audit entries.

        Raise UserNotFound, NotAuthorized, NotFound.
        """
        db = self._gate.open(Action.DELETE, self._tokens())
        _, revoked = db.in_one_trip(
            call(LockedTokens, "lock_tokens", user_id=self._user_id()),
            call(
                RevokedToken,
                "revoke_token",
                user_id=self._user_id(),
                name=name,
                **self._origin.parameters,
            ),
        )
        if not revoked:
            raise NotFound

    def _tokens(self) -> Object:
        if self._caller.user is None:
            raise UserNotFound
        return api_tokens_object(self._caller.user.id)

    def _problems_of_end(self, terms: TokenTerms) -> Iterator[Problem]:
        last = self._caller.now + timedelta(days=token_max_days())
        if terms.expires_at <= self._caller.now:
            yield Problem("expires_at", "Must be in the future.")
        elif terms.expires_at > last:
            yield Problem("expires_at", f"Must be at most {token_max_days()} days away.")
