"""Usage that settles a reservation in the statement that records it, by a route or the queue."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from allowance.access.gate import Gate
from allowance.rbac.policy import USAGE, Action
from allowance.rbac.system import USAGE_INGESTER
from allowance.usage.recording import record
from allowance.usage.store import ANYBODY
from tests.conftest import environment
from tests.gateway import Client
from tests.ledger import assert_sums_agree, connection_of
from tests.organization_budgets import created, figures
from tests.people import Acme
from tests.postgres import Database
from tests.reservations import (
    ESTIMATE,
    PATH,
    assert_holds_agree,
    end_holds,
    held,
    of_cost,
    request,
    reserve,
    settle,
    used,
)
from tests.sessions import at_once
from tests.usage import failed, message, results, send
from tests.wire import wire

NOBODY_S = str(UUID(int=7))
COUNTS = " The usage counts all the same."


def shown(client: Client, id_: str) -> dict[str, Any]:
    answer = client.get(f"{PATH}/{id_}")
    assert answer.status == 200, answer.body
    return answer.json()


def statuses(found: list[dict[str, Any]]) -> list[tuple[str, list[tuple[str, str]]]]:
    """The status of each result, with what it says."""
    return [
        (
            each["status"],
            [(one["field"], one["detail"].removesuffix(COUNTS)) for one in each["validations"]],
        )
        for each in found
    ]


def test_a_usage_settles_the_reservation_that_it_names(
    gateway: Client, acme: Acme, database: Database
) -> None:
    created(acme.client("adam"), limit_micros=50_000)
    first, _, third = (reserve(gateway, of_cost(5_000, number)) for number in (1, 2, 3))
    released = reserve(gateway, of_cost(1, 4))
    gateway.delete(f"{PATH}/{released}")
    mine = acme.client("olivia")
    foreign = reserve(mine, of_cost(7, 5, user="otto"))
    sent = [
        used(1, reservation_id=first),
        used(2, reservation_key="call-2", model="unheard-of"),
        used(3, reservation_id=first),
        used(4, reservation_id=released),
        used(5, reservation_id=NOBODY_S),
        used(6, reservation_id=foreign, user="otto"),
        rejected := used(7, reservation_id=third, user="otto"),
        used(8, reservation_id=third) | {"occurred_at": "2026-01-01T00:00:00Z"},
        # The same as a record that was rejected, so it is no duplicate of anything.
        rejected,
        used(9, reservation_id=third, user="nobody-known"),
        used(10, reservation_id=third, reservation_key="call-3"),
        used(11, reservation_id="call-3"),
        used(12),
    ]
    found = results(gateway, *sent)
    other_user = ("rejected", [("user", "Must be the user of the reservation.")])
    assert statuses(found[:7]) == [
        ("recorded", []),
        ("recorded", found_no_price := statuses(found)[1][1]),
        ("recorded", [("reservation_id", "It was settled before.")]),
        ("recorded", [("reservation_id", "It was released before.")]),
        ("recorded", [("reservation_id", "You made no such reservation.")]),
        ("recorded", [("reservation_id", "You made no such reservation.")]),
        other_user,
    ]
    assert [field for field, _ in found_no_price] == ["model"]
    assert statuses(found)[8] == other_user
    assert [(status, [field for field, _ in said]) for status, said in statuses(found[7:])] == [
        ("rejected", ["occurred_at"]),
        ("rejected", ["user"]),
        ("recorded", ["reservation_id", "user"]),
        ("rejected", ["(document)"]),
        ("rejected", ["reservation_id"]),
        ("recorded", []),
    ]
    closed = shown(gateway, first)
    assert closed["settled"] == [{"source": "litellm", "id": "call-1", "cost_micros": ESTIMATE}]
    assert (closed["state"], closed["settled_micros"], closed["holds"]) == ("settled", ESTIMATE, [])
    assert [shown(mine, each)["state"] for each in (third, foreign)] == ["held", "held"]
    assert held(database) == {acme.users["maya"]: 5_000, acme.users["otto"]: 7}
    assert figures(acme.client("adam"), "all") == (6 * ESTIMATE, 5_007, 50_000 - 23_007)
    # The same again changes nothing.
    again = results(gateway, *sent)
    assert [each["status"] for each in again] == [
        each["status"].replace("recorded", "duplicate") for each in found
    ]
    changed = results(gateway, sent[0] | {"reservation_id": third})
    assert [each["status"] for each in changed] == ["conflict"]
    without = {name: value for name, value in sent[0].items() if name != "reservation_id"}
    assert settle(gateway, first, without).status == 409, "it settled in another way"
    late = settle(gateway, first, used(20))
    assert (late.status, late.json()["detail"]) == (409, "It was settled.")
    assert shown(gateway, third)["state"] == "held"
    assert_holds_agree(database)
    assert_sums_agree(database)


def test_an_expired_reservation_or_one_settled_in_part_is_settled_by_usage(
    gateway: Client, acme: Acme, database: Database
) -> None:
    created(acme.client("adam"))
    late, part = reserve(gateway, of_cost(400)), None
    end_holds(database)
    database.run("UPDATE ai_budget_holds SET expires_at = expires_at - interval '1 day'")
    database.run("UPDATE ai_budget_counters SET next_expiry = next_expiry - interval '1 day'")
    part = reserve(gateway, of_cost(900, 2))
    tiny = {"tokens": {"input": 100}}
    settle(gateway, part, used(1, final=False, **tiny))
    assert figures(acme.client("adam"), "all") == (200, 700, 100)
    assert (
        statuses(
            results(
                gateway,
                used(2, reservation_id=late, **tiny),
                used(3, reservation_key="call-2", **tiny),
            )
        )
        == [("recorded", [])] * 2
    )
    assert [shown(gateway, each)["state"] for each in (late, part)] == ["settled", "settled"]
    assert [each["id"] for each in shown(gateway, part)["settled"]] == ["call-1", "call-3"]
    assert figures(acme.client("adam"), "all") == (600, 0, 400)
    assert_holds_agree(database)


def test_the_queue_settles_every_reservation_by_its_id(
    gateway: Client, acme: Acme, database: Database, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    by_gateway, by_owner = reserve(gateway, request()), reserve(acme.client("olivia"), request(2))
    kept = reserve(gateway, request(3))
    batch = message(
        "a",
        used(1, reservation_id=by_gateway),
        used(2, reservation_id=by_owner),
        used(3, reservation_key="call-3"),
        used(4, reservation_id=by_owner, model="unheard-of"),
    )
    assert failed(batch) == failed(batch) == []
    owner = acme.client("olivia")
    assert [shown(owner, each)["state"] for each in (by_gateway, by_owner, kept)] == [
        "settled",
        "settled",
        "held",
    ]
    assert [each["problems"] for each in logged() if each["level"] == "WARNING"] == [
        [
            f"records[2].reservation_key: The queue knows no keys: name reservation_id.{COUNTS}",
            f"records[3].reservation_id: It was settled before.{COUNTS}",
        ]
    ]
    assert database.rows("SELECT count(*) FROM ai_usage") == [(4,)]
    assert failed(message("b", used(5, reservation_id=kept, user="otto"))) == ["b"]
    assert shown(owner, kept)["state"] == "held"


def test_a_batch_that_settles_costs_no_more_trips(
    gateway: Client, acme: Acme, database: Database
) -> None:
    created(acme.client("adam"), limit_micros=10**9)
    ids = [reserve(gateway, request(number)) for number in range(3)]
    results(gateway, used(100))
    with wire(database.app_url) as counted, environment(DATABASE_URL=counted.url):
        assert gateway.get("/api/v2/users/me").status == 200
        counted.reset()
        assert send(gateway, used(101)).status == 200
        without = counted.trips
        counted.reset()
        found = results(
            gateway,
            *(used(number, reservation_id=id_) for number, id_ in enumerate(ids)),
            used(9, reservation_key="unheard-of"),
        )
        # One of them finds the caller.
        assert counted.trips == without == 3
    assert [len(each["validations"]) for each in found] == [0, 0, 0, 1]


def test_of_batches_at_once_one_settles_and_all_are_recorded(
    gateway: Client, acme: Acme, database: Database
) -> None:
    created(acme.client("adam"), limit_micros=10**9)
    ids = [reserve(gateway, request(number)) for number in range(3)]
    found: list[Any] = []

    def ingest(number: int) -> None:
        gate = Gate(USAGE_INGESTER.subject, connection_of(database))
        db = gate.open(Action.CREATE, USAGE)
        in_turn = ids if number % 2 else ids[::-1]
        for id_ in in_turn:
            batch = [used(0, reservation_id=id_) | {"id": f"{number}-{id_}"}]
            found.extend(record(db, batch, datetime.now(UTC), ANYBODY))

    at_once(*(partial(ingest, number) for number in range(4)))
    assert [each.status for each in found] == ["recorded"] * 12
    settling = [each for each in found if not each.validations]
    assert len(settling) == len(ids)
    assert database.rows("SELECT state, settled_micros::int FROM ai_reservations") == [
        ("settled", ESTIMATE)
    ] * len(ids)
    assert figures(acme.client("adam"), "all")[:2] == (12 * ESTIMATE, 0)
    assert_holds_agree(database)
