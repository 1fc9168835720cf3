"""Usage objects that are not read whole: they are kept, and read again later. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from allowance.errors import Problem
from allowance.prices.cost import Tokens
from allowance.prices.units import NO_OTHERS, OtherUnits
from allowance.usage.reading.formats import UsageFormat, read_usage

MAX_REASONS = 5
MAX_PATH = 120
"""The most reasons of a record, and characters of the path in one: a response has at most 6 MB."""


class Kept(NamedTuple):
    """The object of a usage, as canonical JSON, and why it was not read whole.

    A correction that follows from reading it again names the format only.
    """

    usage_format: UsageFormat
    usage_object: str | None = None
    reasons: tuple[Problem, ...] = ()


class Understood(NamedTuple):
    """The tokens and other units of a usage object, the kind of processing, and the number of
    requests that it is of. With `reasons`, it has no cost.
    """

    tokens: Tokens
    variant: str | None
    reasons: tuple[Problem, ...]
    others: OtherUnits = NO_OTHERS
    requests: int = 1


def understand(
    usage_format: UsageFormat,
    usage: Mapping[str, Any],
    provider: str,
    model: str,
    variant: str | None,
    requests: int = 1,
) -> Understood:
    """Return what the object says of a call with the variant that its record states, if it does, or
    of as many requests as its record states.

    Raise UsageOutOfRange for a malformed count. There are no tokens or units if a part was not
    understood.
    """
    reading = read_usage(usage_format, usage, provider, model)
    if reading.unread:
        return Understood(Tokens(), variant, _shortened(reading.unread), requests=requests)
    for name, stated, found, silent in (
        ("variant", variant, reading.variant, None),
        ("requests", requests, reading.requests, 1),
    ):
        if stated != silent and found not in {silent, stated}:
            problem = Problem(name, f"Is {stated}, but the usage object says {found}.")
            return Understood(Tokens(), variant, (problem,), requests=requests)
    return Understood(
        reading.tokens,
        variant or reading.variant,
        (),
        reading.others,
        max(requests, reading.requests),
    )


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
