"""What the holds of a lease need: their terms, and the service that grants and ends them."""

from collections.abc import Callable
from dataclasses import dataclass

from allowance_client.models import Reservation


@dataclass(frozen=True)
class HoldTerms:
    """How much a hold has in micro-units, how long it lasts, and when its usage is reported."""

    micros: int
    ttl_seconds: int
    report_seconds: float
    timeout_seconds: float


@dataclass(frozen=True)
class Service:
    """What the holds need of Allowance, and of the queue of usage records."""

    reserve: Callable[[int, int], Reservation]
    """Hold micro-units for seconds."""
    release: Callable[[str], None]
    close_hold: Callable[[str], bool]
    """Let the usage under a hold be sent, and end the hold with it. False: there is no usage."""
    unpark: Callable[[str], None]
    """Let the usage under a hold be sent beside the hold."""
    send: Callable[[], None]
    """Send the queue."""
    wake: Callable[[], None]
    """Let `tend` run soon."""
    now_text: Callable[[], str]
    """What time it is there."""
