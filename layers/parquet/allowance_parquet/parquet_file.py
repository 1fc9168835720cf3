"""Write a table as Parquet, in parts, to a binary file."""

# PyArrow has no type stubs.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

Kind = Literal["text", "time", "count", "tokens", "decimal", "money"]

TYPES: Mapping[Kind, Any] = {
    "text": pa.string(),
    "time": pa.timestamp("us", tz="UTC"),
    "count": pa.int64(),
    # As wide as the database's sums. Never a double, which would round.
    "tokens": pa.decimal128(38, 0),
    "decimal": pa.decimal128(38, 6),
    "money": pa.decimal128(38, 12),
}

ROWS_IN_A_GROUP = 100_000
"""Enough rows that a reader can skip groups, and few enough to hold them in memory."""


class ParquetFile:
    """A Parquet file with columns by name and kind. It is complete once it is closed.

    Values are str, datetime with a zone, int, or Decimal; None is null. Arrow raises for
    a number with more decimals or digits than its type.
    """

    def __init__(self, sink: IO[bytes], columns: Iterable[tuple[str, Kind]]) -> None:
        self._schema = pa.schema([(name, TYPES[kind]) for name, kind in columns])
        self._writer = pq.ParquetWriter(sink, self._schema, compression="zstd")
        self._waiting: list[Any] = []

    def write(self, rows: Sequence[Sequence[object]]) -> None:
        """Append at least one row. Each row has a value for every column."""
        columns = zip(*rows, strict=True)
        arrays = [
            pa.array(values, field.type)
            for values, field in zip(columns, self._schema, strict=True)
        ]
        self._waiting.append(pa.Table.from_arrays(arrays, schema=self._schema))
        if sum(each.num_rows for each in self._waiting) >= ROWS_IN_A_GROUP:
            self._write_group()

    def close(self) -> None:
        """Write the remaining rows and complete the file."""
        self._write_group()
        self._writer.close()

    def _write_group(self) -> None:
        if self._waiting:
            self._writer.write_table(
                pa.concat_tables(self._waiting), row_group_size=2 * ROWS_IN_A_GROUP
            )
            self._waiting = []
