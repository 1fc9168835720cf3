"""The client of Allowance: ask before a call to a model, and report after it what the call used.

Each name is imported when it is first used. So the readers of `allowance_client.imports` and the
first page of the command line need no library.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from allowance_client.async_client import AsyncAllowance
    from allowance_client.calls import UsageNotStated
    from allowance_client.client import Allowance
    from allowance_client.errors import (
        AllowanceError,
        ApiError,
        LeaseClosed,
        Unavailable,
        UsageLost,
        Validation,
    )
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
    "UsageLost",
    "UsageNotStated",
    "UserSpend",
    "Validation",
]

_MODULES = {
    "Allowance": "client",
    "AllowanceError": "errors",
    "ApiError": "errors",
    "AsyncAllowance": "async_client",
    "DeadRecord": "spill",
    "Decision": "models",
    "Lease": "lease",
    "LeaseClosed": "errors",
    "Price": "models",
    "PriceUnknown": "local_price",
    "QueueFull": "spill",
    "RecordResult": "models",
    "Refused": "models",
    "Reservation": "models",
    "Resolution": "models",
    "Settled": "models",
    "SpillQueue": "spill",
    "Unavailable": "errors",
    "UsageLost": "errors",
    "UsageNotStated": "calls",
    "UserSpend": "models",
    "Validation": "errors",
}


def __getattr__(name: str) -> Any:
    """Return a public name. Raise AttributeError for any other."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
