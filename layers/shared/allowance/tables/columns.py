"""The columns of what is exported: each with its name, the kind of its values, and how a row gives
its value.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

type Kind = Literal["text", "time", "count", "tokens", "decimal"]
"""`tokens` are whole numbers of up to 30 digits, `decimal` has six decimals besides; `count` fits
eight bytes.
"""

type Cell = str | int | Decimal | datetime | date | UUID | None
"""A value; None is null."""


@dataclass(frozen=True, slots=True)
class Column[Row]:
    """A column of a table that is made of such rows."""

    name: str
    kind: Kind
    value: Callable[[Row], Cell]


def cells_of[Row](columns: Sequence[Column[Row]], row: Row) -> list[Cell]:
    """The values of a row, in the order of the columns."""
    return [column.value(row) for column in columns]


def millionths(amount: int) -> Decimal:
    """So many millionths, exactly and always with six decimals: of micro-units dollars, of tokens
    millions of them.

    Made of text, since arithmetic of Decimal rounds to 28 digits. With this exponent str() never
    takes to an E.
    """
    return Decimal(f"{amount}E-6")
