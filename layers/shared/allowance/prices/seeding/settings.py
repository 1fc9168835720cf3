"""The settings of the source of default prices: PRICE_BOOK and PRICE_BOOK_CA_FILE."""

import os
from dataclasses import dataclass
from functools import cache

from allowance.settings import BadSetting


@dataclass(frozen=True)
class PriceBookSource:
    """The source of default prices: `s3://bucket/key`, `https://...`, or None for the shipped file.

    `ca_file` names the certificates to trust instead of the system's, for a private server.
    """

    location: str | None
    ca_file: str | None


@cache
def price_book_source() -> PriceBookSource:
    """Return PRICE_BOOK and PRICE_BOOK_CA_FILE. Raise BadSetting."""
    location = os.environ.get("PRICE_BOOK") or None
    if location is not None and not location.startswith(("s3://", "https://")):
        raise BadSetting("PRICE_BOOK must begin with s3:// or https://.")
    return PriceBookSource(location, os.environ.get("PRICE_BOOK_CA_FILE") or None)
