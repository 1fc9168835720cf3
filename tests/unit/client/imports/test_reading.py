"""Random rows, written as a file in each form and read again."""

import csv
import io
import json
from datetime import datetime
from decimal import Decimal
from itertools import batched
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allowance_client.imports.json_rows import json_objects
from allowance_client.imports.openrouter import REQUIRED
from allowance_client.imports.problems import Findings
from allowance_client.imports.rows import ImportOptions, VendorDays, VendorRow
from allowance_client.imports.values import Number, count_of, day_of, usd_of, usd_text
from tests.depth import by_depth
from tests.imports import compressed, records, vendor_rows

NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters="\ufffd"),
    min_size=1,
    max_size=20,
)
COUNTS = st.integers(0, 10**12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner),
    max_leaves=5,
)
CALLS = st.fixed_dictionaries(
    {
        "request_id": NAMES,
        "startTime": st.datetimes(datetime(2020, 1, 2), datetime(2026, 11, 1)).map(  # noqa: DTZ001
            lambda time: f"{time.isoformat(timespec='microseconds')}Z"
        ),
        "model": NAMES,
        "custom_llm_provider": NAMES,
        "user": NAMES,
        "prompt_tokens": COUNTS,
        "completion_tokens": COUNTS,
        "spend": st.decimals(0, 1000, places=9).map(lambda spend: format(spend, "f")),
    }
)
"""Rows of spend logs, whose costs are texts."""


@settings(max_examples=by_depth(20, 100, 500))
@given(st.lists(CALLS, min_size=1, max_size=20))
def test_calls_are_the_same_from_every_form_of_file(calls: list[dict[str, Any]]) -> None:
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, calls[0])
    writer.writeheader()
    writer.writerows(calls)
    lines = "\n".join(json.dumps(each) for each in calls)
    forms: list[str | bytes] = [
        table.getvalue(),
        table.getvalue().replace("\r\n", "\n"),
        lines,
        compressed(lines),
        json.dumps(calls),
        json.dumps(calls, ensure_ascii=False, indent=1),
        json.dumps({"data": calls}),
    ]
    read = [records("litellm-spend-logs", form) for form in forms]
    assert all(each == read[0] for each in read)
    for call, record in zip(calls, read[0], strict=True):
        assert (record["id"], record["user"]) == (call["request_id"], call["user"])
        assert record["occurred_at"] == call["startTime"]
        assert record["usage"]["prompt_tokens"] == call["prompt_tokens"]
        assert Decimal(record.get("cost_usd", 0)) == Decimal(call["spend"])


@settings(max_examples=by_depth(20, 40, 1000))
@given(st.lists(st.dictionaries(st.text(), JSON), min_size=1), st.integers(1, 7), st.booleans())
def test_json_is_read_in_pieces(rows: list[dict[str, Any]], size: int, is_list: bool) -> None:
    text = json.dumps(rows) if is_list else " ".join(json.dumps(each) for each in rows)
    pieces = ("".join(each) for each in batched(text, size, strict=False))
    assert [value for _, value in json_objects(pieces, least=1)] == rows


@settings(max_examples=by_depth(30, 200, 1000))
@given(
    st.lists(
        st.tuples(
            st.sampled_from("ab"), st.integers(1, 3), COUNTS, st.decimals(0, 10**6, places=12)
        ),
        min_size=1,
    )
)
def test_sums_of_days_are_exact(rows: list[tuple[str, int, int, Decimal]]) -> None:
    days = VendorDays()
    for model, day, count, cost in rows:
        tokens = {"input": count}
        days.add(VendorRow("v", None, model, day_of(f"2026-11-0{day}"), tokens, 1, cost))
    found = [each.document() for each in days.rows(ImportOptions(), Findings())]
    assert sum(each["tokens"].get("input", 0) for each in found) == sum(each[2] for each in rows)
    assert sum(each["requests"] for each in found) == len(rows)
    # In units of 1e-12: a sum of decimals has 28 digits.
    picos = sum(int(Decimal(each["cost_usd"]).scaleb(12)) for each in found)
    assert picos == sum(int(each[3].scaleb(12)) for each in rows)
    assert len({(each["model"], each["day"]) for each in found}) == len(found)


def test_a_sum_keeps_digits_that_only_the_rounding_needs() -> None:
    """A sum of decimals has 28 digits otherwise, and this one would be a half, rounded down."""
    days = VendorDays()
    for cost in ("9999999.5", "5e-13", "1e-25"):
        days.add(VendorRow("v", None, "m", day_of("2026-11-03"), cost=Decimal(cost)))
    (row,) = days.rows(ImportOptions(), Findings())
    assert row.document()["cost_usd"] == "9999999.500000000001"


@given(st.decimals(-(10**6), 10**6, places=12))
def test_an_amount_is_the_same_as_text_and_as_json(amount: Decimal) -> None:
    text = format(amount, "f")
    assert usd_of(text) == usd_of(Number.of(text)) == amount
    assert Decimal(usd_text(amount)) == amount
    assert "e" not in usd_text(amount).lower()


@pytest.mark.parametrize("value", ["", None, 0, 0.0, "0", "0.0"])
def test_nothing_counts_zero(value: object) -> None:
    assert count_of(value) == 0


def test_a_large_generation_table_is_one_row() -> None:
    header = f"{','.join(REQUIRED)}\n"
    rows = "".join(f"g{number},2026-11-03 10:00:00,0.001,1,1,a/b,\n" for number in range(3000))
    (row,) = vendor_rows("openrouter", header + rows)
    assert (row["requests"], row["cost_usd"]) == (3000, "3")
