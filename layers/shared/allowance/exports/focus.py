"""Charges in the columns of FOCUS 1.2, the FinOps Open Cost and Usage Specification.

https://focus.finops.org/focus-specification/v1-2/ defines each column, and docs/exports.md has its
value here. All mandatory columns are present, and of the conditional ones those that have a value.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from pydantic import AwareDatetime

from allowance.budgets.effective import Period, period_containing
from allowance.contract.fields import NIL_UUID
from allowance.contract.money import usd, usd_or_none
from allowance.exports.unit_columns import unit_columns
from allowance.prices.units import COUNTED_IN_TOKENS
from allowance.spend.models import Sums
from allowance.tables.columns import Column, millionths
from allowance.usage.labels import OTHER_SET, OWN_PREFIX


class Charge(Sums):
    """The usage of one model in one hour with the same labels, attributed to one group: tokens by
    class, other units, and the cost.

    Usage without a price is in the tokens and in `unpriced_usage_count`, but not in the cost.
    `group_name` is None if the group is deleted, `organization_name` if there is no organization,
    `labels` for the set `other`.
    """

    hour: datetime
    organization_id: UUID
    organization_name: str | None
    group_id: UUID
    group_name: str | None
    provider: str
    model: str
    label_set_id: UUID
    labels: Mapping[str, str] | None

    @property
    def tokens(self) -> int:
        """The sum of all classes, which are disjoint: text, audio, images and video."""
        return (
            self.input_tokens
            + self.output_tokens
            + self.cache_read_tokens
            + self.cache_write_tokens
            + self.cache_write_1h_tokens
            + sum(self.other_units.get(each, 0) for each in COUNTED_IN_TOKENS)
        )

    @property
    def has_group(self) -> bool:
        return self.group_id != NIL_UUID


class ChargePosition(NamedTuple):
    """The position of a charge among the charges of its organization."""

    hour: AwareDatetime
    group_id: UUID
    provider: str
    model: str
    label_set_id: UUID


def position_of_charge(charge: Charge) -> ChargePosition:
    return ChargePosition(
        charge.hour, charge.group_id, charge.provider, charge.model, charge.label_set_id
    )


@lru_cache(maxsize=1024)
def _month(hour: datetime) -> Period:
    return period_containing(hour)


def _sub_account(charge: Charge) -> str | None:
    """Return the current name of the group, None without a group.

    A deleted group has its id for a name, because a sub account must have a name.
    """
    return (charge.group_name or str(charge.group_id)) if charge.has_group else None


def _tags(charge: Charge) -> str:
    """Return the labels, and the names of organization and group. No label begins like these."""
    names = {
        **(charge.labels or {}),
        f"{OWN_PREFIX}labels": OTHER_SET if charge.labels is None else None,
        f"{OWN_PREFIX}organization": charge.organization_name,
        f"{OWN_PREFIX}group": charge.group_name,
    }
    return json.dumps(
        {key: name for key, name in names.items() if name is not None}, ensure_ascii=False
    )


def _own_name(name: str) -> str:
    """Return the name of a column of our own: `x_WebSearches` of `web_searches`."""
    return "x_" + "".join(map(str.capitalize, name.split("_")))


UNIT_COLUMNS: tuple[Column[Charge], ...] = unit_columns(_own_name)

COLUMNS: tuple[Column[Charge], ...] = (
    Column("BilledCost", "money", lambda each: usd(each.cost_micros)),
    Column("BillingAccountId", "text", lambda each: str(each.organization_id)),
    Column(
        "BillingAccountName",
        "text",
        lambda each: each.organization_name or str(each.organization_id),
    ),
    Column("BillingAccountType", "text", lambda each: "Organization"),
    Column("BillingCurrency", "text", lambda each: "USD"),
    Column("BillingPeriodEnd", "time", lambda each: _month(each.hour).end),
    Column("BillingPeriodStart", "time", lambda each: _month(each.hour).start),
    Column("ChargeCategory", "text", lambda each: "Usage"),
    # Null: "Correction" is for invoiced charges, and nothing here was ever invoiced. The hour of a
    # usage includes its corrections.
    Column("ChargeClass", "text", lambda each: None),
    Column("ChargeDescription", "text", lambda each: f"Usage of {each.model} by {each.provider}"),
    Column("ChargeFrequency", "text", lambda each: "Usage-Based"),
    Column("ChargePeriodEnd", "time", lambda each: each.hour + timedelta(hours=1)),
    Column("ChargePeriodStart", "time", lambda each: each.hour),
    # Null: there are no commitments. The column is there for queries that exclude "Unused".
    Column("CommitmentDiscountStatus", "text", lambda each: None),
    # FOCUS requires a Decimal. CSV readers recognize one by its decimal point.
    Column("ConsumedQuantity", "decimal", lambda each: millionths(each.tokens * 1_000_000)),
    Column("ConsumedUnit", "text", lambda each: "Tokens"),
    # Only the applied price is known, so all four costs are equal.
    Column("ContractedCost", "money", lambda each: usd(each.cost_micros)),
    Column("EffectiveCost", "money", lambda each: usd(each.cost_micros)),
    Column("InvoiceId", "text", lambda each: None),
    # Gateways send one provider: it is the invoice issuer, the seller and the publisher.
    Column("InvoiceIssuerName", "text", lambda each: each.provider),
    Column("ListCost", "money", lambda each: usd(each.cost_micros)),
    Column("PricingCategory", "text", lambda each: "Standard"),
    Column("PricingQuantity", "decimal", lambda each: millionths(each.tokens)),
    Column("PricingUnit", "text", lambda each: "1000000 Tokens"),
    Column("ProviderName", "text", lambda each: each.provider),
    Column("PublisherName", "text", lambda each: each.provider),
    Column("ServiceCategory", "text", lambda each: "AI and Machine Learning"),
    Column("ServiceName", "text", lambda each: each.model),
    Column("ServiceSubcategory", "text", lambda each: "Generative AI"),
    Column("SkuId", "text", lambda each: f"{each.provider}/{each.model}"),
    Column("SkuMeter", "text", lambda each: "Tokens"),
    Column("SubAccountId", "text", lambda each: str(each.group_id) if each.has_group else None),
    Column("SubAccountName", "text", _sub_account),
    Column("SubAccountType", "text", lambda each: "Group" if each.has_group else None),
    Column("Tags", "text", _tags),
    # Our own columns, after the specification's.
    Column("x_InputTokens", "tokens", lambda each: each.input_tokens),
    Column("x_OutputTokens", "tokens", lambda each: each.output_tokens),
    Column("x_CacheReadTokens", "tokens", lambda each: each.cache_read_tokens),
    Column("x_CacheWriteTokens", "tokens", lambda each: each.cache_write_tokens),
    Column("x_CacheWriteOneHourTokens", "tokens", lambda each: each.cache_write_1h_tokens),
    *UNIT_COLUMNS,
    Column("x_UsageCount", "count", lambda each: each.usage_count),
    Column("x_UnpricedUsageCount", "count", lambda each: each.unpriced_usage_count),
    Column("x_StatedCost", "money", lambda each: usd_or_none(each.stated_cost_micros)),
    Column(
        "x_StatedCostDifference", "money", lambda each: usd_or_none(each.stated_difference_micros)
    ),
)
