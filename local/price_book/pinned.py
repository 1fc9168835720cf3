"""The sources as pinned in uv.lock, so that the book depends on the lock alone."""

import importlib.metadata
import tomllib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from genai_prices.data_snapshot import get_snapshot

from local.price_book import LOCK_FILE, PriceBookRefused, genai, litellm_map, models_dev
from local.price_book.book import Book, book
from local.price_book.genai import GenaiPrices
from local.price_book.match_rules import match_rules, render
from local.price_book.merge import Merged, merge
from local.price_book.models_dev import ModelsDev


def pinned() -> tuple[Book, Merged, GenaiPrices]:
    """Return the book, its merged prices, and the first source. The date is the newer package's
    release.

    The third source is a data file, since its package must not be installed.
    """
    lock = tomllib.loads(LOCK_FILE.read_text())
    versions = {
        source: importlib.metadata.version(source) for source in (genai.SOURCE, models_dev.SOURCE)
    }
    days = {source: released(lock, source, version) for source, version in versions.items()}
    on = max(days.values())
    first = GenaiPrices(get_snapshot().providers, on)
    third, third_version = litellm_map.load()
    merged = merge(first, ModelsDev(models_dev.load()), days[models_dev.SOURCE], third)
    version = f"{', '.join(versions.values())} and {third_version}"
    return book(merged, version, on), merged, first


def pinned_match_rules() -> str:
    """Return the document of the first source's match rules."""
    version = importlib.metadata.version(genai.SOURCE)
    return render(match_rules(get_snapshot().providers), version)


def released(lock: Mapping[str, Any], name: str, version: str) -> date:
    """Return the UTC day of PyPI's upload of that version's wheel, from the lock. Raise
    PriceBookRefused if the lock lacks it.
    """
    locked = [package for package in lock["package"] if package["name"] == name]
    times = [
        datetime.fromisoformat(wheel["upload-time"])
        for package in locked
        for wheel in package.get("wheels", [])
        if package["version"] == version and "upload-time" in wheel
    ]
    if not times:
        found = ", ".join(package["version"] for package in locked) or "nothing"
        raise PriceBookRefused(
            f"{name} {version} is installed, but uv.lock has {found} (with an upload-time)"
        )
    return min(times).astimezone(UTC).date()
