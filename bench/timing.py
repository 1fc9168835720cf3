"""How long something takes, for benchmarks."""

import statistics
import time
from collections.abc import Callable
from typing import Any


def median_ms(work: Callable[[], Any], runs: int) -> float:
    """Return the median milliseconds of some runs, after one that warms the caches."""
    work()
    times: list[float] = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000
