"""Usage objects that say something without a price: they are kept, and read again later. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from allowance.errors import Problem
from allowance.prices.cost import Tokens
from allowance.prices.terms import Variant
from allowance.usage.reading.formats import UsageFormat, read_usage

MAX_REASONS = 5
MAX_PATH = 120
"""The most reasons of a record, and characters of the path in one: a response has at most 6 MB."""


class Kept(NamedTuple):
    """The object of a usage without a cost, as canonical JSON, and why it has none.

    A correction that follows from reading it again names the format only.
    """

    usage_format: UsageFormat
    usage_object: str | None = None
    reasons: tuple[Problem, ...] = ()


class Understood(NamedTuple):
    """The tokens of a usage object and the kind of processing. With `reasons`, it has no cost."""

    tokens: Tokens
    variant: Variant | None
    reasons: tuple[Problem, ...]


def understand(
    usage_format: UsageFormat,
    usage: Mapping[str, Any],
    provider: str,
    model: str,
    variant: Variant | None,
) -> Understood:
    """Return what the object says of a call with the variant that its record states, if it does.

    Raise UsageOutOfRange for a malformed count. There are no tokens if a part was not understood.
    """
    reading = read_usage(usage_format, usage, provider, model)
    if reading.unread:
        return Understood(Tokens(), variant, _shortened(reading.unread))
    if variant is not None and reading.variant not in {None, variant}:
        detail = f"Is {variant}, but the usage object says {reading.variant}."
        return Understood(Tokens(), variant, (Problem("variant", detail),))
    unpriced = [
        Problem("usage", f"Has {quantity} {unit}, which have no price here.")
        for unit, quantity in reading.others.items()
    ]
    return Understood(reading.tokens, variant or reading.variant, _shortened(unpriced))


def _shortened(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    more = len(problems) - MAX_REASONS
    shown = [
        Problem(
            each.field if len(each.field) <= MAX_PATH else f"{each.field[:MAX_PATH]}...",
            each.detail,
        )
        for each in problems[:MAX_REASONS]
    ]
    return (*shown, Problem("usage", f"And {more} reasons more.")) if more > 0 else tuple(shown)
