"""The tokens of a user in requests and responses."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from allowance.access.scopes import ScopeDocument
from allowance.contract.fields import Body, Created, Moment, Name, Row, Timestamp, example
from allowance.contract.query import AFTER, WHOLE_NUMBER, Cursor, Printable, Query


def _token_name(value: str) -> str:
    if "/" in value or value in (".", ".."):
        raise ValueError("must have no slash, and be no dots: it is in paths")
    return value


TokenName = Annotated[Name, AfterValidator(_token_name)]


class TokenTerms(Body):
    """The body of POST: a token to make."""

    model_config = example(
        {
            "name": "laptop",
            "expires_at": "2027-01-31T00:00:00Z",
            "scope": {"site": [{"resource_type": "group", "action": "read"}]},
        }
    )

    name: Annotated[
        TokenName, Field(description="Unique among the tokens of the user that are not revoked.")
    ]
    expires_at: Annotated[
        Moment,
        Field(
            description=(
                "At most `TokenMaxDays` (90) away. A token ends no later than the token that makes"
                " it: the response has the earlier time."
            )
        ),
    ]
    scope: Annotated[
        ScopeDocument | None,
        Field(
            description=(
                "What the token may do at most, within the scopes of the token that makes it; null:"
                " all that these allow. Organizations are those of the user, by id or name; objects"
                " are ids."
            )
        ),
    ] = None


class Token(Row):
    """A token of a user, without its secret. `made_by` is the name of the token that made it. Its
    scope and each of `maker_scopes` must allow an action.
    """

    id: str
    name: str
    created_at: Timestamp
    expires_at: Timestamp | None
    last_used_at: Annotated[
        Timestamp | None, Field(description="Written at most once a minute; null: never used.")
    ]
    scope: dict[str, Any] | None
    maker_scopes: list[dict[str, Any]]
    made_by: str | None


class CreatedToken(Token, Created):
    """A new token. No later response has `token`."""

    token: Annotated[str, Field(repr=False)]


class TokenPage(Row):
    """Tokens that are not revoked, by name. `next` is the `after` of the next page, null on the
    last.
    """

    tokens: list[Token]
    next: str | None


class TokenCursor(Cursor):
    """The last token of a page."""

    name: Printable


class TokenQuery(Query):
    """Selects a page of tokens."""

    limit: Annotated[int, Field(ge=1, le=1000, description="Tokens per page."), WHOLE_NUMBER] = 100
    after: Annotated[TokenCursor | None, AFTER] = None


class LockedTokens(Row):
    """Whether the user of locked tokens is active."""

    is_active: bool


class NewToken(Row):
    """The token that was made, or what forbids it."""

    token: Token | None
    maker_is_valid: bool
    maker_may_make: bool
    has_name: bool


class RevokedToken(Row):
    """A token that was revoked."""

    id: str
