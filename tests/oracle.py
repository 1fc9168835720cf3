"""`genai_prices`' own calculation as an oracle for our cost function. Its input is the total: our
classes are disjoint.
"""

from collections.abc import Mapping
from decimal import Decimal, localcontext

from genai_prices import Usage
from genai_prices.data_units import unit_data
from genai_prices.types import ModelPrice, Tier, TieredPrices

from allowance.prices.cost import Tokens
from allowance.prices.terms import RATES, Rates, Terms
from allowance.prices.units import NO_OTHERS, OtherUnit, OtherUnits
from local.price_book.genai import FIELDS
from local.price_book.genai_units import HOUR, OTHERS, Sold

COUNTED: Mapping[str, str] = {each["price_key"]: name for name, each in unit_data.items()}
"""The package's name of a count, by the name of its price."""

MODALITIES = ("audio", "image", "video")

PARTS = {
    "input_audio_seconds": "audio_seconds",
    "output_audio_seconds": "audio_seconds",
    "input_annotated_document_pages": "input_document_pages",
}
"""Counts that the package includes in another."""


def usage_of(tokens: Tokens, others: OtherUnits = NO_OTHERS) -> Usage:
    """The package's counts, where a whole includes its parts. Seconds are no milliseconds."""

    def sum_of(*units: OtherUnit) -> int:
        return sum(others.get(unit, 0) for unit in units)

    cached = sum_of("cache_read_audio", "cache_read_image", "cache_read_video")
    fresh = sum_of("input_audio", "input_image", "input_video")
    made = sum_of("output_audio", "output_image", "output_video")
    made += sum_of("output_reasoning", "output_citation")
    counts: dict[str, int | Decimal] = {}
    # The package counts one request by itself.
    for unit, count in others.items() - {("requests", 1)}:
        sold = OTHERS[unit]
        counts[COUNTED[sold.name]] = Decimal(count) / 1000 if sold.per == HOUR else count
    for kind in MODALITIES:
        parts = others.get(f"input_{kind}", 0), others.get(f"cache_read_{kind}", 0)
        if any(parts):
            counts[f"input_{kind}_tokens"] = sum(parts)
            counts[f"cache_{kind}_read_tokens"] = parts[1]
            counts[f"cache_{kind}_write_tokens"] = 0
            counts[f"cache_{kind}_write_1h_tokens"] = 0
    for part, whole in PARTS.items():
        if part in counts:
            counts[whole] = counts.get(whole, 0) + counts[part]
    return Usage(
        **counts,
        input_tokens=tokens.total_input + cached + fresh,
        output_tokens=tokens.output + made,
        cache_read_tokens=tokens.cache_read + cached,
        cache_write_tokens=tokens.cache_write + tokens.cache_write_1h,
        cache_write_1h_tokens=tokens.cache_write_1h,
    )


def micros_by_our_prices(stated: Terms, tokens: Tokens, others: OtherUnits = NO_OTHERS) -> Decimal:
    """What the package charges, in exact micros, by our prices, of which it takes an unknown one
    for 0.
    """
    with localcontext(prec=60):
        usage = usage_of(tokens, others)
        return prices_of(stated, {*others}).calc_price(usage)["total_price"] * 10**6


def prices_of(stated: Terms, units: set[OtherUnit]) -> ModelPrice:
    """Our prices of the classes and of these units, as the package's."""

    def usd(micros: int | None, sold: Sold) -> Decimal:
        return Decimal((micros or 0) * sold.per).scaleb(-12)

    def of_class(rates: Rates, name: str) -> int | None:
        return (
            rates.applied_cache_read_price if name == "cache_read_price" else getattr(rates, name)
        )

    prices: dict[str, TieredPrices] = {}
    for name in RATES:
        prices[FIELDS[name]] = TieredPrices(
            usd(of_class(stated, name), Sold("")),
            [
                Tier(each.above_input_tokens, usd(of_class(each, name), Sold("")))
                for each in stated.tiers
            ],
        )
    # The package wants a price for cached tokens of each kind that has a price.
    cached: dict[OtherUnit, OtherUnit] = {
        "input_audio": "cache_read_audio",
        "input_image": "cache_read_image",
        "input_video": "cache_read_video",
    }
    wanted = {*units, "requests"} | {other for unit, other in cached.items() if unit in units}
    wanted |= {unit for unit, other in cached.items() if other in units}
    if wanted & {"input_audio_milliseconds", "output_audio_milliseconds"}:
        wanted.add("audio_milliseconds")
    if "annotated_pages" in wanted:
        wanted.add("pages")
    for unit in wanted:
        sold = OTHERS[unit]
        prices[sold.name] = TieredPrices(
            usd(stated.price_of(unit), sold),
            [
                Tier(each.above_input_tokens, usd(each.price_of(unit), sold))
                for each in stated.tiers
            ],
        )
    for kind in MODALITIES:
        if f"input_{kind}" in wanted:
            # It wants prices of written ones too. Nothing counts them.
            joined = (f"cache_{kind}_write{each}_mtok" for each in ("", "_1h"))
            prices |= dict.fromkeys(joined, TieredPrices(Decimal(1000), []))
    return ModelPrice(**prices)
