"""Each reason has a rule: figures that meet it, and figures that nearly do."""

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest

from allowance.reconciliation.reasons import Code
from tests.reconciliation import DAY, LATER, codes, counted, reasons, recorded

NEXT, BEFORE = DAY + timedelta(1), DAY - timedelta(1)
COST = 10_000_000
DAYS = [DAY + timedelta(each) for each in range(3)]


def priced(cost: int, **more: Any) -> list[Any]:
    return [counted(tokens=100, cost_micros=cost, **more)]


def booked(**more: Any) -> list[Any]:
    return [recorded(**{"input_tokens": 100, "cost_micros": COST} | more)]


def by_day(ratio: float, *others: float) -> tuple[list[Any], list[Any]]:
    """Three days on which the vendor charges a part of the ledger's cost."""
    ratios = [ratio, *(others or (ratio, ratio))]
    return (
        [
            counted(tokens=100, cost_micros=round(COST * each), day=day)
            for day, each in zip(DAYS, ratios, strict=True)
        ],
        [recorded(input_tokens=100, cost_micros=COST, day=day) for day in DAYS],
    )


IN_TIME = datetime(2026, 11, 12, tzinfo=UTC)
CASES: list[tuple[list[str], list[Any], list[Any]]] = [
    ([], priced(COST), booked()),
    ([], [counted(tokens=0, requests=0, cost_micros=0)], []),
    (["no_vendor_report"], [], booked()),
    (["no_vendor_report"], [counted(tokens=100)], booked()),
    (["not_recorded"], [counted(tokens=101, requests=1, cost_micros=COST)], booked()),
    (["not_recorded"], [counted(requests=2)], booked()[:0]),
    (["not_recorded"], [counted(cost_micros=COST)], []),
    (["not_reported"], [counted(tokens=99, requests=1, cost_micros=COST)], booked()),
    (["not_reported"], [counted("gpt-4o", tokens=9, requests=9, cost_micros=9)], booked()),
    (["request_counts"], [counted(tokens=100, requests=3, cost_micros=COST)], booked()),
    (
        ["token_classes", "rounding"],
        [counted(tokens={"input": 60, "cache_read": 40}, requests=1, cost_micros=COST - 1)],
        booked(),
    ),
    (
        ["token_classes"],
        [counted(tokens={"input": 60, "cache_read": 40}, requests=1, cost_micros=COST // 3)],
        booked(),
    ),
    (["unpriced_usage"], priced(COST), booked(unpriced_usage_count=1, cost_micros=5)),
    (["unexplained"], priced(5), booked(unpriced_usage_count=1)),
    (["stated_costs", "price_differs"], priced(COST // 3), booked(stated_alone_micros=7)),
    (["rounding"], priced(COST - 5000), booked()),
    (["price_differs"], priced(COST - 5001), booked()),
    (["variant", "price_differs"], priced(COST // 2), booked()),
    (["variant", "price_differs"], priced(COST * 2), booked()),
    (["variant"], [counted(cost_micros=COST * 7 // 4)], booked()),
    (["unexplained"], priced(-5), booked()),
    (["discount", "price_differs"], *by_day(0.8)),
    (["discount", "price_differs"], *by_day(0.8, 0.806, 0.8)),
    (["surcharge", "price_differs"], *by_day(1.055)),
    (["price_differs"], *by_day(0.8, 0.82, 0.8)),
    (["rounding"], *by_day(1.0005, 1.2, 1.2)),
    (
        ["price_differs", "early_report"],
        priced(COST // 3, cost_reported_at=IN_TIME - timedelta(hours=1)),
        booked(),
    ),
    (["price_differs"], priced(COST // 3, cost_reported_at=IN_TIME), booked()),
    (
        ["price_differs", "changed_later"],
        priced(COST // 3),
        booked(changed_at=LATER + timedelta(1)),
    ),
    (["price_differs"], priced(COST // 3), booked(changed_at=LATER)),
]  # fmt: skip


@pytest.mark.parametrize(("expected", "vendors", "ledger"), CASES)
def test_a_rule_gives_its_reason_and_no_other(
    expected: list[str], vendors: list[Any], ledger: list[Any]
) -> None:
    found = codes(vendors, ledger)
    # These reports lack columns that the case is not about.
    assert [each for each in found if each != "no_vendor_report" or each in expected] == expected


@pytest.mark.parametrize(
    ("today", "beside", "other", "expected"),
    [
        (-50, 50, NEXT, True),
        (-50, 45, BEFORE, True),
        (50, -55, NEXT, True),
        (-50, 44, NEXT, False),
        (-50, -50, NEXT, False),
        (-50, 50, NEXT + timedelta(1), False),
    ],
)
def test_differences_that_cancel_between_neighbouring_days(
    today: int, beside: int, other: Any, expected: bool
) -> None:
    ledger = [
        recorded(input_tokens=100 + today),
        recorded(input_tokens=100 + beside, day=other),
    ]
    found = codes([counted(tokens=100), counted(tokens=100, day=other)], ledger)
    assert ("day_boundary" in found) is expected


@pytest.mark.parametrize(
    ("ours", "expected"),
    [
        ([recorded("ours", input_tokens=70)], True),
        ([recorded("ours", input_tokens=71)], False),
        ([recorded("ours", input_tokens=70, provider="azure")], False),
        ([recorded("ours", input_tokens=70, day=NEXT)], False),
        ([recorded("ours", input_tokens=70), recorded(input_tokens=0)], False),
    ],
)
def test_a_model_that_only_the_other_side_knows_with_the_same_tokens(
    ours: list[Any], expected: bool
) -> None:
    found = reasons([counted(tokens=70), counted(tokens=0, day=NEXT)], ours)
    named = [each.text for each in found if each.code == "named_differently"]
    assert [each.split()[0] for each in named] == (["ours"] if expected else [])


def test_a_cost_without_models_is_no_other_name() -> None:
    vendors = [counted(tokens=140), counted("", cost_micros=9)]
    found = codes(vendors, [recorded("ours", input_tokens=70, cost_micros=5)], "")
    assert found == ["not_recorded"]


def test_usage_outside_of_all_organizations_is_a_reason_by_its_meaning() -> None:
    outside = [recorded("openai/gpt-5", provider="litellm", input_tokens=8)]
    found = reasons([counted(tokens=10)], [], unattributed=outside)
    assert [each.code for each in found] == ["not_recorded", "unattributed_usage"]
    assert "has 8 tokens" in found[1].text
    (other_day,) = reasons(
        [counted(tokens=10)], [], unattributed=[recorded(input_tokens=8, day=NEXT)]
    )
    assert other_day.code == "not_recorded"


def test_a_steady_ratio_is_one_of_the_vendor_and_all_its_models() -> None:
    vendors, ledger = by_day(0.8)
    other = [counted("gpt-4o", tokens=100, cost_micros=COST, day=DAY)]
    assert "discount" in codes(vendors, ledger)
    ledger_too = [recorded("gpt-4o", input_tokens=100, cost_micros=COST, day=DAY)]
    assert "discount" not in codes(vendors + other, ledger + ledger_too)
    # Of other tokens, a cost says nothing about the price.
    more = [recorded("gpt-4o", input_tokens=50, cost_micros=COST, day=DAY)]
    assert "discount" in codes(vendors + other, ledger + more)


@pytest.mark.parametrize(
    ("tokens", "cost", "expected"),
    [
        (101, COST + 500_000, ["not_recorded"]),
        (99, COST - 500_000, ["not_reported"]),
        (100, COST // 2, ["variant", "price_differs"]),
        (101, COST // 2, ["not_recorded"]),
        (100, COST - 1, ["rounding"]),
    ],
)
def test_a_cost_without_models_is_explained_by_the_usage_of_its_models(
    tokens: int, cost: int, expected: list[str]
) -> None:
    vendors = [counted(tokens=tokens), counted("", cost_micros=cost)]
    assert codes(vendors, booked(), "") == expected
    # A model with a cost of its own is not what the other cost is of.
    own = [recorded("gpt-4o", input_tokens=50, cost_micros=9)]
    vendors.append(counted("gpt-4o", tokens=70, cost_micros=9))
    assert codes(vendors, booked() + own, "") == expected


def test_every_code_has_a_case() -> None:
    tried = {code for expected, _, _ in CASES for code in expected}
    beside = {"unattributed_usage", "named_differently", "day_boundary"}
    assert tried | beside == set(get_args(Code))
