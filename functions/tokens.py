"""The tokens of a user: list, make and revoke them."""

from allowance.directory.token_models import CreatedToken, TokenPage, TokenQuery, TokenTerms
from allowance.directory.tokens import TokenStore
from allowance.http.api import Api

app = Api()


@app.get("/api/v2/users/{user}/tokens")
def list_tokens(store: TokenStore, query: TokenQuery) -> TokenPage:
    """List the tokens of a user that are not revoked, with their last use, page by page."""
    return store.list_tokens(query)


@app.post("/api/v2/users/{user}/tokens")
def create_token(store: TokenStore, terms: TokenTerms) -> CreatedToken:
    """Make a token of your own. It may do at most what the token of the request may."""
    return store.create(terms)


@app.delete("/api/v2/users/{user}/tokens/{name}")
def revoke_token(store: TokenStore, name: str) -> None:
    """Revoke a token, and the tokens that it made."""
    store.revoke(name)


handler = app.handler
