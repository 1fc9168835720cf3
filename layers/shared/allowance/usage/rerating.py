"""RerateUsage: bring recorded usage to what it costs at the current prices, model by model. Then
roll up the days that are over.

A run ends by itself before the function's timeout. Each pass over a model takes turns with the
others and stores its position, so the next run goes on where this one stopped. A model that fails
holds back no other model.
"""

import time
from collections import Counter
from dataclasses import dataclass, field

from allowance.access.handle import Handle
from allowance.access.store import Store
from allowance.contract.fields import Row
from allowance.errors import RerateFailed, UsageKeyTaken
from allowance.log import logger
from allowance.prices.cost import half_even_micros
from allowance.rbac.policy import USAGE, Action
from allowance.usage.changes import request_passes
from allowance.usage.corrections import Booked, correct, has_price
from allowance.usage.passes import (
    LedgerPage,
    Pass,
    Place,
    count_unfinished,
    finish,
    months_from,
    move,
    read_page,
    take_pass,
)
from allowance.usage.roll_up import roll_up_days

RUN_SECONDS = 200
"""A run reads no page after this time. The last page and its marks end before the timeout."""

ROLL_UP_SECONDS = 15
"""A run rolls days up for this long. Then it ends before the timeout, whatever the last takes."""

TURN_SECONDS = 20
"""After this time the next pass has its turn."""

ATTEMPTS = 3
"""An attempt to book a page fails only if another run books a part of it at the same time."""

NOTHING = Booked(corrected=0, difference_picos=0, out_of_range=0)


class RerateCounts(Row):
    """The counts of a run: usages examined, corrections booked, the sum of the corrections (exact,
    then rounded half-even), and models that are left for the next run.
    """

    examined: int
    corrected: int
    difference_micros: int
    unfinished: int


@dataclass
class Tally:
    """What a run has done so far."""

    examined: int = 0
    corrected: int = 0
    difference_picos: int = 0
    failed: set[tuple[str, str]] = field(default_factory=set)
    out_of_range: Counter[tuple[str, str]] = field(default_factory=Counter)


class UsageRerater(Store):
    """Corrections of the ledger, by a system actor."""

    def rerate(self) -> RerateCounts:
        """Rate usage again whose price appeared or changed, and roll up days. Return the counts.

        Idempotent. A usage whose price is gone has no cost again. Raise RerateFailed at the end
        if a model or a day failed, and NotAuthorized.
        """
        db = self._gate.open(Action.UPDATE, USAGE)
        until = time.monotonic() + RUN_SECONDS
        tally = Tally()
        request_passes(db)
        failed: list[str] = []
        while time.monotonic() < until and (taken := take_pass(db, failed)) is not None:
            try:
                _turn(db, taken, min(until, time.monotonic() + TURN_SECONDS), tally)
            except Exception:  # noqa: BLE001 - rate the other models, and fail at the end
                failed.append(taken.id)
                tally.failed.add(taken.name)
                logger().exception(
                    "model not rated",
                    request_id=self._origin.request_id,
                    provider=taken.provider,
                    model=taken.model,
                )
        # At the end, because corrections reopen days.
        days = roll_up_days(db, time.monotonic() + ROLL_UP_SECONDS, self._origin.request_id)
        return self._report(tally, count_unfinished(db), days.failed)

    def _report(self, tally: Tally, unfinished: int, failed_days: int) -> RerateCounts:
        """Log the counts and return them. Raise RerateFailed if a model or a day failed."""
        for (provider, model), usages in tally.out_of_range.items():
            logger().error(
                "cost out of range",
                request_id=self._origin.request_id,
                provider=provider,
                model=model,
                usages=usages,
            )
        counts = RerateCounts(
            examined=tally.examined,
            corrected=tally.corrected,
            difference_micros=half_even_micros(tally.difference_picos),
            unfinished=unfinished,
        )
        failures = len(tally.failed | tally.out_of_range.keys())
        logger().info(
            "usage rerated",
            request_id=self._origin.request_id,
            failures=failures,
            **counts.model_dump(),
        )
        if failures:
            raise RerateFailed(
                f"{failures} models could not be rated again; the log names the models and reasons."
            )
        if failed_days:
            raise RerateFailed(f"{failed_days} days could not be rolled up; the log names them.")
        return counts


def _turn(db: Handle, taken: Pass, until: float, tally: Tally) -> None:
    """Rate a model's usage until the given time, or to the end of the pass."""
    may_change = not taken.unpriced_only or has_price(db, taken)
    for place in months_from(db, taken.position) if may_change else ():
        here, is_last = place, False
        while not is_last:
            if time.monotonic() >= until:
                return
            page = _rate(db, taken, here, tally)
            if page.position is not None:
                if not move(db, taken, page.position):
                    return
                here = here._replace(position=page.position)
            is_last = page.is_last
    finish(db, taken)


def _rate(db: Handle, taken: Pass, place: Place, tally: Tally) -> LedgerPage:
    """Book the corrections of the page that begins at a place, and return the page."""
    attempts = 0
    while True:
        page = read_page(db, taken, place)
        try:
            booked = correct(db, page.usages) if page.usages else NOTHING
        except UsageKeyTaken:
            attempts += 1
            if attempts == ATTEMPTS:
                raise
        else:
            break
    tally.examined += len(page.usages)
    tally.corrected += booked.corrected
    tally.difference_picos += booked.difference_picos
    if booked.out_of_range:
        tally.out_of_range[taken.name] += booked.out_of_range
    return page
