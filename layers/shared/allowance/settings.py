"""The environment, read once, typed, late."""

import os
from dataclasses import dataclass
from functools import cache


class BadSetting(Exception):
    """A setting of the deployment cannot be used: an environment variable, or what a secret holds."""


@dataclass(frozen=True)
class DatabaseSource:
    """Where the connection comes from: a URL, or the ARN of a secret that holds one. One of the two is set."""

    url: str | None
    secret_arn: str | None


@dataclass(frozen=True)
class PriceBookSource:
    """Where the default prices come from: `s3://bucket/key`, `https://...`, or None: the file that is shipped.

    `ca_file` names certificates to trust in place of the system's, for a server of one's own.
    """

    location: str | None
    ca_file: str | None


@dataclass(frozen=True)
class Settings:
    """What a function needs to know of its deployment."""

    ai_budgets_enabled: bool
    function_name: str


@cache
def settings() -> Settings:
    """The settings of this process. Raises BadSetting."""
    enabled = os.environ.get("AI_BUDGETS_ENABLED", "true")
    if enabled not in ("true", "false"):
        raise BadSetting(f"AI_BUDGETS_ENABLED must be true or false, not {enabled!r}.")
    return Settings(
        ai_budgets_enabled=enabled == "true",
        function_name=os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "local"),
    )


@cache
def database_source(prefix: str = "") -> DatabaseSource:
    """DATABASE_URL or DATABASE_SECRET_ARN, or with the prefix `OWNER_` those of the owner. Raises BadSetting."""
    url = os.environ.get(f"{prefix}DATABASE_URL") or None
    secret_arn = os.environ.get(f"{prefix}DATABASE_SECRET_ARN") or None
    if (url is None) == (secret_arn is None):
        raise BadSetting(f"Set either {prefix}DATABASE_URL or {prefix}DATABASE_SECRET_ARN.")
    return DatabaseSource(url, secret_arn)


@cache
def price_book_source() -> PriceBookSource:
    """PRICE_BOOK and PRICE_BOOK_CA_FILE. Raises BadSetting."""
    location = os.environ.get("PRICE_BOOK") or None
    if location is not None and not location.startswith(("s3://", "https://")):
        raise BadSetting("PRICE_BOOK must begin with s3:// or https://.")
    return PriceBookSource(location, os.environ.get("PRICE_BOOK_CA_FILE") or None)
