"""The columns of other units: one for each in the registry, in its order, whether used or not."""

from allowance.prices.units import COUNTED_IN_TOKENS, OTHER_UNITS, OtherUnit
from allowance.spend.models import Sums
from allowance.tables.columns import Column


def unit_columns[R: Sums]() -> tuple[Column[R], ...]:
    """Return a column for each other unit."""
    return tuple(_column(unit, unit_text(unit)) for unit in OTHER_UNITS)


def unit_text(unit: OtherUnit) -> str:
    """Return the name in the style of the columns of the five classes: `input_audio_tokens`."""
    return f"{unit}_tokens" if unit in COUNTED_IN_TOKENS else unit


def _column[R: Sums](unit: OtherUnit, name: str) -> Column[R]:
    return Column(name, "tokens", lambda each: each.other_units.get(unit, 0))
