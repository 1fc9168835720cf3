"""Hostile data of the second source: none of it makes a book."""

import gzip
import json
from typing import Any

import pytest

from local.price_book import PriceBookRefused
from local.price_book.models_dev import (
    DATA_CEILING_BYTES,
    ModelsDev,
    parse,
)
from tests.models_dev_data import COST, packed
from tests.price_sources import entries, genai, model, models_dev, usd


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


def test_data_that_unpacks_to_too_much_stops_the_tool_before_unpacking():
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
    ("factor", "shown"), [(1e-6, "1e-6"), (1e-3, "1e-3"), (100, "1e+2"), (1000, "1e+3")]
)
def test_a_source_in_other_units_stops_the_tool(factor: float, shown: str):
    """Per token, per thousand tokens, in cents, in thousandths: nearly every model is then in
    dispute, by one factor.
    """
    names = [f"m{number}" for number in range(40)]
    first = genai(*(model(usd("2", "8"), name) for name in names))
    costs = {name: {"input": 2 * factor, "output": 8 * factor} for name in names}
    with pytest.raises(PriceBookRefused) as refused:
        entries(first, models_dev(costs))
    assert str(refused.value) == (
        f"40 of 40 models are in dispute, most often by a factor of {shown}: is a source in "
        "other units?"
    )


def test_a_few_models_in_other_units_are_held():
    names = [f"m{number}" for number in range(40)]
    first = genai(*(model(usd("2", "8"), name) for name in names))
    costs: dict[str, Any] = {name: {"input": 2, "output": 8} for name in names}
    costs["m7"] = {"input": 0.000002, "output": 0.000008}
    rows = [row for row in entries(first, models_dev(costs)) if row["model"] == "m7"]
    assert [(row["input_price"], "held" in row) for row in rows] == [(2_000_000, False), (2, True)]
