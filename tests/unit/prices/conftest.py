"""Fixtures of the price book."""

import pytest

from local.price_book.pinned import pinned
from tests.committed_book import PinnedBook


@pytest.fixture(scope="module")
def pinned_book() -> PinnedBook:
    return pinned()
