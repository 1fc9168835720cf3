"""Where the database is, and how to log in: DATABASE_* and OWNER_DATABASE_*."""

import os
from dataclasses import dataclass
from functools import cache

from allowance.settings import BadSetting


@dataclass(frozen=True)
class DatabaseSource:
    """Where the connection comes from: a URL; or a secret; or a host, a database and a user that
    IAM lets in.

    With a secret the others say what it leaves out. None is not said.
    """

    url: str | None = None
    secret_arn: str | None = None
    host: str | None = None
    port: int | None = None
    name: str | None = None
    user: str | None = None

    @property
    def by_iam(self) -> bool:
        return self.url is None and self.secret_arn is None


@cache
def database_source(prefix: str = "") -> DatabaseSource:
    """DATABASE_URL; or DATABASE_SECRET_ARN; or DATABASE_HOST, _NAME and _USER, for a token that IAM
    signs.

    With the prefix `OWNER_` those of the owner. Raises BadSetting.
    """
    name = f"{prefix}DATABASE_"
    url, secret_arn, host, port, database, user = (
        os.environ.get(f"{name}{each}") or None
        for each in ("URL", "SECRET_ARN", "HOST", "PORT", "NAME", "USER")
    )
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
