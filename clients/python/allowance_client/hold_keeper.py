"""The holds of a lease: take the next one in time, and give back what is over."""

import logging
import time
from dataclasses import dataclass, field
from threading import Condition

from allowance_client.errors import AllowanceError, ApiError, LeaseClosed, Unavailable
from allowance_client.hold_service import HoldTerms, Service
from allowance_client.holds import Age, Hold, next_ask, two_clocks
from allowance_client.local_price import PICOS_PER_MICRO, micros_above
from allowance_client.models import Refused

logger = logging.getLogger("allowance_client")

DOWN_SECONDS = 1.0
"""For this time after an outage, calls do not wait for the service again."""


@dataclass
class HoldKeeper:
    """Holds of one lease. One thread asks for the next hold, and the others wait for it."""

    service: Service
    terms: HoldTerms
    changed: Condition = field(default_factory=Condition)
    current: Hold | None = None
    retired: list[Hold] = field(default_factory=list[Hold])
    is_asking: bool = False
    is_closed: bool = False
    asks: int = 0
    failure: tuple[int, AllowanceError] | None = None
    """What the last ask needed, and how it failed."""
    down_until: float = 0.0
    next_micros: int = 0
    """How much the next hold has, if that is less than the terms say. 0: it is not less."""

    def take(self, picos: int) -> Hold:
        """Return a hold that has admitted a call with this estimate. Raise Refused, Unavailable,
        ApiError and LeaseClosed.
        """
        deadline = time.monotonic() + self.terms.timeout_seconds
        with self.changed:
            while True:
                if self.is_closed:
                    raise LeaseClosed("The lease is closed.")
                if (hold := self._admitting(picos)) is not None:
                    return hold
                if not self.is_asking:
                    break
                self._wait(picos, deadline)
            if time.monotonic() < self.down_until and self.failure is not None:
                raise self.failure[1].with_traceback(None)
            self.is_asking = True
        return self._ask(picos)

    def take_at_once(self, picos: int) -> Hold | None:
        """Like `take`, without a request. None: the current hold has no room."""
        with self.changed:
            return None if self.is_closed else self._admitting(picos)

    def _admitting(self, picos: int) -> Hold | None:
        hold = self.current
        if hold is None or not hold.admit(picos):
            return None
        if hold.is_low():
            self.service.wake()
        return hold

    def _wait(self, picos: int, deadline: float) -> None:
        """Wait for the hold for which another thread asks. Raise its error if it is ours, too."""
        asks = self.asks
        if not self.changed.wait_for(lambda: self.asks != asks, deadline - time.monotonic()):
            raise Unavailable("No decision came before the deadline.")
        if self.failure is not None and picos >= self.failure[0]:
            raise self.failure[1].with_traceback(None)

    def _ask(self, picos: int) -> Hold:
        """Return the next hold, which has admitted a call. This thread alone asks."""
        hold: Hold | None = None
        failure: tuple[int, AllowanceError] | None = None
        try:
            taken = self._reserve(micros_above(picos))
            taken.admit(picos)
            hold = taken
        except AllowanceError as error:
            failure = picos, error
            raise
        finally:
            with self.changed:
                if isinstance(failure and failure[1], Unavailable):
                    self.down_until = time.monotonic() + DOWN_SECONDS
                self._asked(hold, failure)
        return taken

    def _ask_ahead(self) -> None:
        """Take the next hold before the current one is used up, so that no caller waits."""
        hold: Hold | None = None
        try:
            hold = self._reserve(0)
        except AllowanceError as error:
            logger.debug("A lease did not get its next hold ahead: %s", error)
        finally:
            with self.changed:
                self._asked(hold, None)

    def _asked(self, hold: Hold | None, failure: tuple[int, AllowanceError] | None) -> None:
        self.is_asking = False
        self.asks += 1
        self.failure = failure
        if hold is not None:
            self._retire_current()
            self.current = hold
            if self.is_closed:
                self._retire_current()
        self.changed.notify_all()

    def _reserve(self, needed: int) -> Hold:
        """Return a new hold of at least this many micro-units. Raise Refused if nothing that is
        large enough fits, also after all that this lease can give back.
        """
        deadline = time.monotonic() + self.terms.timeout_seconds
        wanted = ask = max(min(self.terms.micros, self.next_micros or self.terms.micros), needed)
        gave_back = False
        while True:
            age = Age(two_clocks)
            try:
                granted = self.service.reserve(ask, self.terms.ttl_seconds)
            except Refused as refused:
                smaller = next_ask(wanted, needed, refused.would_fit_micros)
                if smaller is None and needed and not gave_back and self._give_back():
                    gave_back = True
                elif smaller is None or smaller == 0 or time.monotonic() > deadline:
                    raise
                ask = smaller or ask
            else:
                # After a refusal the next holds are small, and grow again while there is room.
                self.next_micros = min(2 * ask, self.terms.micros)
                return Hold(
                    str(granted.reservation_id),
                    ask * PICOS_PER_MICRO,
                    float(self.terms.ttl_seconds),
                    age,
                )

    def _give_back(self) -> bool:
        """End the holds without a call in flight, and return whether there was one."""
        with self.changed:
            if self.current is not None and self.current.in_flight == 0:
                self._retire_current()
        if not self._finish():
            return False
        self.service.send()
        return True

    def end(self, hold: Hold, estimate: int, cost: int | None) -> None:
        """End a call of a hold."""
        with self.changed:
            hold.end(estimate, cost)

    def tend(self) -> None:
        """Report usage in time, take the next hold ahead, and give back what is over."""
        with self.changed:
            current = self.current
            is_due = current is not None and current.is_due(self.terms.report_seconds)
            is_wanted = (
                current is not None
                and not self.is_asking
                and not self.is_closed
                and current.admitted > 1
                and (is_due or current.is_low())
            )
            self.is_asking = self.is_asking or is_wanted
        if is_wanted:
            self._ask_ahead()
        if is_due:
            with self.changed:
                if self.current is current:
                    self._retire_current()
        self._finish()

    def close(self) -> int:
        """Admit no more, give back what is over, and return how many calls are in flight: their
        holds end at their expiry.
        """
        with self.changed:
            self.is_closed = True
            self._retire_current()
            self.changed.notify_all()
        self._finish()
        with self.changed:
            left = list(self.retired)
        for hold in left:
            self.service.unpark(hold.reservation_id)
        return sum(each.in_flight for each in left)

    def _retire_current(self) -> None:
        if self.current is not None:
            self.current.is_retired = True
            self.retired.append(self.current)
            self.current = None

    def _finish(self) -> bool:
        """End the retired holds without a call in flight. Return whether there was one.

        What a killed or lost call keeps in flight ends by itself: the service lets it expire.
        """
        with self.changed:
            done = [each for each in self.retired if each.in_flight == 0]
            over = [each for each in self.retired if each.in_flight > 0 and each.is_over()]
            self.retired = [
                each for each in self.retired if each.in_flight > 0 and each not in over
            ]
        for hold in over:
            self.service.unpark(hold.reservation_id)
        failed: list[Hold] = []
        for hold in done:
            try:
                if not self.service.close_hold(hold.reservation_id):
                    self.service.release(hold.reservation_id)
            except ApiError as error:
                logger.warning("A hold of a lease did not end: %s", error)
            except Unavailable:
                failed.append(hold)
        with self.changed:
            self.retired += [each for each in failed if not each.is_over()]
        return len(done) > len(failed)
