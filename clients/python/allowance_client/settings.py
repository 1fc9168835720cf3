"""What a client needs from its start: where Allowance is, and what to do without it. Pure."""

from collections.abc import Mapping
from typing import Any

from allowance_client.clock import Clock
from allowance_client.lease import OnUnavailable
from allowance_client.models import Reservation
from allowance_client.routes import unchecked

URL = "ALLOWANCE_URL"
TOKEN = "ALLOWANCE_TOKEN"  # noqa: S105
DEFAULT_SOURCE = "allowance-client"
DEFAULT_LEASE_SECONDS = 600
DEFAULT_REPORT_SECONDS = 5.0


def from_environment(environment: Mapping[str, str]) -> tuple[str, str]:
    """Return the address and the token. Raise ValueError for a variable that is missing."""
    missing = [name for name in (URL, TOKEN) if not environment.get(name)]
    if missing:
        raise ValueError(f"Set {' and '.join(missing)}.")
    return environment[URL], environment[TOKEN]


def checked_choice(on_unavailable: str) -> OnUnavailable:
    """Raise ValueError unless it is one of the two."""
    if on_unavailable == "deny":
        return "deny"
    if on_unavailable == "allow":
        return "allow"
    raise ValueError('on_unavailable must be "deny" or "allow".')


def without_decision(
    on_unavailable: OnUnavailable, error: Exception, body: Mapping[str, Any], clock: Clock
) -> Reservation:
    """Return the reservation of a call that nobody could decide. Raise the error if the caller
    denies such calls.
    """
    if on_unavailable == "deny":
        raise error
    return unchecked(body, clock)
