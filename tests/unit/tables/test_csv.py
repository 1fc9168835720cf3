"""CSV that programs read back and spreadsheets do not run."""

import csv
import io
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allowance.contract.money import usd
from allowance.tables.columns import millionths
from allowance.tables.csv import harmless, record


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(1)", "'@SUM(1)"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("\n=1", "\n'=1"),
        ("  =1", "'  =1"),
        ("\uff1d1", "'\uff1d1"),
        ("\uff0b1", "'\uff0b1"),
        ("\uff0d1", "'\uff0d1"),
        ("\uff201", "'\uff201"),
        ("a;=1", "a;'=1"),
        ("a\t@x", "a\t'@x"),
        ("a\r\n=1", "a\r\n'=1"),
        ("gpt-5.1", "gpt-5.1"),
        ("a=b+c@d", "a=b+c@d"),
        ("R&D, -old", "R&D, -old"),
        ("", ""),
    ],
)
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(text: str, written: str) -> None:
    assert harmless(text) == written


@given(st.text())
def test_no_text_begins_a_cell_with_a_formula_whatever_separates_cells(text: str) -> None:
    for separator in (";", "\t", "\n", "\r", None):
        for cell in harmless(text).split(separator) if separator else [harmless(text)]:
            assert not cell.lstrip().startswith(
                ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
            ), cell


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1))
def test_a_reader_of_csv_gets_back_what_was_written(cells: list[str]) -> None:
    assert read(record(cells)) == [[harmless(cell) for cell in cells]]


def test_names_with_quotes_commas_and_line_breaks_are_one_cell_each() -> None:
    names = ['a "quoted" model', "a, b", "two\nlines", "two\r\nlines", "\u6a21\u578b"]
    assert read(record([*names, None])) == [[*names, ""]]
    assert record(["a", "b"]) == '"a","b"\r\n'


def test_numbers_of_our_own_stay_numbers() -> None:
    assert (
        record([-5, millionths(-1), millionths(0), None, Decimal("1.5")])
        == "-5,-0.000001,0.000000,,1.5\r\n"
    )


def test_times_are_in_utc_and_ids_bare() -> None:
    moment = datetime.fromisoformat("2026-11-22T07:00:00+01:00")
    line = record([moment, datetime(2026, 1, 1, tzinfo=UTC), date(2026, 11, 2), UUID(int=1)])
    assert read(line) == [
        ["2026-11-22T06:00:00Z", "2026-01-01T00:00:00Z", "2026-11-02", str(UUID(int=1))]
    ]


@given(st.integers(-(10**36), 10**36))
def test_money_and_quantities_are_exact_and_plain(millionth: int) -> None:
    amount = Decimal(f"{millionth}E-6")
    money, quantity = read(record([usd(amount), millionths(millionth)]))[0]
    assert re.fullmatch(r"-?\d+\.\d{12}", money)
    assert re.fullmatch(r"-?\d+\.\d{6}", quantity)
    assert int(money.replace(".", "")) == int(quantity.replace(".", "")) == millionth
