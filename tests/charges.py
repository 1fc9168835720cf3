"""Usage of an hour, for tests of its charges."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from allowance.exports.charges import HourlyUsage

RATES = {"input_price": 3_000_000, "output_price": 15_000_000, "cache_read_price": 300_000}


def usage(**changes: Any) -> HourlyUsage:
    made = {
        "hour": datetime(2026, 11, 30, 23, tzinfo=UTC), "organization_id": UUID(int=1),
        "organization_name": "acme",
        "group_id": UUID(int=2), "group_name": "platform", "provider": "anthropic",
        "model": "claude-sonnet-4-5", "label_set_id": UUID(int=3), "labels": {},
        "user_id": UUID(int=4), "username": "maya", "variant": "", "price_version_id": 4711,
        "rates_digest": UUID(int=5), "rates": json.dumps(RATES),
        "cost_micros": Decimal("30.9"), "input_tokens": 10, "output_tokens": 0,
        "cache_read_tokens": 3,
        "cache_write_tokens": 0, "cache_write_1h_tokens": 0, "other_units": {}, "usage_count": 7,
        "unpriced_usage_count": 1, "stated_cost_micros": None, "stated_difference_micros": None,
    }  # fmt: skip
    return HourlyUsage(**made | changes)
