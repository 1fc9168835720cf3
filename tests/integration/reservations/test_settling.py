"""Settle and release: the true cost is booked, the hold ends, and nothing happens twice."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.gateway import Client
from tests.ledger import assert_sums_agree
from tests.people import Acme
from tests.postgres import Database
from tests.reservations import (
    ESTIMATE,
    PATH,
    assert_holds_agree,
    end_holds,
    held,
    limit_everyone,
    of_cost,
    request,
    reserve,
    settle,
    used,
)
from tests.usage import results


def booked(database: Database) -> list[Any]:
    return [micros for (micros,) in database.rows("SELECT cost_micros FROM ai_usage ORDER BY id")]


def test_a_settlement_books_the_cost_and_ends_the_hold(
    gateway: Client, acme: Acme, database: Database
) -> None:
    limit_everyone(database, acme, 10_000)
    id_ = reserve(gateway, of_cost(8_000))
    answer = settle(gateway, id_, used())
    settled = answer.json()
    assert answer.status == 200
    assert (
        settled.items()
        >= {
            "status": "settled",
            "cost_micros": ESTIMATE,
            "priced": True,
            "reserved_micros": 0,
            "overrun_micros": 0,
        }.items()
    )
    assert settled["budget"]["remaining_micros"] == 10_000 - ESTIMATE
    assert booked(database) == [ESTIMATE]
    assert held(database) == {}
    assert_holds_agree(database)
    assert_sums_agree(database)


def test_the_same_settlement_gets_the_same_response_again(
    gateway: Client, database: Database
) -> None:
    id_, sent = reserve(gateway, request()), used()
    first = settle(gateway, id_, sent)
    again = settle(gateway, id_, sent)
    assert (again.status, again.body) == (200, first.body)
    assert booked(database) == [ESTIMATE]
    other = settle(gateway, id_, sent | {"tokens": {"input": 1}})
    assert (other.status, other.json()["message"]) == (
        409,
        "Another request with other content has this id already.",
    )
    closed = settle(gateway, id_, used(2))
    assert (closed.status, closed.json()["message"]) == (409, "The reservation is closed.")
    assert booked(database) == [ESTIMATE]


def test_parts_are_settled_until_the_last(gateway: Client, acme: Acme, database: Database) -> None:
    id_ = reserve(gateway, of_cost(8_000))
    first = settle(gateway, id_, used(1, final=False)).json()
    assert (first["status"], first["reserved_micros"]) == ("held", 5_000)
    second = settle(gateway, id_, used(2, final=False)).json()
    assert (second["status"], second["reserved_micros"]) == ("held", 2_000)
    assert held(database) == {acme.users["maya"]: 2_000}
    third = settle(gateway, id_, used(3, final=False)).json()
    assert (third["reserved_micros"], third["overrun_micros"]) == (0, 1_000)
    last = settle(gateway, id_, used(4)).json()
    assert (last["status"], last["overrun_micros"]) == ("settled", 4_000)
    assert booked(database) == [ESTIMATE] * 4
    assert_holds_agree(database)
    assert_sums_agree(database)


def test_an_overrun_is_booked_and_the_next_call_refused(
    gateway: Client, acme: Acme, database: Database
) -> None:
    limit_everyone(database, acme, 2_000)
    settled = settle(gateway, reserve(gateway, of_cost(2_000)), used()).json()
    assert settled["overrun_micros"] == 1_000
    assert settled["budget"]["remaining_micros"] == -1_000
    assert gateway.post(PATH, of_cost(0, 2)).status == 403


def test_an_extension_moves_the_expiry_of_a_live_hold(gateway: Client, database: Database) -> None:
    granted = gateway.post(PATH, request(ttl_seconds=60)).json()
    part = used(1, final=False, extend_seconds=3600)
    extended = settle(gateway, granted["reservation_id"], part).json()
    moved = datetime.fromisoformat(extended["expires_at"])
    assert moved - datetime.fromisoformat(granted["expires_at"]) > timedelta(minutes=55)
    end_holds(database)
    late = settle(gateway, granted["reservation_id"], used(2, final=False, extend_seconds=60))
    assert (late.json()["status"], late.json()["reserved_micros"]) == ("expired", 0)
    assert datetime.fromisoformat(late.json()["expires_at"]) < datetime.now(UTC)
    assert held(database) == {}
    assert_holds_agree(database)


def test_without_an_extension_the_expiry_stays(gateway: Client) -> None:
    granted = gateway.post(PATH, request(ttl_seconds=60)).json()
    settled = settle(gateway, granted["reservation_id"], used(1, final=False)).json()
    assert settled["expires_at"] == granted["expires_at"]


def test_settling_an_expired_reservation_still_books(gateway: Client, database: Database) -> None:
    id_ = reserve(gateway, request())
    end_holds(database)
    settled = settle(gateway, id_, used()).json()
    assert (settled["status"], settled["cost_micros"]) == ("settled", ESTIMATE)
    assert booked(database) == [ESTIMATE]
    assert_holds_agree(database)


def test_usage_that_was_recorded_before_counts_once(
    gateway: Client, acme: Acme, database: Database
) -> None:
    id_, sent = reserve(gateway, request()), used()
    results(gateway, sent)
    settled = settle(gateway, id_, sent).json()
    assert (settled["status"], settled["cost_micros"]) == ("settled", ESTIMATE)
    assert settled["budget"]["spent_micros"] == ESTIMATE
    assert booked(database) == [ESTIMATE]
    other = reserve(gateway, request(2))
    conflict = settle(gateway, other, sent | {"tokens": {"input": 1}})
    assert conflict.status == 409
    assert held(database) == {acme.users["maya"]: ESTIMATE}


def test_an_unpriced_settlement_ends_the_hold_and_says_so(
    gateway: Client, database: Database
) -> None:
    settled = settle(gateway, reserve(gateway, request()), used(model="unheard-of")).json()
    assert settled.items() >= {"cost_micros": None, "priced": False, "status": "settled"}.items()
    assert held(database) == {}
    assert database.rows("SELECT unpriced_usage_count FROM ai_spend_daily") == [(1,)]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"user": "otto"}, "user"),
        ({"user": "nobody-known"}, "user"),
        ({"occurred_at": "2026-01-01T00:00:00Z"}, "occurred_at"),
        ({"occurred_at": "2100-01-01T00:00:00Z"}, "occurred_at"),
        ({"tokens": {"input": -1}}, "tokens.input"),
        ({"extend_seconds": 60}, "(document)"),
        ({"final": False, "extend_seconds": 3601}, "extend_seconds"),
        ({"reservation_id": str(UUID(int=7))}, "reservation_id"),
    ],
)
def test_a_bad_settlement_names_its_field_and_changes_nothing(
    gateway: Client, acme: Acme, database: Database, changes: dict[str, Any], field: str
) -> None:
    id_ = reserve(gateway, request())
    answer = settle(gateway, id_, used() | changes)
    assert answer.status == 400, answer.body
    assert [each["field"] for each in answer.json()["validations"]] == [field]
    assert held(database) == {acme.users["maya"]: ESTIMATE}
    assert booked(database) == []


def test_a_release_ends_the_hold_once(gateway: Client, database: Database) -> None:
    id_ = reserve(gateway, request())
    for _ in range(2):
        assert gateway.delete(f"{PATH}/{id_}").status == 204
    assert held(database) == {}
    assert_holds_agree(database)
    closed = settle(gateway, id_, used())
    assert (closed.status, closed.json()["detail"]) == (409, "It was released.")
    settled = reserve(gateway, request(2))
    settle(gateway, settled, used(2))
    assert gateway.delete(f"{PATH}/{settled}").status == 409


@pytest.mark.parametrize("id_", [str(UUID(int=7)), "01a21e67-9969-7e5d-85b4-9b817875d7de"])
def test_an_unknown_reservation_is_not_found(gateway: Client, id_: str) -> None:
    assert settle(gateway, id_, used()).status == 404
    assert gateway.delete(f"{PATH}/{id_}").status == 404
    assert gateway.get(f"{PATH}/{id_}").status == 404


def test_only_the_maker_and_an_owner_close_a_reservation(
    gateway: Client, acme: Acme, database: Database
) -> None:
    ids = [reserve(gateway, request(number)) for number in (1, 2)]
    database.run("UPDATE users SET roles = '{gateway}' WHERE username = 'otto'")
    other, owner = acme.client("otto"), acme.client("olivia")
    assert settle(other, ids[0], used(1)).status == 404
    assert other.delete(f"{PATH}/{ids[0]}").status == 404
    assert settle(owner, ids[0], used(1)).status == 200
    assert owner.delete(f"{PATH}/{ids[1]}").status == 204
