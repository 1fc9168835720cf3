"""The settings of the source of default prices: PRICE_BOOK, its format and its CA_FILE."""

import os
from dataclasses import dataclass
from functools import cache
from typing import get_args

from allowance.prices.seeding.documents import BookFormat
from allowance.settings import BadSetting

FORMATS: tuple[BookFormat, ...] = get_args(BookFormat.__value__)


@dataclass(frozen=True)
class PriceBookSource:
    """The source of default prices: `s3://bucket/key`, `https://...`, or None for the shipped file.

    `ca_file` names the certificates to trust instead of the system's, for a private server.
    `format` is the form of the document at the location.
    """

    location: str | None
    ca_file: str | None
    format: BookFormat = "allowance"


@cache
def price_book_source() -> PriceBookSource:
    """Return the settings. Raise BadSetting."""
    location = os.environ.get("PRICE_BOOK") or None
    if location is not None and not location.startswith(("s3://", "https://")):
        raise BadSetting("PRICE_BOOK must begin with s3:// or https://.")
    form = os.environ.get("PRICE_BOOK_FORMAT") or "allowance"
    if form not in FORMATS:
        raise BadSetting(f"PRICE_BOOK_FORMAT must be {' or '.join(FORMATS)}.")
    return PriceBookSource(location, os.environ.get("PRICE_BOOK_CA_FILE") or None, form)
