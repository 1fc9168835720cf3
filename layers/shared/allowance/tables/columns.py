"""The columns of an export: name, kind of the values, and the function that gets a row's value."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

type Kind = Literal["text", "time", "count", "tokens", "decimal", "money"]
"""`tokens` has up to 31 digits, `decimal` six decimals in addition. `money` has up to 24 digits
before the point and twelve decimals. `count` fits into 8 bytes.
"""

type Cell = str | int | Decimal | datetime | date | UUID | None
"""A value; None is null."""


@dataclass(frozen=True, slots=True)
class Column[Row]:
    """A column of a table of such rows."""

    name: str
    kind: Kind
    value: Callable[[Row], Cell]


def cells_of[Row](columns: Sequence[Column[Row]], row: Row) -> list[Cell]:
    """Return the values of a row, in the order of the columns."""
    return [column.value(row) for column in columns]


def millionths(amount: int) -> Decimal:
    """Return the amount divided by a million, exact, always with six decimals: millions of tokens.

    It is read from text, because Decimal's arithmetic rounds to 28 digits.
    """
    return Decimal(f"{amount}E-6")
