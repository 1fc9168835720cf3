"""How often a request is sent, and when: pure rules, shared by both connections."""

import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from allowance_client.errors import Unavailable

FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 5.0
LEAST_SECONDS = 0.005
"""An attempt with less time than this cannot succeed, so it is not made."""


def pause_seconds(
    failures: int, retry_after_seconds: float | None, draw: Callable[[], float] = random.random
) -> float:
    """Return how long to wait after this number of failures.

    The pause is random up to a bound that doubles, so that many clients do not return at once. What
    the response asks to wait comes on top: no retry is earlier.
    """
    bound = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(failures, 20))
    return (retry_after_seconds or 0.0) + bound * draw()


@dataclass
class Attempts:
    """The attempts of one request until its deadline."""

    timeout_seconds: float
    now: Callable[[], float] = time.monotonic
    draw: Callable[[], float] = random.random
    deadline: float = field(init=False)
    failures: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        """Raise ValueError unless the deadline lies in the future."""
        if not (math.isfinite(self.timeout_seconds) and self.timeout_seconds > 0):
            raise ValueError("timeout_seconds must be a positive number")
        self.deadline = self.now() + self.timeout_seconds

    def remaining_seconds(self) -> float:
        """Return the time until the deadline, at least a little: httpx takes 0 as no time."""
        return max(self.deadline - self.now(), LEAST_SECONDS)

    def pause_after(self, error: Unavailable) -> float:
        """Return how long to wait before the next attempt. Raise the error if the deadline comes
        first: a pause that ends after it would be in vain.
        """
        self.failures += 1
        pause = pause_seconds(self.failures - 1, error.retry_after_seconds, self.draw)
        if self.now() + pause + LEAST_SECONDS > self.deadline:
            raise error
        return pause
