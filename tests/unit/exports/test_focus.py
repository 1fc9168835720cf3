"""Charges as FOCUS has them: names, what may be null, and what each value is. The tests of
integration run the foundation's own validator.
"""

import json
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

import pytest
from pydantic import ValidationError

from allowance.exports.charges import Charge, charges_of, position_of_charge
from allowance.exports.focus import COLUMNS
from allowance.exports.spend_csv import (
    SPEND_COLUMNS,
    DailySpend,
    ExportQuery,
    page_of,
)
from allowance.prices.units import COUNTED_IN_TOKENS, OTHER_UNITS, TokenClass
from allowance.spend.models import Sums
from allowance.spend.periods import month_of
from allowance.tables.columns import cells_of
from allowance.usage.counts import TokenCounts, UnitCounts
from tests.charges import RATES, usage

# https://focus.finops.org/focus-specification/v1-2/: what MUST be present for every provider,
# and may not be null.
MANDATORY = {
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodEnd", "ChargePeriodStart",
    "ContractedCost",
    "EffectiveCost", "InvoiceIssuerName", "ListCost", "PricingQuantity", "PricingUnit",
    "ProviderName", "PublisherName",
    "ServiceCategory", "ServiceName",
}  # fmt: skip
NULLABLE = {
    "ChargeClass", "CommitmentDiscountStatus", "InvoiceId", "SubAccountId", "SubAccountName",
    "SubAccountType", "ListUnitPrice", "SkuPriceDetails", "x_UserId", "x_StatedCost",
    "x_StatedCostDifference",
}  # fmt: skip


def charge(**changes: Any) -> Charge:
    return charges_of(usage(**changes))[0]


def rows(**changes: Any) -> list[dict[str, Any]]:
    names = [column.name for column in COLUMNS]
    return [
        dict(zip(names, cells_of(COLUMNS, each), strict=True))
        for each in charges_of(usage(**changes))
    ]


def row(**changes: Any) -> dict[str, Any]:
    return rows(**changes)[0]


def test_the_price_of_a_sku_has_its_version_variant_and_tier() -> None:
    plain = row()
    assert plain["SkuId"] == "anthropic/claude-sonnet-4-5/input_tokens"
    assert plain["SkuPriceId"] == f"{plain['SkuId']}@4711"
    assert (plain["ListUnitPrice"], plain["SkuPriceDetails"]) == (Decimal(3), None)
    stated = json.dumps({**RATES, "above_input_tokens": 200_000})
    batch = row(variant="batch", rates=stated)
    assert batch["SkuPriceId"] == f"{plain['SkuId']}@4711/batch/above-200000"
    assert json.loads(batch["SkuPriceDetails"]) == {
        "x_Variant": "batch",
        "x_AboveInputTokens": 200_000,
    }
    unpriced = row(rates=None)
    assert unpriced["SkuPriceId"] == unpriced["SkuId"]
    assert unpriced["ListUnitPrice"] is None


def test_counts_and_stated_costs_are_in_the_first_charge_alone() -> None:
    first, second = rows(stated_cost_micros=Decimal(1), stated_difference_micros=Decimal(2))
    names = ("x_UsageCount", "x_UnpricedUsageCount", "x_StatedCost", "x_StatedCostDifference")
    assert [first[name] for name in names] == [7, 1, Decimal("0.000001"), Decimal("0.000002")]
    assert [second[name] for name in names] == [0, 0, None, None]


def test_every_mandatory_column_is_there_and_our_own_columns_come_last() -> None:
    names = [column.name for column in COLUMNS]
    assert set(names) >= MANDATORY
    assert len(set(names)) == len(names)
    theirs = [name for name in names if not name.startswith("x_")]
    assert names[: len(theirs)] == theirs == sorted(theirs)
    assert all(re.fullmatch(r"(x_)?([A-Z][a-z]*)+", name) for name in names)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"group_name": None},
        {"group_id": UUID(int=0), "group_name": None},
        {"organization_id": UUID(int=0), "organization_name": None},
        {"user_id": UUID(int=0), "username": None, "rates": None},
    ],
)
def test_only_what_may_be_null_is_null(changes: dict[str, Any]) -> None:
    assert {name for name, value in row(**changes).items() if value is None} <= NULLABLE


def test_labels_are_tags_beside_our_own() -> None:
    own = {
        "allowance/organization": "acme",
        "allowance/group": "platform",
        "allowance/user": "maya",
    }
    assert json.loads(row(labels={"project": "search"})["Tags"]) == {"project": "search", **own}
    assert json.loads(row(labels=None)["Tags"]) == {"allowance/labels": "other", **own}


def test_a_charge_has_the_values_of_its_hour() -> None:
    cells = row()
    assert {cells[f"{name}Cost"] for name in ("Billed", "Contracted", "Effective", "List")} == {
        Decimal("0.00003")
    }
    assert cells["BillingPeriodStart"] == datetime(2026, 11, 1, tzinfo=UTC)
    assert (
        cells["BillingPeriodEnd"] == cells["ChargePeriodEnd"] == datetime(2026, 12, 1, tzinfo=UTC)
    )
    assert cells["ChargePeriodEnd"] - cells["ChargePeriodStart"] == timedelta(hours=1)
    assert (cells["ConsumedQuantity"], cells["ConsumedUnit"]) == (Decimal(10), "Tokens")
    assert (cells["PricingQuantity"], cells["PricingUnit"]) == (
        Decimal("0.000010"),
        "1000000 Tokens",
    )
    assert (cells["BillingAccountId"], cells["SubAccountId"], cells["x_UserId"]) == (
        str(UUID(int=1)),
        str(UUID(int=2)),
        str(UUID(int=4)),
    )
    assert cells["ServiceName"] == "claude-sonnet-4-5"
    assert cells["SkuMeter"] == "Input Tokens"
    assert cells["ChargeDescription"] == "Input Tokens of claude-sonnet-4-5 by anthropic"


def test_every_amount_is_exact() -> None:
    *_, cells = rows(rates=None, cost_micros=Decimal("9" * 30 + ".000001"))
    for name in ("BilledCost", "ContractedCost", "EffectiveCost", "ListCost"):
        assert cells[name] == Decimal("9" * 24 + "." + "9" * 6 + "000001")
    stated = row(stated_cost_micros=Decimal("0.5"), stated_difference_micros=Decimal("-0.000001"))
    assert f"{stated['x_StatedCost']:f}" == "0.000000500000"
    assert f"{stated['x_StatedCostDifference']:f}" == "-0.000000000001"


def test_each_unit_is_a_charge_and_a_column_of_spend() -> None:
    """Each unit has a quantity of its own, and the cells have them all."""
    units = {unit: number for number, unit in enumerate(OTHER_UNITS, 10)}
    quantities = [each["ConsumedQuantity"] for each in rows(other_units=units)[2:]]
    # What costs nothing by these prices is of 7 calls.
    own = sorted(number for unit, number in units.items() if unit != "requests")
    assert quantities == [*own, units["requests"], 7]
    spend = DailySpend(
        day=date(2026, 11, 30), user_id=UUID(int=1), username=None,
        **{name: getattr(usage(other_units=units), name) for name in Sums.model_fields},
        group_id=UUID(int=2), group_name=None,
    )  # fmt: skip
    names = [column.name for column in SPEND_COLUMNS]
    first = names.index("cache_write_1h_tokens") + 1
    assert cells_of(SPEND_COLUMNS, spend)[first : first + len(units)] == list(units.values())
    assert len(set(names)) == len(names)
    assert "input_audio_tokens" in names
    assert "web_searches" in names


def test_what_a_record_sends_as_tokens_is_consumed_as_tokens() -> None:
    assert set(TokenCounts.model_fields) == {*get_args(TokenClass), *COUNTED_IN_TOKENS}
    # A record has `requests` at its top.
    assert {*UnitCounts.model_fields, "requests"} == OTHER_UNITS.keys() - COUNTED_IN_TOKENS


def test_a_unit_that_has_no_column_raises() -> None:
    with pytest.raises(ValidationError, match=r"other_units\.holograms"):
        charge(other_units={"holograms": 1})


def test_a_deleted_group_is_named_by_its_id_and_no_group_is_no_sub_account() -> None:
    assert row(group_name=None)["SubAccountName"] == str(UUID(int=2))
    unattributed = row(group_id=UUID(int=0), group_name=None)
    assert [unattributed[f"SubAccount{part}"] for part in ("Id", "Name", "Type")] == [None] * 3


def test_a_page_fits_a_lambda_response_and_ends_with_a_whole_row() -> None:
    """Names as long as they may be, of characters that JSON writes as twelve."""
    found = [
        charge(model=f"{n:03}" + "\U0001f4b8" * 252, provider="\U0001f4b8" * 255)
        for n in range(300)
    ]
    period, seen, pages = month_of("2026-11"), 0, 0
    while seen < len(found):
        page = page_of(COLUMNS, found[seen:], position_of_charge, ExportQuery(), period, "acme")
        assert 1_000_000 < len(json.dumps(page.content)) <= 5_000_100 or page.next is None
        count = page.content.count("\r\n") - 1
        assert f'"{seen + count - 1:03}' in page.content
        assert (page.next is None) == (seen + count == len(found))
        seen, pages = seen + count, pages + 1
    assert pages > 1


def test_the_guide_names_the_column_of_each_unit() -> None:
    guide = (Path(__file__).parents[3] / "docs/exports.md").read_text()
    assert [each.name for each in SPEND_COLUMNS if f"`{each.name}`" not in guide] == []
