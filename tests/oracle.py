"""`genai_prices`' own calculation as an oracle for our cost function. Its input is the total: our
classes are disjoint.
"""

from decimal import Decimal, localcontext

from genai_prices import Usage
from genai_prices.types import ModelPrice, Tier, TieredPrices

from allowance.prices.cost import Tokens
from allowance.prices.terms import Rates, Terms
from local.price_book.genai import FIELDS


def usage_of(tokens: Tokens) -> Usage:
    return Usage(
        input_tokens=tokens.total_input,
        output_tokens=tokens.output,
        cache_read_tokens=tokens.cache_read,
        cache_write_tokens=tokens.cache_write + tokens.cache_write_1h,
        cache_write_1h_tokens=tokens.cache_write_1h,
    )


def micros_by_our_prices(stated: Terms, tokens: Tokens) -> Decimal:
    """What the package charges, in exact micros, by our prices, of which it takes an unknown one
    for 0.
    """

    def usd(rates: Rates, name: str) -> Decimal:
        price = getattr(rates, name)
        if price is None and name == "cache_read_price":
            price = rates.input_price
        return Decimal(price or 0).scaleb(-6)

    def of(name: str) -> TieredPrices:
        return TieredPrices(
            usd(stated, name),
            [Tier(each.above_input_tokens, usd(each, name)) for each in stated.tiers],
        )

    with localcontext(prec=60):
        prices = ModelPrice(**{theirs: of(ours) for ours, theirs in FIELDS.items()})
        return prices.calc_price(usage_of(tokens))["total_price"] * 10**6
