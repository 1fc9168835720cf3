"""Gateways at once: they reserve, settle, release and record while backends are killed."""

import random
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from functools import partial
from threading import Event, Lock
from typing import Any, override
from uuid import UUID

import psycopg

from allowance.contract.fields import Body
from allowance.database.queries import Call
from allowance.errors import AllowanceError, DatabaseUnavailable, RequestRefused
from allowance.reservations.closing import ClosingStore
from allowance.reservations.models import Reservation, ReservationRequest, Settlement
from allowance.reservations.store import ReservingStore
from tests.depth import by_depth
from tests.ledger import connection_of, record_in
from tests.people import Acme
from tests.postgres import Database
from tests.reservations import of_cost
from tests.sessions import store_of
from tests.usage import record

USERS = ("maya", "otto", "ana")
PROJECTS = ("a", "b", None)
RESPONSE_SECONDS = by_depth(60, 60, 600)
"""Of 64 sessions on a busy machine, some are killed again and again before it is their turn."""
KILL = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
    " AND usename IN ('allowance_routes', 'allowance_jobs') ORDER BY random() LIMIT 1"
)


class Gateway(ClosingStore, ReservingStore):
    """Both stores on one connection, so that many threads fit on a server."""

    @override
    @classmethod
    def look_ups(cls, body: Body | None, ids: Mapping[str, UUID]) -> tuple[Call[Any], ...]:
        is_request = isinstance(body, ReservationRequest)
        return (ReservingStore if is_request else ClosingStore).look_ups(body, ids)


class Tally:
    """What the callers saw."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.granted: list[str] = []
        self.refused = 0
        self.unexplained: list[Any] = []
        self.lost = 0
        self.states: set[str | None] = set()

    def grant(self, id_: str) -> None:
        with self._lock:
            self.granted.append(id_)

    def refuse(self, error: RequestRefused) -> None:
        """Count a refusal. It names a budget that has no room."""
        budgets = error.shown["decision"]["budgets"]
        with self._lock:
            self.refused += 1
            if not any(e["would_refuse"] and e["enforcement"] == "enforce" for e in budgets):
                self.unexplained.append(budgets)

    def lose(self, error: AllowanceError) -> None:
        with self._lock:
            self.lost += 1
            cause = error.__cause__
            self.states.add(cause.sqlstate if isinstance(cause, psycopg.Error) else None)

    def sent[T](self, work: Callable[[], T]) -> T:
        """Send a request again until it gets a response, as a gateway does."""
        give_up = time.monotonic() + RESPONSE_SECONDS
        while time.monotonic() < give_up:
            try:
                return work()
            except DatabaseUnavailable as error:
                self.lose(error)
                time.sleep(0.001)
        raise AssertionError("no response")


def usage(name: str, user: str, micros: int, **more: Any) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat()
    return record(user=user, occurred_at=now, tokens={"input": micros * 10**6}, **more) | {
        "id": name
    }


def counted_for(user: str, project: str | None) -> dict[str, Any]:
    """The group and the labels of a call: maya works for platform."""
    labels = {} if project is None else {"labels": {"project": project}}
    return labels | ({"group": "platform"} if user == "maya" else {})


def call_models(database: Database, acme: Acme, tally: Tally, number: int, attempts: int) -> int:
    """Ask, and settle, release or forget what is granted."""
    chance, token = random.Random(number), acme.tokens["nora/test"]  # noqa: S311
    for first in range(0, attempts, 50):
        # A request compares times with the time of its authentication, so it is renewed.
        with ExitStack() as at_end:
            # A connection that was killed is replaced by the next statement.
            opened = partial(store_of, Gateway, database, token)
            gateway = tally.sent(lambda opened=opened, end=at_end: end.enter_context(opened()))
            _call_models(gateway, tally, chance, number, range(first, min(first + 50, attempts)))
    return attempts


def _call_models(
    gateway: Gateway, tally: Tally, chance: random.Random, number: int, attempts: range
) -> None:
    for attempt in attempts:
        user, estimate = chance.choice(USERS), chance.randint(1, 500)
        counted = counted_for(user, chance.choice(PROJECTS))
        key, ttl = f"{number}-{attempt}", chance.choice((1, 600))
        asked = of_cost(estimate, user=user, ttl_seconds=ttl, **counted) | {"id": key}
        request = ReservationRequest.model_validate(asked)
        try:
            granted = tally.sent(partial(gateway.reserve, request))
        except RequestRefused as error:
            tally.refuse(error)
            continue
        assert isinstance(granted, Reservation)
        tally.grant(str(granted.reservation_id))
        match chance.randrange(4):
            case 0:
                tally.sent(partial(gateway.release, granted.reservation_id))
            case 1:
                for final in (False, True):
                    part = chance.randint(0, estimate)
                    used = usage(f"{key}-{final}", user, part, **counted) | {"final": final}
                    used |= {} if final else {"extend_seconds": 2}
                    sent = Settlement.model_validate(used)
                    tally.sent(partial(gateway.settle, granted.reservation_id, sent))
            case 2:
                # With other labels than those of the request, and more than its estimate.
                used = usage(key, user, chance.randint(0, 600))
                sent = Settlement.model_validate(used)
                tally.sent(partial(gateway.settle, granted.reservation_id, sent))
            case _:
                pass


def use_without_asking(database: Database, tally: Tally, number: int, stop: Event) -> None:
    """Record usage of all users and projects in one batch, until the others are done."""
    connection = connection_of(database)
    for turn in range(10**6):
        if stop.is_set():
            return
        batch = [
            usage(f"recorder-{number}-{turn}-{user}", user, 3, **counted_for(user, project))
            for user, project in zip(USERS, PROJECTS, strict=True)
        ]
        tally.sent(partial(record_in, connection, batch, datetime.now(UTC)))
        time.sleep(0.01)


def kill_at_random(database: Database, stop: Event) -> None:
    """End a session of the functions ten times a second."""
    while not stop.wait(0.1):
        with suppress(psycopg.OperationalError):
            database.run(KILL)
