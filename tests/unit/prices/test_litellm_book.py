"""LiteLLM's map as a book: what of it is taken, and that the rest is named and never guessed."""

import json
from typing import Any

import pytest

from allowance.errors import ValidationFailed
from allowance.prices.book import MAX_BOOK_BYTES, MAX_BOOK_VALUES, MAX_ENTRIES
from allowance.prices.seeding.documents import GivenBook, NotRead, read_content, read_parameters
from allowance.prices.seeding.litellm_rows import MAX_NAMED


def row(provider: str = "openai", per_token: Any = 3e-06, **more: Any) -> dict[str, Any]:
    return {
        "litellm_provider": provider,
        "mode": "chat",
        "max_tokens": 8192,
        "supports_vision": True,
        "input_cost_per_token": per_token,
        "output_cost_per_token": 1.5e-05,
        **more,
    }


def given(prices: dict[str, Any], **more: Any) -> GivenBook:
    read = read_parameters({"format": "litellm", "prices": prices, **more})
    assert read is not None
    return read


def entries(read: GivenBook) -> list[dict[str, Any]]:
    return [
        each.model_dump(exclude_defaults=True, exclude_none=True, exclude={"sources"})
        for each in read.book.prices
    ]


def left_out(read: GivenBook) -> dict[str, list[str]]:
    assert read.not_read is not None
    return read.not_read.left_out


def test_prices_are_micros_per_million_with_tiers_and_variants() -> None:
    read = given(
        {
            "openai/gpt-9": row(
                per_token=8.000000000000001e-07,
                cache_read_input_token_cost=8e-08,
                cache_creation_input_token_cost=1e-06,
                cache_creation_input_token_cost_above_1hr=1.6e-06,
                input_cost_per_token_above_200k_tokens=1.6e-06,
                input_cost_per_token_batches=4e-07,
                input_cost_per_token_above_200k_tokens_batches=8e-07,
                output_cost_per_token_flex=7e-06,
                input_cost_per_token_priority=1.75e-06,
            )
        }
    )
    assert entries(read) == [
        {
            "provider": "openai",
            "model": "gpt-9",
            "input_price": 800_000,
            "output_price": 15_000_000,
            "cache_read_price": 80_000,
            "cache_write_price": 1_000_000,
            "cache_write_1h_price": 1_600_000,
            "tiers": [{"above_input_tokens": 200_000, "input_price": 1_600_000}],
            "variants": {
                "batch": {
                    "input_price": 400_000,
                    "tiers": [{"above_input_tokens": 200_000, "input_price": 800_000}],
                },
                "flex": {"output_price": 7_000_000},
                "priority": {"input_price": 1_750_000},
            },
        }
    ]
    assert read.not_read == NotRead()
    assert (read.book.title, read.book.complete) == ("litellm", False)


def test_a_price_finer_than_a_micro_is_rounded_but_never_to_free() -> None:
    read = given({"a": row(per_token=3.3333333333e-07), "b": row(per_token=4e-13)})
    assert [each.input_price for each in read.book.prices] == [333_333]
    assert left_out(read) == {"its input_price: must not be negative": ["openai/b"]}


@pytest.mark.parametrize(
    ("stated", "why"),
    [
        ("text", "it is no object"),
        (row("acme"), "its provider is acme"),
        (row("x" * 61), "its provider is no word"),
        (row(mode="image_generation"), "its mode is image_generation"),
        (row(mode=None), "its mode is None"),
        (row(tiered_pricing=[]), "its prices depend on more than the classes of tokens"),
        (
            row(output_cost_per_reasoning_token=1e-06),
            "its prices depend on more than the classes of tokens",
        ),
        (row(per_token=0.0, output_cost_per_token=0), "it has no price per token"),
        (row(per_token="3e-06"), "a price is no number of at least 0"),
        (row(per_token=-3e-06), "a price is no number of at least 0"),
        (row(per_token=True), "a price is no number of at least 0"),
        (row(per_token=3), "a price is no number of at least 0"),
        (row(input_cost_per_token_batches=[1]), "a price is no number of at least 0"),
    ],
)
def test_a_row_that_is_not_understood_is_left_out_and_named(stated: Any, why: str) -> None:
    read = given({"good": row(), "odd": stated})
    assert [each.model for each in read.book.prices] == ["good"]
    assert left_out(read) == {why: ["odd"]}


def test_a_name_that_no_book_takes_is_left_out() -> None:
    (why,) = left_out(given({"good": row(), "x" * 256: row()}))
    assert why == "its model: must have at most 255 characters"


def test_two_rows_of_one_name_with_other_prices_are_left_out() -> None:
    other = {"m": row(), "openai/m": row(per_token=4e-06), "good": row()}
    read = given(other)
    assert [each.model for each in read.book.prices] == ["good"]
    assert left_out(read) == {"two rows of this name have other prices": ["m", "openai/m"]}


def test_rows_of_one_name_that_differ_in_a_variant_keep_the_rest() -> None:
    read = given(
        {
            "m": row(input_cost_per_token_batches=1e-06, input_cost_per_token_flex=2e-06),
            "openai/m": row(input_cost_per_token_batches=2e-06),
        }
    )
    assert [list(each.variants) for each in read.book.prices] == [["flex"]]
    assert left_out(read) == {"two rows of this name have other prices of batch": ["m"]}


def test_another_price_of_a_row_is_named_by_its_field() -> None:
    more = {
        "search_context_cost_per_query": {"search_context_size_low": 0.01},
        "input_cost_per_token_above_272k_tokens_ultrafast": 1e-05,
        "input_cost_per_audio_token": 1e-05,
        "output_cost_per_image": 0.0,
    }
    read = given({"a": row(**more), "b": row(input_cost_per_audio_token=2e-05)})
    assert read.not_read is not None
    assert read.not_read.fields == {
        "search_context_cost_per_query": 1,
        "input_cost_per_token_above_272k_tokens_ultrafast": 1,
        "input_cost_per_audio_token": 2,
    }


MAP = {"gpt-9": row(), "gpt-9-mini": row()}
OURS = {"prices": [{"provider": "p", "model": "m", "input_price": 1}]}


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (MAP, '(document): looks like LiteLLM\'s map of prices: send {"format": "litellm"'),
        ({"prices": MAP}, "(document): looks like LiteLLM's map of prices: send"),
        ({"price": OURS["prices"]}, "prices: required"),
        ({"price": OURS["prices"]}, "price: unknown field. Did you mean prices?"),
        ({"Prices": []}, "Prices: unknown field. Did you mean prices?"),
        ({"format": "csv", **OURS}, "format: must be allowance or litellm"),
        ({"format": 1, **OURS}, "format: must be allowance or litellm"),
        ({"format": "litellm"}, "prices: required"),
        ({"format": "litellm", **OURS}, "prices: must be an object"),
        ({"format": "litellm", "prices": {}}, "(document): must have a row of LiteLLM's map"),
        ({"format": "litellm", "prices": {"m": {}}}, "(document): must have a row of LiteLLM's"),
        ({"format": "litellm", "prices": MAP, "sourse": "x"}, "sourse: unknown field. Did you"),
        ({"complete": True}, "prices: required"),
    ],
)
def test_an_event_that_is_no_book_is_refused_by_path(event: dict[str, Any], line: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        read_parameters(event)
    assert any(each.startswith(line) for each in str(refused.value).splitlines())


def test_both_forms_are_taken_as_an_event() -> None:
    assert read_parameters({}) is None
    assert read_parameters(OURS) == read_parameters({"format": "allowance", **OURS})
    read = given(MAP, complete=True, version="1.2", source="ours")
    assert (len(read.book.prices), read.book.title, read.book.complete) == (2, "ours 1.2", True)


def test_a_document_is_a_complete_book_in_the_form_of_the_setting() -> None:
    read = read_content(json.dumps(MAP).encode(), "litellm")
    assert (len(read.book.prices), read.book.complete, read.not_read) == (2, True, NotRead())
    assert read_content(json.dumps(OURS).encode(), "allowance").not_read is None
    with pytest.raises(ValidationFailed, match="set PriceBookFormat to litellm"):
        read_content(json.dumps(MAP).encode(), "allowance")
    with pytest.raises(ValidationFailed, match="set PriceBookFormat to allowance"):
        read_content(json.dumps(OURS).encode(), "litellm")


def test_the_limits_of_a_book_hold_for_a_map() -> None:
    for content, why in (
        (b"{" + b" " * MAX_BOOK_BYTES, "bytes"),
        (b"[" * (MAX_BOOK_VALUES + 1), "values"),
        (b'{"a": {}, "a": {}}', "twice"),
    ):
        with pytest.raises(ValidationFailed, match=why):
            read_content(content, "litellm")
    with pytest.raises(ValidationFailed, match=f"prices: must have at most {MAX_ENTRIES}"):
        given({f"m{n}": row() for n in range(MAX_ENTRIES + 1)})


def test_the_names_that_are_left_out_are_bounded() -> None:
    read = given({"good": row()} | {f"{n}{'x' * 300}": {} for n in range(MAX_NAMED + 7)})
    (names,) = left_out(read).values()
    assert (len(names), max(map(len, names))) == (MAX_NAMED, 255)
    assert read.not_read is not None
    assert read.not_read.left_out_count == MAX_NAMED + 7
