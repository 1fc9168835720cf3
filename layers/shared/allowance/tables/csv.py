"""CSV by RFC 4180, in UTF-8. A program reads it as it is; a spreadsheet finds no formula in it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache

from allowance.tables.columns import Cell

MEDIA_TYPE = "text/csv; charset=utf-8; header=present"
"""RFC 4180, section 3."""

BOM = "\ufeff"
"""What makes Excel read a file as UTF-8: https://www.unicode.org/faq/utf_bom.html. A program has to
skip it (in Python, `utf-8-sig`).
"""

CELL_STARTS = re.compile(
    r"(^(?=[\t\r])|(?:^|[;\t\r\n])(?=[^\S\r\n]*[=+\-@\uff1d\uff0b\uff0d\uff20]))"
)
"""The place before a character that may start a formula: `=`, `+`, `-`, `@`, also in full width,
tab and carriage return. It matches at the start of the text, and after characters that end a cell
in a spreadsheet with other separators. https://owasp.org/www-community/attacks/CSV_Injection
"""


@dataclass(frozen=True, slots=True)
class CsvPage:
    """A CSV file of whole rows with a header, and the query of the next page, if there is one."""

    content: str
    file_name: str
    next: Mapping[str, str] | None


def record(cells: Iterable[Cell]) -> str:
    """Return one line with its CRLF: text quoted and harmless, numbers bare, null empty."""
    return ",".join(map(_written, cells)) + "\r\n"


@lru_cache(maxsize=4096)
def harmless(text: str) -> str:
    """Return the text with an apostrophe before anything that a spreadsheet may run as a formula.

    Cached, because the same few names come again and again.
    """
    return CELL_STARTS.sub(r"\1'", text)


@lru_cache(maxsize=1024)
def _time(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _written(cell: Cell) -> str:
    """Return the text of a cell. Only text comes from others: a negative number is kept."""
    match cell:
        case None:
            return ""
        case str():
            return _quoted(harmless(cell))
        case datetime():
            return _quoted(_time(cell))
        case date():
            return _quoted(cell.isoformat())
        case Decimal():
            # str() writes a small number with an exponent: 0E-12.
            return f"{cell:f}"
        case _:
            return str(cell)
