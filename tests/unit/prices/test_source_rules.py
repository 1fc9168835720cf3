"""Known rules explain how two sources differ; the rest is a dispute."""

from decimal import Decimal
from typing import Any

from genai_prices.types import ModelPrice

from local.price_book.rules import OUTDATED, PRICE_RULES, STATEMENT_RULES
from tests.price_sources import (
    OLDER,
    always,
    entries,
    from_day,
    genai,
    merged,
    model,
    models_dev,
    usd,
)


def rules_of(price: ModelPrice, cost: dict[str, Any]) -> tuple[set[str], bool]:
    found = merged(genai(model(price)), models_dev({"m": cost})).models["acme-ai", "m"]
    return set(found.rules), found.held is not None


def test_every_rule_says_what_it_knows():
    for rule in (*PRICE_RULES.values(), *STATEMENT_RULES.values()):
        assert rule.__doc__
        assert len(rule.__doc__) > 60


def test_a_cached_price_in_cents_is_a_rule_and_an_uncached_one_is_not():
    cached = usd("0.15", "0.6", cache_read_mtok=Decimal("0.075"))
    assert rules_of(cached, {"input": 0.15, "output": 0.6, "cache_read": 0.08}) == (
        {"cached prices rounded to cents"},
        False,
    )
    assert rules_of(cached, {"input": 0.15, "output": 0.6, "cache_read": 0.09})[1]
    assert rules_of(usd("0.075", "0.6"), {"input": 0.08, "output": 0.6})[1]


def test_the_output_price_of_images_is_a_rule():
    images = usd("0.3", "2.5", output_image_mtok=Decimal(30))
    assert rules_of(images, {"input": 0.3, "output": 30}) == ({"output price of images"}, False)
    assert rules_of(images, {"input": 0.3, "output": 31})[1]
    (row,) = entries(genai(model(images)), models_dev({"m": {"input": 0.3, "output": 30}}))
    assert row["output_price"] == 2_500_000


def test_a_price_in_force_when_the_second_source_came_out_is_no_dispute():
    since = OLDER.replace(month=OLDER.month + 1)
    cut = model([always("3"), from_day(since, "1")])
    rows = entries(genai(cut), models_dev({"m": {"input": 3}}))
    assert [(row["input_price"], row["sources"]) for row in rows] == [
        (3_000_000, ["genai-prices"]),
        (1_000_000, ["genai-prices"]),
    ]
    assert merged(genai(cut), models_dev({"m": {"input": 3}})).models["acme-ai", "m"].rules == {
        OUTDATED
    }
    assert len(entries(genai(cut), models_dev({"m": {"input": 2}}))) == 2, "older all the same"


def test_a_price_that_the_first_source_had_before_is_no_dispute():
    before = OLDER.replace(year=OLDER.year - 1)
    cut = genai(model([always("3"), from_day(before, "1")]))
    assert merged(cut, models_dev({"m": {"input": 3}})).models["acme-ai", "m"].rules == {OUTDATED}
    assert merged(cut, models_dev({"m": {"input": 2}})).models["acme-ai", "m"].held


def test_a_regional_endpoint_of_bedrock_at_the_global_price_is_a_rule():
    regional = model(usd("1.1", "5.5"), "regional.acme.m-v1:0", "us.acme.m", "acme.m")
    plain = model(usd("1.1", "5.5"), "acme.n", "us.acme.n")
    first = genai(regional, plain, name="aws")
    second = models_dev(
        {name: {"input": 1, "output": 5} for name in ("us.acme.m", "acme.m", "us.acme.n")},
        "amazon-bedrock",
    )
    found = merged(first, second).models
    for name in ("us.acme.m", "acme.m"):
        each = found["bedrock", name]
        assert (each.rules, each.held) == ({"regional endpoints at +10%"}, None)
        assert each.timeline[0][1].usd["input_price"] == Decimal("1.1")
    # Only where the first source says that the model has a regional price at all.
    assert found["bedrock", "us.acme.n"].held
