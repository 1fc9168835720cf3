"""Oracles for our costs: `genai_prices`' own calculation, whose input is the total (our classes are
disjoint), and count times price for each usage of the ledger.
"""

from collections.abc import Iterator
from decimal import Decimal, localcontext

from genai_prices import Usage
from genai_prices.types import ModelPrice, Tier, TieredPrices

from allowance.prices.cost import Tokens
from allowance.prices.terms import Rates, Terms
from local.price_book.genai import FIELDS
from tests.postgres import Database


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


BOOKED = """
SELECT u.source_id, b.micros, u.stated_cost_micros, u.cost_from, b.input, b.units, b.requests,
    p.input_price, coalesce(p.unit_prices, '{}')
FROM ai_usage AS u
CROSS JOIN LATERAL (
    SELECT sum(e.cost_micros) AS micros, sum(e.input_tokens)::bigint AS input,
        sum(e.usage_count)::bigint AS requests,
        coalesce(jsonb_agg(e.other_units) FILTER (WHERE e.other_units IS NOT NULL), '[]') AS units
    FROM ai_usage AS e WHERE e.id = u.id OR e.corrects = u.id
) AS b
LEFT JOIN LATERAL (
    SELECT v.input_price, v.unit_prices FROM ai_model_prices_at(u.occurred_at) AS v
    WHERE v.provider = u.provider AND v.model = u.model ORDER BY v.source LIMIT 1
) AS p ON true
WHERE u.reason = 'usage' AND (b.micros IS NOT NULL OR u.usage_object IS NULL)
"""
"""The usages with a cost, or at least read whole, and the price in effect for each."""


def priced_by_hand(database: Database) -> Iterator[tuple[str, Decimal | None, Decimal | None]]:
    """Each usage that was read whole, what is booked for it, and what it costs by hand.

    None: it has no price, or no longer.
    """
    for name, booked, stated, cost_from, given, maps, requests, price, unit_prices in database.rows(
        BOOKED
    ):
        if cost_from == "record":
            yield name, booked, stated
            continue
        used = [(given, price), (requests, unit_prices.get("requests", 0))]
        used += [
            (count, unit_prices.get(unit)) for each in maps for unit, count in each.items() if count
        ]
        is_priced = all(each is not None for count, each in used if count)
        due = sum(Decimal(count * (each or 0)) for count, each in used).scaleb(-6)
        yield name, booked, due if is_priced else None
