"""The kinds of columns: the table, the CSV writer and the Parquet writer know the same."""

import io
from decimal import Decimal
from typing import get_args

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from allowance.exports.focus import COLUMNS as FOCUS
from allowance.tables.columns import Kind
from allowance_parquet import parquet_file


def test_parquet_has_a_type_for_every_kind_of_column() -> None:
    kinds = set(get_args(Kind.__value__))
    assert set(get_args(parquet_file.Kind)) == kinds
    assert parquet_file.TYPES.keys() == kinds
    assert {each.kind for each in FOCUS} <= kinds


@pytest.mark.parametrize(
    ("kind", "most"),
    [
        ("money", Decimal("9" * 24 + "." + "9" * 12)),
        ("money", Decimal("-0.000000000001")),
        ("decimal", Decimal("5" + "0" * 30 + ".000000")),
        ("tokens", 10**31),
    ],
)
def test_parquet_keeps_the_largest_sums_of_the_database(
    kind: parquet_file.Kind, most: Decimal | int
) -> None:
    sink = io.BytesIO()
    table = parquet_file.ParquetFile(sink, [("sum", kind)])
    table.write([[most]])
    table.close()
    assert pq.read_table(io.BytesIO(sink.getvalue())).to_pylist() == [{"sum": most}]


@pytest.mark.parametrize(
    ("kind", "wrong"), [("money", Decimal("1E-13")), ("money", Decimal(10**26)), ("tokens", 10**38)]
)
def test_parquet_refuses_what_would_lose_a_digit(
    kind: parquet_file.Kind, wrong: Decimal | int
) -> None:
    table = parquet_file.ParquetFile(io.BytesIO(), [("sum", kind)])
    with pytest.raises(pa.ArrowInvalid):
        table.write([[wrong]])
    table.close()
