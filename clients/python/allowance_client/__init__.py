"""The client of Allowance: ask before a call to a model, and report after it what the call used."""

from allowance_client.async_client import AsyncAllowance
from allowance_client.calls import UsageNotStated
from allowance_client.client import Allowance
from allowance_client.errors import AllowanceError, ApiError, Unavailable, Validation
from allowance_client.hold_keeper import LeaseClosed
from allowance_client.lease import Lease
from allowance_client.local_price import PriceUnknown
from allowance_client.models import (
    Decision,
    Price,
    RecordResult,
    Refused,
    Reservation,
    Resolution,
    Settled,
    UserSpend,
)
from allowance_client.spill import DeadRecord, QueueFull, SpillQueue

__all__ = [
    "Allowance",
    "AllowanceError",
    "ApiError",
    "AsyncAllowance",
    "DeadRecord",
    "Decision",
    "Lease",
    "LeaseClosed",
    "Price",
    "PriceUnknown",
    "QueueFull",
    "RecordResult",
    "Refused",
    "Reservation",
    "Resolution",
    "Settled",
    "SpillQueue",
    "Unavailable",
    "UsageNotStated",
    "UserSpend",
    "Validation",
]
