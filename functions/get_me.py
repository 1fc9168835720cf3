"""GET /api/v2/users/me: who the caller is, where, with which roles and which token."""

from allowance.access.store import Store
from allowance.contract.fields import Me
from allowance.http.api import Api

app = Api()


@app.get("/api/v2/users/me")
def get_me(store: Store) -> Me:
    return store.me()


handler = app.handler
