"""Types of arguments: what people write, converted once and refused with a sentence."""

from collections.abc import Sequence
from typing import Annotated, Any

from cyclopts import Parameter, Token

from allowance_client.cli.amounts import micros_of


def _micros(_: Any, tokens: Sequence[Token]) -> int:
    return micros_of(tokens[0].value)


def _price(_: Any, tokens: Sequence[Token]) -> int | None:
    """A price may also be unknown, which takes the price of the book away."""
    return None if tokens[0].value == "unknown" else micros_of(tokens[0].value)


# A hyphen is let through, so that a negative amount is refused as one.
Amount = Annotated[
    int,
    Parameter(converter=_micros, n_tokens=1, allow_leading_hyphen=True, metavar="DOLLARS"),
]
"""An amount of dollars, in micro-units."""


class Unstated:
    """A price that the command does not name."""


UNSTATED = Unstated()

Price = Annotated[
    int | Unstated | None,
    Parameter(
        converter=_price,
        n_tokens=1,
        allow_leading_hyphen=True,
        show_default=False,
        metavar="DOLLARS",
    ),
]
"""A price in dollars per million tokens, in micro-units per million tokens."""

Limit = Annotated[
    int | None, Parameter(help="Print at most this many rows. Default: all.", metavar="ROWS")
]
