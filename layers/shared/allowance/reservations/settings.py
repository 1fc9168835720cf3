"""Settings of decisions: UNPRICED_MODELS, ASSUMED_INPUT_PRICE and ASSUMED_OUTPUT_PRICE."""

import os
from functools import cache
from typing import get_args

from allowance.prices.terms import MAX_PRICE_MICROS
from allowance.reservations.policy_models import Unpriced, UnpricedTerms
from allowance.settings import BadSetting

CHOICES: dict[str, Unpriced] = {each: each for each in get_args(Unpriced)}


@cache
def unpriced_default() -> UnpricedTerms:
    """Return what happens to a call without a price in an organization that has set no policy.

    UNPRICED_MODELS is deny (the default), allow or assume. With assume, and only then, both
    ASSUMED_INPUT_PRICE and ASSUMED_OUTPUT_PRICE are set. Raise BadSetting.
    """
    text = os.environ.get("UNPRICED_MODELS") or "deny"
    if text not in CHOICES:
        raise BadSetting(f"UNPRICED_MODELS must be deny, allow or assume, not {text!r}.")
    return UnpricedTerms(
        unpriced=CHOICES[text],
        assumed_input_price=_price("ASSUMED_INPUT_PRICE", needed=text == "assume"),
        assumed_output_price=_price("ASSUMED_OUTPUT_PRICE", needed=text == "assume"),
    )


def _price(name: str, *, needed: bool) -> int | None:
    """Return micro-units of US dollars per million tokens, None if not set. Raise BadSetting."""
    text = os.environ.get(name, "")
    if needed != bool(text):
        raise BadSetting(f"{name} must be set with UNPRICED_MODELS=assume, and only then.")
    if not text:
        return None
    # Its length first: Python refuses to read very long numbers.
    is_whole = text.isascii() and text.isdecimal() and len(text) <= len(str(MAX_PRICE_MICROS))
    if not is_whole or int(text) > MAX_PRICE_MICROS:
        raise BadSetting(
            f"{name} must be a whole number up to {MAX_PRICE_MICROS}, in micro-units of US dollars"
            f" per million tokens, not {text!r}."
        )
    return int(text)
