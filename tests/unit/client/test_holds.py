"""The local decision of a lease: it never admits what its hold has no room for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allowance_client.batches import MAX_RECORDS
from allowance_client.holds import Age, Hold, next_ask


class Clocks:
    """Two clocks that a test sets."""

    def __init__(self) -> None:
        self.monotonic, self.wall = 100.0, 1000.0

    def __call__(self) -> tuple[float, float]:
        return self.monotonic, self.wall


def hold(picos: int = 100, clocks: Clocks | None = None) -> Hold:
    return Hold("id", picos, 60.0, Age(clocks or Clocks()))


CALLS = st.lists(st.tuples(st.integers(0, 60), st.none() | st.integers(0, 60)), max_size=40)


@given(st.integers(0, 200), CALLS)
def test_what_is_used_and_promised_fits(picos: int, calls: list[tuple[int, int | None]]) -> None:
    """The bound is exact: a call is refused only if it has no room."""
    made, used, overruns = hold(picos), 0, 0
    for estimate, cost in calls:
        room = picos - used
        assert made.admit(estimate) == (estimate <= room)
        if estimate <= room:
            made.end(estimate, cost)
            used += estimate if cost is None else cost
            overruns += max(0, (cost or 0) - estimate)
    assert used <= picos + overruns


def test_calls_in_flight_take_their_estimates() -> None:
    made = hold(100)
    assert made.admit(60)
    assert not made.admit(60)
    made.end(60, 30)
    assert made.admit(70)
    assert (made.in_flight, made.admitted) == (1, 2)


def test_a_retired_hold_admits_nothing() -> None:
    made = hold()
    made.is_retired = True
    assert not made.admit(0)


def test_a_hold_has_as_many_calls_as_a_request_has_records() -> None:
    made = hold(10**9)
    assert [made.admit(1) for _ in range(MAX_RECORDS + 1)].count(True) == MAX_RECORDS
    assert made.is_low()


@pytest.mark.parametrize("clock", ["monotonic", "wall"])
def test_either_clock_ages_a_hold(clock: str) -> None:
    """One stands still while the machine sleeps, and the other can be set back."""
    clocks = Clocks()
    made = hold(clocks=clocks)
    assert made.admit(1)
    setattr(clocks, clock, getattr(clocks, clock) + 31)
    assert not made.admit(1)
    assert (made.is_due(3600), made.is_over()) == (True, False)
    setattr(clocks, clock, getattr(clocks, clock) + 30)
    assert made.is_over()


def test_usage_is_reported_in_time() -> None:
    clocks = Clocks()
    made = hold(clocks=clocks)
    clocks.monotonic += 20
    assert not made.is_due(5)
    made.admit(1)
    made.end(1, 1)
    assert not made.is_due(5)
    clocks.monotonic += 6
    assert made.is_due(5)


@pytest.mark.parametrize(
    ("wanted", "needed", "would_fit", "ask"),
    [
        (100, 10, None, None),
        (100, 10, 9, None),
        (100, 10, 10, 10),
        (100, 10, 39, 10),
        (100, 10, 99, 20),
        (100, 10, 4000, 100),
        (100, 0, 0, 0),
        (100, 0, 41, 10),
    ],
)
def test_near_its_end_a_budget_is_shared_in_whole_calls(
    wanted: int, needed: int, would_fit: int | None, ask: int | None
) -> None:
    assert next_ask(wanted, needed, would_fit) == ask
