"""Charges in the columns of FOCUS 1.2, the FinOps Open Cost and Usage Specification.

https://focus.finops.org/focus-specification/v1-2/ defines each column, and docs/exports.md has its
value here. All mandatory columns are present, and of the conditional ones those that have a value.
"""

import json
from datetime import datetime, timedelta
from functools import lru_cache

from allowance.budgets.effective import Period, period_containing
from allowance.contract.fields import NIL_UUID
from allowance.contract.money import usd, usd_or_none
from allowance.exports.charges import Charge, HourlyUsage
from allowance.tables.columns import Column, millionths
from allowance.usage.labels import OTHER_SET, OWN_PREFIX


@lru_cache(maxsize=1024)
def _month(hour: datetime) -> Period:
    return period_containing(hour)


def _has_group(usage: HourlyUsage) -> bool:
    return usage.group_id != NIL_UUID


def _sub_account(usage: HourlyUsage) -> str | None:
    """Return the current name of the group, None without a group.

    A deleted group has its id for a name, because a sub account must have a name.
    """
    return (usage.group_name or str(usage.group_id)) if _has_group(usage) else None


def _tags(usage: HourlyUsage) -> str:
    """Return the labels, and our names of things. No label begins like these."""
    names = {
        **(usage.labels or {}),
        f"{OWN_PREFIX}labels": OTHER_SET if usage.labels is None else None,
        f"{OWN_PREFIX}organization": usage.organization_name,
        f"{OWN_PREFIX}group": usage.group_name,
        f"{OWN_PREFIX}user": usage.username,
    }
    return json.dumps(
        {key: name for key, name in names.items() if name is not None}, ensure_ascii=False
    )


@lru_cache(maxsize=128)
def _meter(unit: str) -> str:
    """Return what a unit measures: `Input Audio Tokens` of `input_audio_tokens`."""
    return unit.replace("_", " ").title()


@lru_cache(maxsize=128)
def _counted_in(unit: str) -> str:
    """Return what a unit is counted in: `Tokens` of `input_audio_tokens`."""
    return _meter(unit).rpartition(" ")[2]


def _sku(charge: Charge) -> str:
    return f"{charge.usage.provider}/{charge.usage.model}/{charge.unit}"


def _sku_price(charge: Charge) -> str:
    """Return the SKU and the version of the price, of its variant and tier. Without a price, the
    SKU.
    """
    if charge.price is None:
        return _sku(charge)
    variant = f"/{charge.usage.variant}" if charge.usage.variant else ""
    tier = f"/above-{charge.tier}" if charge.tier is not None else ""
    return f"{_sku(charge)}@{charge.usage.price_version_id}{variant}{tier}"


def _price_details(charge: Charge) -> str | None:
    if charge.price is None:
        return None
    details = {"x_Variant": charge.usage.variant or None, "x_AboveInputTokens": charge.tier}
    stated = {name: value for name, value in details.items() if value is not None}
    return json.dumps(stated) if stated else None


COLUMNS: tuple[Column[Charge], ...] = (
    Column("BilledCost", "money", lambda each: usd(each.cost_micros)),
    Column("BillingAccountId", "text", lambda each: str(each.usage.organization_id)),
    Column(
        "BillingAccountName",
        "text",
        lambda each: each.usage.organization_name or str(each.usage.organization_id),
    ),
    Column("BillingAccountType", "text", lambda each: "Organization"),
    Column("BillingCurrency", "text", lambda each: "USD"),
    Column("BillingPeriodEnd", "time", lambda each: _month(each.usage.hour).end),
    Column("BillingPeriodStart", "time", lambda each: _month(each.usage.hour).start),
    Column("ChargeCategory", "text", lambda each: "Usage"),
    # Null: "Correction" is for invoiced charges, and nothing here was ever invoiced. The hour of a
    # usage includes its corrections.
    Column("ChargeClass", "text", lambda each: None),
    Column(
        "ChargeDescription",
        "text",
        lambda each: f"{_meter(each.unit)} of {each.usage.model} by {each.usage.provider}",
    ),
    Column("ChargeFrequency", "text", lambda each: "Usage-Based"),
    Column("ChargePeriodEnd", "time", lambda each: each.usage.hour + timedelta(hours=1)),
    Column("ChargePeriodStart", "time", lambda each: each.usage.hour),
    # Null: there are no commitments. The column is there for queries that exclude "Unused".
    Column("CommitmentDiscountStatus", "text", lambda each: None),
    # FOCUS requires a Decimal. CSV readers recognize one by its decimal point.
    Column("ConsumedQuantity", "decimal", lambda each: millionths(each.quantity * 1_000_000)),
    Column("ConsumedUnit", "text", lambda each: _counted_in(each.unit)),
    # Only the applied price is known, so all four costs are equal.
    Column("ContractedCost", "money", lambda each: usd(each.cost_micros)),
    Column("EffectiveCost", "money", lambda each: usd(each.cost_micros)),
    Column("InvoiceId", "text", lambda each: None),
    # Gateways send one provider: it is the invoice issuer, the seller and the publisher.
    Column("InvoiceIssuerName", "text", lambda each: each.usage.provider),
    Column("ListCost", "money", lambda each: usd(each.cost_micros)),
    Column("ListUnitPrice", "money", lambda each: usd_or_none(each.price)),
    Column("PricingCategory", "text", lambda each: "Standard"),
    Column("PricingQuantity", "decimal", lambda each: millionths(each.quantity)),
    Column("PricingUnit", "text", lambda each: f"1000000 {_counted_in(each.unit)}"),
    Column("ProviderName", "text", lambda each: each.usage.provider),
    Column("PublisherName", "text", lambda each: each.usage.provider),
    Column("ServiceCategory", "text", lambda each: "AI and Machine Learning"),
    Column("ServiceName", "text", lambda each: each.usage.model),
    Column("ServiceSubcategory", "text", lambda each: "Generative AI"),
    Column("SkuId", "text", _sku),
    Column("SkuMeter", "text", lambda each: _meter(each.unit)),
    Column("SkuPriceDetails", "text", _price_details),
    Column("SkuPriceId", "text", _sku_price),
    Column(
        "SubAccountId",
        "text",
        lambda each: str(each.usage.group_id) if _has_group(each.usage) else None,
    ),
    Column("SubAccountName", "text", lambda each: _sub_account(each.usage)),
    Column("SubAccountType", "text", lambda each: "Group" if _has_group(each.usage) else None),
    Column("Tags", "text", lambda each: _tags(each.usage)),
    # Our own columns, after the specification's. Counts are in the first charge of a usage, so that
    # they add up.
    Column(
        "x_UserId",
        "text",
        lambda each: str(each.usage.user_id) if each.usage.user_id != NIL_UUID else None,
    ),
    Column("x_UsageCount", "count", lambda each: each.usage.usage_count if each.is_first else 0),
    Column(
        "x_UnpricedUsageCount",
        "count",
        lambda each: each.usage.unpriced_usage_count if each.is_first else 0,
    ),
    Column(
        "x_StatedCost",
        "money",
        lambda each: usd_or_none(each.usage.stated_cost_micros) if each.is_first else None,
    ),
    Column(
        "x_StatedCostDifference",
        "money",
        lambda each: usd_or_none(each.usage.stated_difference_micros) if each.is_first else None,
    ),
)
