"""GET /api/v2/users/me: who the caller is, where, with which roles and which token."""

from allowance.api import Api
from allowance.models import Me
from allowance.store import Store

app = Api()


@app.get("/api/v2/users/me")
def get_me(store: Store) -> Me:
    return store.me()


handler = app.handler
