"""The cost that a record, or its usage object, states itself, in picos: 1e-12 USD. Pure."""

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from allowance.errors import Problem, UsageOutOfRange
from allowance.prices.cost import MAX_COST_PICOS
from allowance.prices.sellers import seller_of
from allowance.usage.reading.formats import UsageFormat

MAX_COST_USD = MAX_COST_PICOS // 10**12
MAX_LENGTH = 64
WANTED = f"must be US dollars from 0 to {MAX_COST_USD}, as a number or as a string like 0.000125"

STATING = frozenset({"litellm", "litellm-proxy", "openrouter"})
"""Formats, and sellers of the price book, whose objects state a cost in US dollars in `cost`."""

_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
# Wide enough for any number that _NUMBER and MAX_LENGTH let through, so only the quantum rounds.
_CONTEXT = Context(prec=1100)


def picos_of_usd(dollars: object) -> int:
    """Return an amount of US dollars, a number or its text, rounded half-even to 1e-12.

    Gateways send floats. A float is read as the shortest decimal that prints it. Raise
    ValueError below 0, above 1e7, and for what is no such number.
    """
    text = str(dollars) if isinstance(dollars, int | float | str) else ""
    if len(text) > MAX_LENGTH or not _NUMBER.fullmatch(text):
        raise ValueError(WANTED)
    picos = Decimal(text).scaleb(12, _CONTEXT)
    if not 0 <= picos <= MAX_COST_PICOS:
        raise ValueError(WANTED)
    return int(picos.quantize(Decimal(1), ROUND_HALF_EVEN, _CONTEXT))


def stated_in(usage_format: UsageFormat, usage: Mapping[str, Any], provider: str) -> int | None:
    """Return the cost that a usage object states, None if it states none.

    With a key of the caller's own (`is_byok`), OpenRouter states its fee alone, which is no cost of
    the call. Raise UsageOutOfRange for a cost that is no amount.
    """
    if usage_format in {"auto", "openai"}:
        states = seller_of(provider.lower()) in STATING
    else:
        states = usage_format in STATING
    cost = usage.get("cost") if states else None
    if cost is None or usage.get("is_byok"):
        return None
    try:
        return picos_of_usd(cost)
    except ValueError as error:
        raise UsageOutOfRange([Problem("usage.cost", f"{WANTED.capitalize()}.")]) from error
