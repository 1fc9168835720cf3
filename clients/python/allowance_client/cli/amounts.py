"""Dollars of people and micro-units of the API. Nothing here is a float."""

import re

MICROS = 1_000_000
PLACES = 6
AMOUNT = re.compile(r"\$?([0-9]{1,15})(?:\.([0-9]+))?")
EXAMPLES = "Write dollars like 25, $25.00 or 0.000001."


def micros_of(text: str) -> int:
    """The micro-units of an amount in dollars. ValueError: it is no exact amount."""
    shown = text.strip()
    if "," in shown or "_" in shown or "'" in shown:
        raise ValueError(
            f"{text!r} has a separator, which means different things in different countries."
            f" {EXAMPLES}"
        )
    if re.fullmatch(r"\$?[0-9.]+[eE][+-]?[0-9]+", shown):
        raise ValueError(f"{text!r} has an exponent. {EXAMPLES}")
    if shown.startswith(("-", "$-")):
        raise ValueError(f"{text!r} is negative. {EXAMPLES}")
    found = AMOUNT.fullmatch(shown)
    if found is None:
        raise ValueError(f"{text!r} is no amount. {EXAMPLES}")
    whole, fraction = found[1], found[2] or ""
    if len(fraction) > PLACES:
        raise ValueError(
            f"{text!r} has {len(fraction)} decimal places. The smallest amount is 0.000001."
        )
    return int(whole) * MICROS + int(fraction.ljust(PLACES, "0"))


def dollars(micros: int | None) -> str:
    """An amount with two to six decimal places, exact: `$25.00`. Nothing for None."""
    if micros is None:
        return ""
    whole, fraction = divmod(abs(micros), MICROS)
    places = f"{fraction:06}".rstrip("0").ljust(2, "0")
    return f"{'-' if micros < 0 else ''}${whole}.{places}"
