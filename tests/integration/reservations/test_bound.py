"""Many callers at once, and backends that are killed: no grant commits above the limit."""

import random
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
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
from tests.hold_history import commits_of_grants, remember_holds
from tests.ledger import assert_sums_agree, connection_of, record_in
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, seed
from tests.reservations import assert_holds_agree, limit_everyone, of_cost
from tests.sessions import at_once, be_patient, beside, store_of
from tests.usage import record

THREADS = by_depth(8, 32, 64)
ATTEMPTS = by_depth(300, 3_000, 10_000)
RECORDERS = 2
LIMIT = 40 * ATTEMPTS
"""Each attempt asks for 250 micros on average, for one of three users."""
USERS = ("maya", "otto", "ana")
KILL = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
    " AND usename IN ('allowance_routes', 'allowance_jobs') ORDER BY random() LIMIT 1"
)
MOST_RETRIES = 100


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
        self.lost = 0
        self.states: set[str | None] = set()

    def grant(self, id_: str) -> None:
        with self._lock:
            self.granted.append(id_)

    def refuse(self) -> None:
        with self._lock:
            self.refused += 1

    def lose(self, error: AllowanceError) -> None:
        with self._lock:
            self.lost += 1
            cause = error.__cause__
            self.states.add(cause.sqlstate if isinstance(cause, psycopg.Error) else None)

    def sent[T](self, work: Callable[[], T]) -> T:
        """Send a request again until it gets a response, as a gateway does."""
        for _ in range(MOST_RETRIES):
            try:
                return work()
            except DatabaseUnavailable as error:
                self.lose(error)
        raise AssertionError("no response")


def usage(name: str, user: str, micros: int, **more: Any) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat()
    return record(user=user, occurred_at=now, tokens={"input": micros * 10**6}, **more) | {
        "id": name
    }


def call_models(database: Database, acme: Acme, tally: Tally, number: int) -> int:
    """Ask, and settle, release or forget what is granted."""
    chance, token = random.Random(number), acme.tokens["nora/test"]  # noqa: S311
    with ExitStack() as at_end:
        # A connection that was killed is replaced by the next statement.
        gateway = tally.sent(lambda: at_end.enter_context(store_of(Gateway, database, token)))
        for attempt in range(ATTEMPTS // THREADS):
            user, estimate = chance.choice(USERS), chance.randint(1, 500)
            key, ttl = f"{number}-{attempt}", chance.choice((1, 600))
            asked = of_cost(estimate, user=user, ttl_seconds=ttl) | {"id": key}
            request = ReservationRequest.model_validate(asked)
            try:
                granted = tally.sent(partial(gateway.reserve, request))
            except RequestRefused:
                tally.refuse()
                continue
            assert isinstance(granted, Reservation)
            tally.grant(str(granted.reservation_id))
            match chance.randrange(4):
                case 0:
                    tally.sent(partial(gateway.release, granted.reservation_id))
                case 1:
                    for final in (False, True):
                        used = usage(f"{key}-{final}", user, chance.randint(0, estimate))
                        part = Settlement.model_validate(used | {"final": final})
                        tally.sent(partial(gateway.settle, granted.reservation_id, part))
                case 2:
                    used = Settlement.model_validate(usage(key, user, chance.randint(0, 600)))
                    tally.sent(partial(gateway.settle, granted.reservation_id, used))
                case _:
                    pass
    return ATTEMPTS // THREADS


def use_without_asking(database: Database, tally: Tally, number: int, stop: Event) -> None:
    """Record usage of all users in one batch, until the others are done."""
    connection = connection_of(database)
    for turn in range(10**6):
        if stop.is_set():
            return
        batch = [usage(f"recorder-{number}-{turn}-{user}", user, 3) for user in USERS]
        tally.sent(partial(record_in, connection, batch, datetime.now(UTC)))
        time.sleep(0.01)


def kill_at_random(database: Database, stop: Event) -> None:
    while not stop.wait(0.1):
        database.run(KILL)


def test_no_grant_commits_above_the_limit_whoever_is_killed(database: Database, acme: Acme) -> None:
    database.run("UPDATE users SET roles = '{gateway}' WHERE username = 'nora'")
    seed(price(input_price=1))
    be_patient(database)
    limit_everyone(database, acme, LIMIT)
    remember_holds(database)
    tally = Tally()
    recorders = [partial(use_without_asking, database, tally, each) for each in range(RECORDERS)]
    with beside(partial(kill_at_random, database), *recorders):
        at_once(*(partial(call_models, database, acme, tally, each) for each in range(THREADS)))
    commits = list(commits_of_grants(database))
    above = [each for each in commits if each.spent + each.held > LIMIT]
    assert above == []
    assert len(commits) == len(set(tally.granted)) == len(tally.granted)
    assert len({each.user_id for each in commits}) == len(USERS)
    assert tally.refused > 0
    assert max(each.spent + each.held for each in commits) > LIMIT - 500, "the limit was near"
    assert tally.lost > 0, "some were killed"
    assert "40P01" not in tally.states
    assert database.rows(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    ) == [(0,)]
    assert_holds_agree(database)
    assert_sums_agree(database)
