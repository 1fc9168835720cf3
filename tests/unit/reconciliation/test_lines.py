"""What a vendor counted meets what the ledger has, by the names of the price book."""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from functools import reduce
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from allowance.contract.money import EXACT
from allowance.reconciliation.lines import totals_of
from allowance.reconciliation.models import COLUMNS
from tests.reconciliation import DAY, compared, counted, recorded

OPENAI = DAY, "openai"


def test_a_dated_name_of_the_vendor_meets_the_name_of_the_gateway() -> None:
    lines = compared(
        [counted("gpt-5.1-2025-11-13", tokens=10), counted("gpt-5.1", tokens=1)],
        [recorded("openai/gpt-5.1", provider="litellm", input_tokens=7)],
    )
    line = lines[*OPENAI, "gpt-5.1"]
    assert lines.keys() == {line.key}
    assert line.difference("tokens") == -4
    assert line.vendor_names == {("openai", "", "gpt-5.1-2025-11-13"), ("openai", "", "gpt-5.1")}
    assert line.ledger_names == {("litellm", "openai/gpt-5.1")}


def test_a_release_at_another_price_and_unknown_names_stay_apart() -> None:
    names = ["gpt-4o", "gpt-4o-2024-05-13", "ours", "ours-2"]
    lines = compared([counted(each, tokens=1) for each in names], [])
    assert [key[2] for key in lines] == names


def test_a_model_that_a_report_leaves_out_was_not_used() -> None:
    lines = compared([counted("gpt-5", tokens=10)], [recorded("gpt-4o", input_tokens=3)])
    line = lines[*OPENAI, "gpt-4o"]
    assert (line.counted.tokens, line.difference("tokens")) == ({}, 3)
    assert (line.counted.requests, line.difference("requests")) == (None, None)
    assert line.uncovered == {"requests", "cost"}
    assert lines[*OPENAI, "gpt-5"].difference("tokens") == -10


def test_a_figure_is_unknown_where_no_report_of_the_day_and_vendor_has_it() -> None:
    lines = compared(
        [counted(tokens=1), counted(tokens=1, vendor="anthropic", day=DAY + timedelta(1))],
        [recorded(day=DAY + timedelta(1), input_tokens=3)],
    )
    line = lines[DAY + timedelta(1), "openai", "gpt-5"]
    assert line.difference("tokens") is None
    assert line.uncovered == {"tokens", "requests", "cost"}


def test_a_cost_without_models_meets_the_models_that_have_none() -> None:
    lines = compared(
        [counted("", cost_micros=100), counted("gpt-4o", cost_micros=5), counted(tokens=9)],
        [
            recorded(cost_micros=60, input_tokens=9, unpriced_usage_count=2),
            recorded("o3", cost_micros=50, stated_alone_micros=4),
            recorded("gpt-4o", cost_micros=7),
        ],
    )
    whole = lines[*OPENAI, ""]
    assert (whole.counted.cost, whole.recorded.cost, whole.difference("cost")) == (100, 110, 10)
    assert (whole.unpriced_usage_count, whole.stated_alone) == (2, 4)
    assert whole.difference("tokens") is None
    assert lines[*OPENAI, "gpt-4o"].difference("cost") == 2
    assert lines[*OPENAI, "gpt-5"].difference("cost") is None
    assert "cost" not in lines[*OPENAI, "gpt-5"].uncovered
    (total,) = totals_of(lines.values())
    assert (total.counted.cost, total.recorded.cost, total.differences["cost"]) == (105, 117, 12)


def test_a_cost_without_models_meets_an_empty_ledger() -> None:
    whole = compared([counted("", cost_micros=-100)], [])[*OPENAI, ""]
    assert (whole.recorded.cost, whole.difference("cost")) == (0, 100)


def test_all_classes_of_tokens_count_and_usage_taken_back_does_not() -> None:
    lines = compared(
        [counted(tokens={"input": 1, "output_audio": 2}), counted(tokens={"input": 4})],
        [
            recorded(input_tokens=1, cache_write_1h_tokens=5, other_units={"input_image": 3}),
            recorded("gone", usage_count=0),
        ],
    )
    (line,) = lines.values()
    assert line.counted.tokens == {"input": 5, "output_audio": 2}
    assert line.recorded.tokens == {"input": 1, "cache_write_1h": 5, "input_image": 3}
    assert line.difference("tokens") == 2


AMOUNTS = st.none() | st.decimals(-(10**13), 10**13, places=6, allow_nan=False)
COUNTS = st.none() | st.integers(0, 10**12)
DAYS = st.sampled_from([date(2026, 11, day) for day in (1, 2)])
MODELS = st.sampled_from(["gpt-5", "gpt-5-2025-08-07", "gpt-4o", "x"])
PROVIDERS = st.sampled_from(["openai", "azure", "litellm"])
VENDOR_ROWS = st.builds(
    counted, MODELS | st.just(""), DAYS, vendor=PROVIDERS, tokens=COUNTS, requests=COUNTS,
    cost_micros=AMOUNTS,
)  # fmt: skip
LEDGER_ROWS = st.builds(
    recorded, MODELS, DAYS, provider=PROVIDERS, input_tokens=st.integers(0, 10**12),
    cost_micros=st.decimals(0, 10**13, places=6), usage_count=st.integers(1, 10**6),
)  # fmt: skip


@given(st.lists(VENDOR_ROWS, max_size=12), st.lists(LEDGER_ROWS, max_size=8))
def test_differences_add_up_to_totals_and_these_to_the_ledger(
    vendors: list[Any], ledger: list[Any]
) -> None:
    lines = compared(vendors, ledger).values()
    totals = totals_of(lines)
    for total in totals:
        for column in COLUMNS:
            differences = [
                each
                for line in lines
                if line.vendor == total.vendor and (each := line.difference(column)) is not None
            ]
            assert total.differences.get(column, 0) == exact(differences)
            counted_ = total.counted.amount(column) or Decimal()
            parts = [counted_, exact(differences), total.uncovered[column]]
            assert exact(parts) == (total.recorded.amount(column) or 0)
    for column, found in (
        ("tokens", [each.input_tokens for each in ledger]),
        ("requests", [each.usage_count for each in ledger]),
        ("cost", [each.cost_micros for each in ledger]),
    ):
        amounts = [each.recorded.amount(column) or Decimal() for each in totals]
        assert exact(amounts) == exact(map(Decimal, found))


def exact(amounts: Iterable[Decimal]) -> Decimal:
    return reduce(EXACT.add, amounts, Decimal())
