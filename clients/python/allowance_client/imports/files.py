"""A file to import: its bytes as text, JSON values or rows of a table.

Each reading begins at the start, so a file is read as often as needed, in bounded memory.
"""

import codecs
import csv
import gzip
import zlib
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

from allowance_client.imports.json_rows import MAX_VALUE, json_objects
from allowance_client.imports.problems import refused

CHUNK = 1 << 16
GZIP = b"\x1f\x8b"
FOREIGN = (
    (b"PK\x03\x04", "a ZIP file or a spreadsheet (.xlsx): export it as CSV or JSON"),
    (b"\xd0\xcf\x11\xe0", "a spreadsheet (.xls): export it as CSV"),
    (b"PAR1", "a Parquet file: export it as CSV"),
    (b"%PDF", "a PDF file"),
    (b"\xff\xfe", "text in UTF-16: save it as UTF-8"),
    (b"\xfe\xff", "text in UTF-16: save it as UTF-8"),
    (b"<", "XML or HTML"),
)
"""The first bytes of files that no format has."""


class ImportFile:
    """The bytes of a file that can be read again from its start. Compressed ones are read as what
    they contain. Every method raises ImportRefused.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def beginning(self, size: int = 4096) -> str:
        """Return the first characters, without white space before them."""
        with _opened(self._stream) as content:
            read = content.read(size).removeprefix(codecs.BOM_UTF8)
        for start, name in FOREIGN:
            if read.lstrip().startswith(start):
                raise refused(f"It is {name}.")
        if not read.strip():
            raise refused("It is empty.")
        return read.decode(errors="replace").lstrip()

    def text(self) -> str:
        """Return the whole text, of at most MAX_VALUE characters."""
        self.beginning()
        found = "".join(self._chunks())
        if len(found) > MAX_VALUE:
            raise refused("It is too long.")
        return found

    def values(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield each JSON object with its place: of a list, of a text of several objects, or one a
        line.
        """
        self.beginning()
        return json_objects(self._chunks())

    def table(
        self, required: Sequence[str], aliases: dict[str, str] | None = None
    ) -> Iterator[tuple[str, dict[str, str]]]:
        """Yield each row of a CSV file as its cells by column, with its place. `aliases` are other
        names of columns.
        """
        self.beginning()
        csv.field_size_limit(max(csv.field_size_limit(), MAX_VALUE))
        reader = csv.reader(self._lines(), strict=True)
        columns: list[str] | None = None
        try:
            for cells in reader:
                if not cells:
                    continue
                if columns is None:
                    columns = _columns(cells, required, aliases or {})
                    continue
                place = f"line {reader.line_num}"
                if len(cells) != len(columns):
                    raise refused(f"Has {len(cells)} cells instead of {len(columns)}.", place)
                yield place, dict(zip(columns, cells, strict=True))
        except csv.Error as error:
            raise refused(f"Is no row of a table: {error}.", f"line {reader.line_num}") from error

    def _lines(self) -> Iterator[str]:
        with _opened(self._stream) as content:
            number = 0
            while line := content.readline(MAX_VALUE):
                number += 1
                if len(line) == MAX_VALUE:
                    raise refused("The line is too long.", f"line {number}")
                if number == 1:
                    line = line.removeprefix(codecs.BOM_UTF8)
                try:
                    yield line.decode()
                except UnicodeDecodeError as error:
                    raise refused("The text is not UTF-8.", f"line {number}") from error

    def _chunks(self) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder("utf-8-sig")()
        with _opened(self._stream) as content:
            at = 0
            while True:
                read = content.read(CHUNK)
                try:
                    yield decoder.decode(read, final=not read)
                except UnicodeDecodeError as error:
                    raise refused(f"The text is not UTF-8, near byte {at}.") from error
                at += len(read)
                if not read:
                    return


@contextmanager
def _opened(stream: BinaryIO) -> Generator[BinaryIO]:
    """Return the content from its start, decompressed. Name the errors of compression."""
    stream.seek(0)
    is_compressed = stream.read(len(GZIP)) == GZIP
    stream.seek(0)
    content = cast("BinaryIO", gzip.GzipFile(fileobj=stream)) if is_compressed else stream
    try:
        yield content
    except EOFError as error:
        raise refused("The compressed file (gzip) ends too early.") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise refused(f"The compressed file (gzip) is damaged: {error}.") from error


def _columns(cells: Sequence[str], required: Sequence[str], aliases: dict[str, str]) -> list[str]:
    """Return the names of columns of the first line. Raise ImportRefused."""
    columns = [aliases.get(each.strip(), each.strip()) for each in cells]
    for separator, name in ((";", "semicolons"), ("\t", "tabs")):
        if len(columns) == 1 and separator in columns[0]:
            reason = f"The columns are separated by {name}, as a spreadsheet saves them."
            raise refused(f"{reason} Import the file as it was downloaded.", "line 1")
    if missing := [each for each in required if each not in columns]:
        raise refused(f"The columns {', '.join(missing)} are missing.", "line 1")
    if twice := sorted({each for each in columns if columns.count(each) > 1}):
        raise refused(f"The columns {', '.join(twice)} are there twice.", "line 1")
    return columns
