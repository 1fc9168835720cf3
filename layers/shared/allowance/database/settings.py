"""The address of the database, and the login: DATABASE_* and, for Migrate, OWNER_DATABASE_*."""

import os
from dataclasses import dataclass
from functools import cache

from allowance.settings import BadSetting


@dataclass(frozen=True)
class DatabaseSource:
    """The source of a connection: a URL; or a secret; or a host, a database and a user that logs in
    by IAM.

    With a secret, the other fields state what the secret lacks. With a URL, `user` replaces the
    user in the URL. None: not stated.
    """

    url: str | None = None
    secret_arn: str | None = None
    host: str | None = None
    port: int | None = None
    name: str | None = None
    user: str | None = None

    @property
    def by_iam(self) -> bool:
        """Return whether the login uses a token that IAM signs."""
        return self.url is None and self.secret_arn is None


@cache
def database_source(prefix: str = "", login: str | None = None) -> DatabaseSource:
    """Return DATABASE_URL; or DATABASE_SECRET_ARN; or DATABASE_HOST, _NAME and _USER, for a login
    by IAM.

    `login` is the user, in place of DATABASE_USER. A secret names its own user. The prefix `OWNER_`
    selects the variables of the owner. Raise BadSetting.
    """
    name = f"{prefix}DATABASE_"
    url, secret_arn, host, port, database, user = (
        os.environ.get(f"{name}{each}") or None
        for each in ("URL", "SECRET_ARN", "HOST", "PORT", "NAME", "USER")
    )
    if secret_arn is None:
        user = login or user
    if url is not None and secret_arn is not None:
        raise BadSetting(f"Set either {name}URL or {name}SECRET_ARN.")
    if url is None and secret_arn is None and None in (host, database, user):
        raise BadSetting(
            f"Set {name}URL, or {name}SECRET_ARN, or {name}HOST, {name}NAME and {name}USER."
        )
    if port is not None and not port.isdecimal():
        raise BadSetting(f"{name}PORT must be a number, not {port!r}.")
    return DatabaseSource(
        url, secret_arn, host, None if port is None else int(port), database, user
    )
