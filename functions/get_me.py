"""GET /api/v2/users/me: who the caller is, where, with which roles and which token."""

from allowance.directory.models import Me
from allowance.directory.store import CallerDirectoryStore
from allowance.http.api import Api

app = Api()


@app.get("/api/v2/users/me")
def get_me(store: CallerDirectoryStore) -> Me:
    return store.me()


handler = app.handler
