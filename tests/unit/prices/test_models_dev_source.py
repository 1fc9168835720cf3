"""The second source: what is taken from its data file, and hostile data, none of which makes a
book.
"""

import gzip
import json
from typing import Any

import pytest

from local.price_book import PriceBookRefused
from local.price_book.models_dev import (
    ALL_ZERO,
    DATA_CEILING_BYTES,
    NO_PRICE,
    REASONING,
    ModelsDev,
    load,
    parse,
)
from tests.price_sources import entries, genai, merged, model, models_dev, usd

COST = {"input": 3, "output": 15, "cache_read": 0.3, "cache_write": 3.75}


def packed(text: str) -> bytes:
    return gzip.compress(text.encode(), mtime=0)


def only(cost: dict[str, Any]) -> dict[str, Any]:
    (row,) = entries(genai(), models_dev({"m": cost}))
    return row


def without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def test_a_model_that_only_this_source_has_is_priced_by_it():
    assert only(COST) == {
        "provider": "acme-ai",
        "model": "m",
        "input_price": 3_000_000,
        "output_price": 15_000_000,
        "cache_read_price": 300_000,
        "cache_write_price": 3_750_000,
        "cache_write_1h_price": None,
        "sources": ["models-dev"],
    }


def test_tiers_are_carried_and_what_a_tier_does_not_state_is_unknown_in_it():
    tiers = [
        {"input": 9, "output": 30, "tier": {"type": "context", "size": 400_000}},
        {
            "input": 6,
            "output": 22.5,
            "cache_read": 0.6,
            "tier": {"type": "context", "size": 200_000},
        },
    ]
    assert only({**COST, "tiers": tiers, "context_over_200k": {"input": 1, "output": 1}})[
        "tiers"
    ] == [
        {
            "above_input_tokens": 200_000,
            "input_price": 6_000_000,
            "output_price": 22_500_000,
            "cache_read_price": 600_000,
        },
        {"above_input_tokens": 400_000, "input_price": 9_000_000, "output_price": 30_000_000},
    ]


def test_the_older_form_of_a_tier_counts_where_there_is_no_newer_one():
    assert only({**COST, "context_over_200k": {"input": 6, "output": 22.5}})["tiers"] == [
        {"above_input_tokens": 200_000, "input_price": 6_000_000, "output_price": 22_500_000}
    ]


def test_a_decimal_fraction_is_taken_as_it_is_written():
    # In binary floating point 0.1 + 0.2 and 1.1 are none of these.
    assert only({"input": 0.1, "output": 1.1})["output_price"] == 1_100_000
    (row,) = entries(
        genai(),
        ModelsDev(
            parse(
                packed(
                    '{"acme-ai": {"models": {"m": {"cost": {"input": 1.0000005, "output": '
                    "0.30000000000000004}}}}}"
                )
            )
        ),
    )
    assert (row["input_price"], row["output_price"]) == (1_000_000, 300_000)


def test_a_zero_beside_a_price_is_not_known():
    row = only({"input": 1, "output": 0, "cache_read": 0, "cache_write": 0})
    assert [row[name] for name in ("output_price", "cache_read_price", "cache_write_price")] == [
        None,
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("name", "price", "known"),
    [
        ("cache_read", 1, 1_000_000),
        ("cache_read", 1.001, None),
        ("cache_write", 2, 2_000_000),
        ("cache_write", 2.001, None),
    ],
)
def test_a_cached_token_that_no_vendor_would_sell_at_that_price_is_not_known(
    name: str, price: float, known: int | None
):
    assert only({"input": 1, "output": 5, name: price})[f"{name}_price"] == known
    over = {"context_over_200k": {"input": 1, name: price}}
    assert only({"input": 2, "output": 5, **over})["tiers"][0].get(f"{name}_price") == known
    assert bool(models_dev({"m": {"input": 1, name: price}}).disbelieved) is (known is None)


def test_a_model_of_zeros_alone_is_left_out_unless_its_name_says_that_it_is_free():
    second = models_dev({"plan": {"input": 0, "output": 0}, "gift:free": {"input": 0, "output": 0}})
    assert second.left_out == {("acme-ai", "plan"): ALL_ZERO}
    (row,) = entries(genai(), second)
    assert (row["model"], row["input_price"], row["output_price"]) == ("gift:free", 0, 0)


def test_a_model_without_a_price_or_with_another_price_for_reasoning_is_left_out():
    second = models_dev(
        {
            "none": None,
            "empty": {},
            "thinker": {"input": 1, "output": 2, "reasoning": 6},
            "same": {"input": 1, "output": 2, "reasoning": 2},
        }
    )
    assert second.left_out == {
        ("acme-ai", "none"): NO_PRICE,
        ("acme-ai", "empty"): NO_PRICE,
        ("acme-ai", "thinker"): REASONING,
    }
    assert merged(genai(), second).left_out[("acme-ai", "thinker")] == f"models-dev: {REASONING}"
    assert list(second.models) == [("acme-ai", "same")]


def test_providers_that_the_book_has_under_another_name_are_renamed():
    for theirs, ours in [
        ("amazon-bedrock", "bedrock"),
        ("xai", "x-ai"),
        ("togetherai", "together"),
        ("vercel", "vercel"),
    ]:
        assert list(models_dev({"m": COST}, theirs).models) == [(ours, "m")]


def test_two_providers_that_come_to_one_name_stop_the_tool():
    listed = {"models": {"m": {"cost": {"input": 1}}}}
    with pytest.raises(PriceBookRefused, match="x-ai/m: priced twice"):
        ModelsDev(parse(packed(json.dumps({"xai": listed, "x-ai": listed}))))


def test_the_pinned_data_has_thousands_of_models():
    second = ModelsDev(load())
    assert len(second.models) > 4_000
    assert len(second.models) + len(second.left_out) == 4_803
    assert len(second.disbelieved) == 16


# Hostile data.


@pytest.mark.parametrize("kept", [0, 1, 10, 20, -9, -1])
def test_truncated_data_stops_the_tool(kept: int):
    whole = packed(json.dumps({"acme-ai": {"models": {"m": {"cost": COST}}}}))
    with pytest.raises(PriceBookRefused, match="cut short"):
        parse(whole[:kept])


@pytest.mark.parametrize(
    "data",
    [
        b"{}",
        packed(""),
        packed('{"acme-ai": {"models": {"m": '),
        packed("[" * 100_000),
        gzip.compress(b'{"a": "\xff"}', mtime=0),
        packed("[]"),
        packed("null"),
        packed('"text"'),
        packed('{"acme-ai": []}'),
        packed('{"acme-ai": {}}'),
        packed('{"acme-ai": {"models": {"m": 1}}}'),
        packed('{"acme-ai": {"models": {"m": {"cost": [1]}}}}'),
        packed('{"acme-ai": {"models": {"m": {"cost": {"tiers": {}}}}}}'),
        packed('{"acme-ai": {"models": {"m": {"cost": {"tiers": [1]}}}}}'),
    ],
)
def test_data_of_another_form_stops_the_tool(data: bytes):
    with pytest.raises(PriceBookRefused):
        ModelsDev(parse(data))


def test_data_that_unpacks_to_more_than_is_sane_stops_the_tool_before_it_is_unpacked():
    bomb = gzip.compress(b" " * (DATA_CEILING_BYTES + 1))
    assert len(bomb) < 100_000
    with pytest.raises(PriceBookRefused, match="above 67108864 bytes"):
        parse(bomb)


@pytest.mark.parametrize(
    "price",
    [
        "-1",
        "-0.000001",
        "1e300",
        "1E+999999999",
        "1000000.000001",
        '"3"',
        "true",
        "[]",
        "{}",
        f"0.{'1' * 2000}",
    ],
)
@pytest.mark.parametrize("name", ["input", "cache_write"])
def test_a_price_that_is_none_stops_the_tool(price: str, name: str):
    text = f'{{"acme-ai": {{"models": {{"m": {{"cost": {{"output": 1, "{name}": {price}}}}}}}}}}}'
    with pytest.raises(PriceBookRefused, match=f"acme-ai/m {name}_price: "):
        ModelsDev(parse(packed(text)))


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_what_is_not_a_number_stops_the_tool(constant: str):
    with pytest.raises(PriceBookRefused, match=f"{constant} is not a number"):
        parse(packed(f'{{"input": {constant}}}'))


def test_a_key_that_is_there_twice_stops_the_tool():
    for text in (
        '{"a": {}, "a": {}}',
        '{"a": {"models": {"m": {"cost": {"input": 1, "input": 2}}}}}',
    ):
        with pytest.raises(PriceBookRefused, match="a key is there twice"):
            parse(packed(text))


@pytest.mark.parametrize("size", ["0", "-1", "1.5", "1e13", "1e999999999", '"200000"', "null"])
def test_a_tier_without_a_threshold_stops_the_tool(size: str):
    cost = (
        f'{{"input": 1, "tiers": [{{"input": 2, "tier": {{"type": "context", "size": {size}}}}}]}}'
    )
    with pytest.raises(PriceBookRefused, match="a tier by something other than a number of tokens"):
        ModelsDev(parse(packed(f'{{"acme-ai": {{"models": {{"m": {{"cost": {cost}}}}}}}}}')))


def test_a_tier_by_the_hour_stops_the_tool():
    with pytest.raises(PriceBookRefused, match="a tier by something other"):
        models_dev(
            {"m": {"input": 1, "tiers": [{"input": 2, "tier": {"type": "hour", "size": 9}}]}}
        )


@pytest.mark.parametrize("name", ["", " m", "m\n", "a\x00b", "a\u202eb"])
def test_an_odd_name_stops_the_tool(name: str):
    with pytest.raises(PriceBookRefused, match="empty, padded or unprintable"):
        models_dev({name: COST})


def test_sql_in_a_name_is_a_name():
    (row,) = entries(genai(), models_dev({"m'); DROP TABLE ai_model_prices; --": COST}))
    assert row["model"] == "m'); DROP TABLE ai_model_prices; --"


@pytest.mark.parametrize(
    ("factor", "said"), [(1e-6, "1e-6"), (1e-3, "1e-3"), (100, "1e+2"), (1000, "1e+3")]
)
def test_a_source_in_other_units_stops_the_tool(factor: float, said: str):
    """Per token, per thousand tokens, in cents, in thousandths: nearly every model is then in
    dispute, by one factor.
    """
    names = [f"m{number}" for number in range(40)]
    first = genai(*(model(usd("2", "8"), name) for name in names))
    costs = {name: {"input": 2 * factor, "output": 8 * factor} for name in names}
    with pytest.raises(PriceBookRefused) as refused:
        entries(first, models_dev(costs))
    assert str(refused.value) == (
        f"40 of 40 models are in dispute, most often by a factor of {said}: is a source in "
        "other units?"
    )


def test_a_few_models_in_other_units_are_held():
    names = [f"m{number}" for number in range(40)]
    first = genai(*(model(usd("2", "8"), name) for name in names))
    costs: dict[str, Any] = {name: {"input": 2, "output": 8} for name in names}
    costs["m7"] = {"input": 0.000002, "output": 0.000008}
    rows = [row for row in entries(first, models_dev(costs)) if row["model"] == "m7"]
    assert [(row["input_price"], "held" in row) for row in rows] == [(2_000_000, False), (2, True)]
