"""What a platform charges at its maker's price: the schema and the code say the same."""

from typing import Any

from allowance.prices.terms import PriceTerms, on_another_platform
from allowance.prices.units import OTHER_UNITS, TOOLS
from tests.postgres import Database

EVERY_UNIT: dict[str, Any] = dict.fromkeys(OTHER_UNITS, 5)


def test_a_platform_has_no_price_of_any_tool(database: Database) -> None:
    """In the terms and in their tiers, and for no other unit; variants are not the platform's."""
    stated: dict[str, Any] = {
        "input_price": 1,
        "unit_prices": EVERY_UNIT,
        "tiers": [
            {"above_input_tokens": 9, "output_price": 2, "unit_prices": EVERY_UNIT},
            {"above_input_tokens": 10, "input_price": 3},
        ],
        "variants": {"batch": {"input_price": 1}},
    }
    terms = PriceTerms.model_validate(stated)
    query = "SELECT ai_model_price_on_platform(%s::jsonb)"
    ((found,),) = database.rows(query, terms.model_dump_json())
    sold = PriceTerms.model_validate(found)
    assert sold == on_another_platform(terms)
    assert sold.unit_prices.keys() == OTHER_UNITS.keys() - TOOLS
    assert sold.tiers[0].unit_prices.keys() == OTHER_UNITS.keys() - TOOLS
