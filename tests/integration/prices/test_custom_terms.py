"""Custom prices of variants and tiers keep what they do not name."""

from tests.gateway import Client
from tests.model_prices import set_prices
from tests.price_books import price, seed


def test_a_named_variant_or_tier_keeps_the_prices_that_it_does_not_name(olivia: Client) -> None:
    tier = {"above_input_tokens": 200_000, "input_price": 4_000_000, "output_price": 12_000_000}
    batch = {"input_price": 1_000_000, "output_price": 4_000_000, "tiers": [tier]}
    book = price(input_price=2_000_000, output_price=8_000_000, tiers=[tier])
    seed(book | {"variants": {"batch": batch, "flex": batch}})
    stated = price(
        tiers=[{"above_input_tokens": 200_000, "input_price": 5_000_000}],
        variants={"batch": {"input_price": 1_300_000}, "priority": {"output_price": 9_000_000}},
    )
    (found,) = set_prices(olivia, stated)
    assert found["input_price"] == 2_000_000
    ((above),) = found["tiers"]
    assert (above["input_price"], above["output_price"]) == (5_000_000, 12_000_000)
    changed, kept, new = (found["variants"][each] for each in ("batch", "flex", "priority"))
    assert (changed["input_price"], changed["output_price"]) == (1_300_000, 4_000_000)
    assert changed["tiers"][0]["output_price"] == 12_000_000
    assert kept["output_price"] == 4_000_000
    assert (new["input_price"], new["output_price"]) == (None, 9_000_000)
