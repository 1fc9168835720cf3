"""CSV by RFC 4180, in UTF-8, that a program reads as it is and a spreadsheet does not take for
formulas.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache

from allowance.tables.columns import Cell

MEDIA_TYPE = "text/csv; charset=utf-8; header=present"
"""RFC 4180, section 3."""

CELL_STARTS = re.compile(
    r"(^(?=[\t\r])|(?:^|[;\t\r\n])(?=[^\S\r\n]*[=+\-@\uff1d\uff0b\uff0d\uff20]))"
)
"""Before what a spreadsheet may run: `=`, `+`, `-`, `@`, also in full width, tab and carriage
return; at the beginning, and after what a spreadsheet that is set to other separators takes for the
end of a cell. https://owasp.org/www-community/attacks/CSV_Injection
"""


@dataclass(frozen=True, slots=True)
class CsvPage:
    """A CSV file of whole rows, with the names of its columns, and the query of the one that goes
    on, if there is.
    """

    content: str
    file_name: str
    next: Mapping[str, str] | None


def record(cells: Iterable[Cell]) -> str:
    """One line with its CRLF. Text is quoted and harmless, numbers are bare, null is empty."""
    line = io.StringIO(newline="")
    csv.writer(line, quoting=csv.QUOTE_STRINGS).writerow([_written(cell) for cell in cells])
    return line.getvalue()


@lru_cache(maxsize=4096)
def harmless(text: str) -> str:
    """The text, with an apostrophe before each thing that a spreadsheet may take for a formula.

    The same few names come again and again.
    """
    return CELL_STARTS.sub(r"\1'", text)


@lru_cache(maxsize=1024)
def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _written(cell: Cell) -> object:
    """Only text comes from others; a negative number of our own stays one."""
    match cell:
        case str():
            return harmless(cell)
        case datetime():
            return _moment(cell)
        case date():
            return cell.isoformat()
        case _:
            return cell
