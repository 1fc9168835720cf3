"""The warning about a limit below one cent: somebody may have sent dollars as micro-units."""

from typing import Annotated, Any

from pydantic import Field

from allowance.contract.money import usd_text

MICROS_PER_CENT = 10_000
EXAMPLE_MICROS = 25_000_000


def warning_about(limit_micros: int) -> str | None:
    """Return the warning about a limit; None if it is 0, or one cent or more."""
    if not 0 < limit_micros < MICROS_PER_CENT:
        return None
    return (
        f"The limit is {usd_text(limit_micros)}. Limits are in micro-units of US dollars: "
        f"{EXAMPLE_MICROS} is {usd_text(EXAMPLE_MICROS)}."
    )


def _is_none(value: object) -> bool:
    return value is None


def _warning_about(limit: str) -> Any:
    return Field(
        default_factory=lambda row: warning_about(row[limit]),
        exclude_if=_is_none,
        description="The limit in US dollars, if it is below one cent and not 0; else absent.",
    )


SmallSpendLimit = Annotated[str | None, _warning_about("spend_limit_micros")]
"""The `warning` of a row about its `spend_limit_micros`, which is declared before it."""

SmallLimit = Annotated[str | None, _warning_about("limit_micros")]
"""The `warning` of a row about its `limit_micros`, which is declared before it."""
