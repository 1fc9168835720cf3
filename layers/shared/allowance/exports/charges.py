"""The charges of a usage: one for each class of tokens and each other unit, with its price. Pure.

The costs of the charges of a usage add up to its cost, exactly. What no price explains is a charge
of its own, by call: a stated cost is one.
"""

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Literal, NamedTuple, get_args
from uuid import UUID

from pydantic import AwareDatetime

from allowance.contract.money import EXACT
from allowance.exports.unit_columns import unit_text
from allowance.prices.terms import Rates
from allowance.prices.units import OTHER_UNITS, TokenClass
from allowance.spend.models import Sums

CALLS = "calls"
"""The unit of what no price explains."""

REQUESTS: Literal["requests"] = "requests"
TOKEN_CLASSES: tuple[TokenClass, ...] = get_args(TokenClass)


class HourlyUsage(Sums):
    """The usage of one model by one user in one hour at the same rates, with the same labels,
    attributed to one group.

    Usage without a price is in the tokens and in `unpriced_usage_count`, but not in the cost.
    `group_name` is None if the group is deleted, `organization_name` if there is no organization,
    `username` if there is no user, `labels` for the set `other`. `rates` is JSON; None if the rates
    are not known, or explain nothing.
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
    user_id: UUID
    username: str | None
    variant: str
    price_version_id: int
    rates_digest: UUID
    rates: str | None


@dataclass(frozen=True, slots=True)
class Charge:
    """A quantity of one unit, of a usage, and its cost in micro-units of US dollars.

    `number` is the charge's place among those of its usage. `price` is micro-units per million of
    the unit, None if it is not known.
    """

    usage: HourlyUsage
    number: int
    unit: str
    quantity: int
    price: int | None
    cost_micros: Decimal

    @property
    def is_first(self) -> bool:
        """Return whether the counts of the usage belong to this charge."""
        return self.number == 0

    @property
    def tier(self) -> int | None:
        """Return the size of the input above which the price applies, None for any size."""
        return None if self.usage.rates is None else _rates_in(self.usage.rates).tier


class ChargePosition(NamedTuple):
    """The position of a charge among the charges of its organization."""

    hour: AwareDatetime
    group_id: UUID
    provider: str
    model: str
    label_set_id: UUID
    user_id: UUID
    variant: str
    price_version_id: int
    rates_digest: UUID
    number: int


def position_of_charge(charge: Charge) -> ChargePosition:
    usage = charge.usage
    return ChargePosition(
        usage.hour,
        usage.group_id,
        usage.provider,
        usage.model,
        usage.label_set_id,
        usage.user_id,
        usage.variant,
        usage.price_version_id,
        usage.rates_digest,
        charge.number,
    )


def charges_of(usage: HourlyUsage) -> list[Charge]:
    """Return the charges of a usage: at least one."""
    return [
        Charge(usage, number, unit, quantity, price, Decimal(picos).scaleb(-6, EXACT))
        for number, (unit, quantity, price, picos) in enumerate(_parts_of(usage))
    ]


class _Part(NamedTuple):
    unit: str
    quantity: int
    price: int | None
    picos: int


class _StatedRates(NamedTuple):
    rates: Rates
    tier: int | None


@lru_cache(maxsize=1024)
def _rates_in(text: str) -> _StatedRates:
    stated = json.loads(text)
    tier = stated.pop("above_input_tokens", None)
    return _StatedRates(Rates.model_validate(stated), tier)


def _parts_of(usage: HourlyUsage) -> list[_Part]:
    rates = None if usage.rates is None else _rates_in(usage.rates).rates
    parts = list(_priced_parts(usage, rates))
    rest = int(usage.cost_micros.scaleb(6, EXACT)) - sum(part.picos for part in parts)
    fee = rates.unit_prices.get(REQUESTS, 0) if rates is not None else 0
    requests = usage.other_units.get(REQUESTS, 0)
    if fee and rest > 0 and rest % fee == 0:
        # A price per request counts requests that nobody stated, too.
        parts.append(_Part(REQUESTS, rest // fee, fee, rest))
        rest = requests = 0
    if requests:
        parts.append(_Part(REQUESTS, requests, None, 0))
    if rest or not parts:
        parts.append(_Part(CALLS, usage.usage_count, None, rest))
    return parts


def _priced_parts(usage: HourlyUsage, rates: Rates | None) -> Generator[_Part]:
    prices = rates.prices if rates is not None else (None,) * len(TOKEN_CLASSES)
    for name, price in zip(TOKEN_CLASSES, prices, strict=True):
        quantity: int = getattr(usage, f"{name}_tokens")
        if quantity:
            yield _part(f"{name}_tokens", quantity, price)
    for unit in OTHER_UNITS:
        quantity = usage.other_units.get(unit, 0)
        if quantity and unit != REQUESTS:
            yield _part(unit_text(unit), quantity, rates and rates.price_of(unit))


def _part(unit: str, quantity: int, price: int | None) -> _Part:
    return _Part(unit, quantity, price, quantity * (price or 0))
