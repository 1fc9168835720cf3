"""The kinds of columns: the table, the CSV writer and the Parquet writer know the same."""

from typing import get_args

from allowance.exports.focus import COLUMNS as FOCUS
from allowance.tables.columns import Kind
from allowance_parquet import parquet_file


def test_parquet_has_a_type_for_every_kind_of_column() -> None:
    kinds = set(get_args(Kind.__value__))
    assert set(get_args(parquet_file.Kind)) == kinds
    assert parquet_file.TYPES.keys() == kinds
    assert {each.kind for each in FOCUS} <= kinds
