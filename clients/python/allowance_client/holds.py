"""What a lease holds, and what of it is still free: the local decision. Pure, and not locked.

Sums are whole picos: 1e-12 USD.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from allowance_client.batches import MAX_RECORDS

Clock = Callable[[], tuple[float, float]]


def two_clocks() -> tuple[float, float]:
    """Return the seconds of two clocks. One stops while the machine sleeps, and the other
    can be set: of both, the one that went further says how old something is at least.
    """
    return time.monotonic(), time.time()


@dataclass
class Age:
    """The time since something began."""

    clock: Clock
    began: tuple[float, float] = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.clock()

    def seconds(self) -> float:
        """Return how old it may be."""
        monotonic, wall = self.clock()
        return max(monotonic - self.began[0], wall - self.began[1])


@dataclass(slots=True)
class Hold:
    """A reservation of which calls take their estimates.

    `age` began before the request for it, so the service ends it not earlier than that. A hold
    admits calls in the first half of its life, so that they can end in the second.
    """

    reservation_id: str
    picos: int
    ttl_seconds: float
    age: Age
    picos_left: int = field(init=False)
    in_flight: int = 0
    admitted: int = 0
    is_retired: bool = False
    first_used: Age | None = None

    def __post_init__(self) -> None:
        self.picos_left = self.picos

    def admit(self, picos: int) -> bool:
        """Return whether a call has room, and take its estimate. As many calls are admitted as one
        request can record, because the last one settles the hold in the same statement.
        """
        if (
            self.is_retired
            or picos > self.picos_left
            or self.admitted >= MAX_RECORDS
            or self.is_old()
        ):
            return False
        self.picos_left -= picos
        self.admitted += 1
        self.in_flight += 1
        return True

    def end(self, estimate: int, cost: int | None) -> None:
        """End a call: what it did not use of its estimate is free again, and what it used above it
        is not. None: the cost is not known here, so its estimate is taken.
        """
        self.in_flight -= 1
        if cost is not None:
            self.picos_left += estimate - cost
        if self.first_used is None:
            self.first_used = Age(self.age.clock)

    def is_low(self) -> bool:
        """Return whether it will be used up soon."""
        return self.picos_left * 4 < self.picos or self.admitted * 4 > MAX_RECORDS * 3

    def is_old(self) -> bool:
        """Return whether calls that begin now might outlive the hold."""
        return self.age.seconds() > self.ttl_seconds / 2

    def is_over(self) -> bool:
        """Return whether the service may have ended the hold by itself."""
        return self.age.seconds() > self.ttl_seconds

    def is_due(self, seconds: float) -> bool:
        """Return whether the first usage waits for this long, or the hold is old."""
        waits = self.first_used is not None and self.first_used.seconds() > seconds
        return waits or self.is_old()


def next_ask(wanted: int, needed: int, would_fit: int | None) -> int | None:
    """Return how many micro-units to ask for after a refusal that says what would fit. None: what
    is needed does not fit.

    Near the end of a budget, a lease takes a quarter of the rest, in whole calls, so that others
    have some of it, too.
    """
    if would_fit is None or would_fit < needed:
        return None
    part = would_fit // 4
    whole_calls = part // needed * needed if needed else part
    return min(max(whole_calls, needed), wanted)
