"""Amounts of money: micro-units of US dollars with up to six decimals, so exact to 1e-12 USD.

Only this module rounds an amount, or turns it into dollars. Whole micro-units are rounded
half-even. Dollars are exact.
"""

import re
from decimal import Context, Decimal, Inexact, InvalidOperation

type Amount = int | Decimal
"""Micro-units of US dollars."""

PICO = Decimal("1E-12")
CENT_DIGITS = 2

# In JSON no string contains a bare quote, so this matches nothing but the end of a key. The number
# must end here: a part of a fraction is no amount.
_AMOUNT_OF_FIELD = re.compile(r'_micros":(null|-?\d++)(?![.eE])')
_QUOTE = '"'

# Sums in the database have at most 36 digits. Whatever does not fit raises instead of rounding.
EXACT = Context(prec=60, traps=[Inexact, InvalidOperation])


def whole_micros(amount: Amount) -> int:
    """Return the nearest whole number of micro-units; the even one of two equally near.

    Raise ValueError for an infinite amount, and for one that is no number.
    """
    if not Decimal(amount).is_finite():
        raise ValueError("must be a finite number of micro-units")
    return round(amount)


def usd(amount: Amount) -> Decimal:
    """Return US dollars, exact, always with twelve decimals.

    Raise an ArithmeticError for an amount that is finer or has more than 60 digits.
    """
    return Decimal(amount).scaleb(-6, EXACT).quantize(PICO, context=EXACT)


def usd_or_none(amount: Amount | None) -> Decimal | None:
    """Return US dollars like `usd`, None of None."""
    return None if amount is None else usd(amount)


def usd_text(amount: Amount) -> str:
    """Return exact US dollars for people: `US$ 1,234.50`, with two to twelve decimals.

    Raise like `usd`.
    """
    dollars = usd(amount)
    whole, _, decimals = f"{dollars.copy_abs():,f}".partition(".")
    digits = decimals.rstrip("0").ljust(CENT_DIGITS, "0")
    return f"{'-' if dollars < 0 else ''}US$ {whole}.{digits}"


def with_dollars(document: str) -> str:
    """Return a JSON document with `x_usd` after each `x_micros`: a string with six decimals, or
    null for null.

    The document is compact: it has no space after a colon. It is text, because a response may
    have a thousand amounts, and an object for each takes three times as long.
    """
    parts = _AMOUNT_OF_FIELD.split(document)
    parts[1::2] = [
        f'_micros":{amount},{before[before.rfind(_QUOTE) :]}_usd":{_six_decimals(amount)}'
        for before, amount in zip(parts[::2], parts[1::2], strict=False)
    ]
    return "".join(parts)


def _six_decimals(amount: str) -> str:
    """Return the JSON of an amount in dollars; the amount is the JSON of whole micro-units."""
    if amount == "null":
        return amount
    if amount[0] == "-":
        digits = amount[1:].zfill(7)
        return f'"-{digits[:-6]}.{digits[-6:]}"'
    digits = amount.zfill(7)
    return f'"{digits[:-6]}.{digits[-6:]}"'
