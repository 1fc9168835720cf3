"""Where the default prices come from: PRICE_BOOK and PRICE_BOOK_CA_FILE."""

import os
from dataclasses import dataclass
from functools import cache

from allowance.settings import BadSetting


@dataclass(frozen=True)
class PriceBookSource:
    """Where the default prices come from: `s3://bucket/key`, `https://...`, or None: the file that
    is shipped.

    `ca_file` names certificates to trust in place of the system's, for a server of one's own.
    """

    location: str | None
    ca_file: str | None


@cache
def price_book_source() -> PriceBookSource:
    """PRICE_BOOK and PRICE_BOOK_CA_FILE. Raises BadSetting."""
    location = os.environ.get("PRICE_BOOK") or None
    if location is not None and not location.startswith(("s3://", "https://")):
        raise BadSetting("PRICE_BOOK must begin with s3:// or https://.")
    return PriceBookSource(location, os.environ.get("PRICE_BOOK_CA_FILE") or None)
