"""Tables: drawn on a terminal, and lines of tab-separated cells for everything else.

They have no colours and no styles, so the only escape sequences would be those of a name.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from allowance_client.cli.cells import printable
from allowance_client.cli.options import Options

Row = Sequence[str]


@dataclass(frozen=True)
class Column:
    """The title of a column, and whether its cells are figures."""

    title: str
    figures: bool = False


def texts(*titles: str) -> list[Column]:
    """Columns of text."""
    return [Column(each) for each in titles]


def figures(*titles: str) -> list[Column]:
    """Columns of amounts and counts."""
    return [Column(each, figures=True) for each in titles]


def show(document: Any, options: Options, columns: Sequence[Column], rows: Sequence[Row]) -> None:
    """Print the document of the API if the command was asked for JSON, else the rows."""
    if options.json:
        print_json(document)
    else:
        print_table(columns, rows)


def say(document: Any, options: Options, sentence: str) -> None:
    """Print the document of the API if the command was asked for JSON, else the sentence."""
    if options.json:
        if document is not None:
            print_json(document)
    else:
        print(printable(sentence))


def warn(text: str) -> None:
    """Print a remark where no script reads it."""
    print(f"allowance: {printable(text)}", file=sys.stderr)


def print_json(document: Any) -> None:
    """Print a document. It has ASCII alone, so that no terminal obeys what is in a name."""
    print(json.dumps(document, indent=2, ensure_ascii=True))


def print_table(columns: Sequence[Column], rows: Sequence[Row]) -> None:
    """Print a table in the way that fits where it goes."""
    cells = [[printable(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _draw(columns, cells)
        return
    for row in [[each.title for each in columns], *cells]:
        print("\t".join(row))


def _draw(columns: Sequence[Column], rows: Sequence[Row]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=box.SIMPLE_HEAD, header_style="", pad_edge=False)
    for column in columns:
        drawn.add_column(
            Text(column.title), justify="right" if column.figures else "left", overflow="fold"
        )
    for row in rows:
        # Text takes a cell as it is: `[red]` in a name is no markup.
        drawn.add_row(*(Text(cell) for cell in row))
    Console(file=sys.stdout, highlight=False).print(drawn)
