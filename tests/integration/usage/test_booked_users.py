"""What is booked or reserved for a user stays with that user when the name is of nobody, or of
another one, by then.
"""

from typing import Any

import pytest

from tests.gateway import Client
from tests.ledger import assert_sums_agree
from tests.people import Acme
from tests.postgres import Database
from tests.reservations import (
    assert_holds_agree,
    held,
    limit_everyone,
    request,
    reserve,
    settle,
    used,
)
from tests.unattributed import COST, assign, listed, spent
from tests.usage import record, results

KIM: dict[str, Any] = {"user": "kim", "source": "litellm"}


@pytest.fixture
def olivia(acme: Acme) -> Client:
    """An owner: only owners assign."""
    return acme.client("olivia")


@pytest.mark.parametrize("by_then", [None, "nora"])
def test_what_was_reserved_by_an_assigned_name_can_be_settled(
    gateway: Client, olivia: Client, acme: Acme, database: Database, by_then: str | None
) -> None:
    limit_everyone(database, acme, 1_000_000)
    assign(olivia, "kim", "maya")
    held_for_kim = reserve(gateway, request(**KIM))
    assign(olivia, "kim", by_then)
    settled = settle(gateway, held_for_kim, used(**KIM, group="platform"))
    assert settled.status == 200, settled.body
    assert [each["field"] for each in settled.json()["validations"]] == ["user"]
    assert settle(gateway, held_for_kim, used(**KIM, group="platform")).status == 409
    assert spent(database) == {"maya": COST}
    assert held(database) == {}
    groups = {id_: name for name, id_ in acme.groups.items()}
    assert [groups[each] for (each,) in database.rows("SELECT group_id FROM ai_usage")] == [
        "acme/platform"
    ]
    assert_holds_agree(database)
    assert_sums_agree(database)


def test_a_source_that_denies_unknown_users_settles_too(gateway: Client, olivia: Client) -> None:
    assign(olivia, "kim", "maya")
    held_for_kim = reserve(gateway, request(**KIM))
    assign(olivia, "kim", None)
    rule = {"cost_from": "book", "unknown_users": "deny"}
    assert olivia.put("/api/v2/ai/sources/litellm", rule).status == 200
    assert settle(gateway, held_for_kim, used(**KIM)).status == 200


def test_recorded_usage_settles_what_its_name_reserved(gateway: Client, olivia: Client) -> None:
    assign(olivia, "kim", "maya")
    held_for_kim = reserve(gateway, request(**KIM))
    call = used(**KIM)
    assert results(gateway, call)[0]["attributed"]
    assign(olivia, "kim", None)
    settled = settle(gateway, held_for_kim, call)
    assert (settled.status, settled.json()["cost_micros"]) == (200, COST)


def test_another_known_user_settles_nothing(gateway: Client, olivia: Client) -> None:
    assign(olivia, "kim", "maya")
    held_for_kim = reserve(gateway, request(**KIM))
    refused = settle(gateway, held_for_kim, used(user="nora"))
    assert refused.status == 400
    assert [each["field"] for each in refused.json()["validations"]] == ["user"]


@pytest.mark.parametrize("by_then", [None, "nora", "maya"])
def test_an_amendment_keeps_the_user_of_the_usage(
    gateway: Client, olivia: Client, acme: Acme, database: Database, by_then: str | None
) -> None:
    assign(olivia, "kim", "maya")
    results(gateway, record(user="kim"))
    assign(olivia, "kim", by_then)
    more = record(user="kim", tokens={"input": 2000, "output": 200}, amends=True)
    (found,) = results(gateway, more | {"group": "platform"})
    assert (found["status"], found["attributed"]) == ("amended", True)
    said = [] if by_then == "maya" else ["user"]
    assert [each["field"] for each in found["validations"]] == said
    assert spent(database) == {"maya": 2 * COST}
    (found,) = results(gateway, more | {"group": "research"})
    assert [each["field"] for each in found["validations"]] == ["group", *said]
    assert_sums_agree(database)


def test_a_name_that_was_of_somebody_else_settles_and_keeps_nothing(
    gateway: Client, olivia: Client, database: Database
) -> None:
    assign(olivia, "kim", "nora")
    assign(olivia, "kim", None)
    of_nobody = used(9, user="lee")
    results(gateway, record(), of_nobody)
    (found,) = results(gateway, record(user="kim", amends=True))
    assert (found["status"], found["attributed"]) == ("amended", False)
    assert spent(database) == {"nobody": 2 * COST}
    reservation = reserve(gateway, request())
    for call in (used(5, **KIM), of_nobody):
        refused = settle(gateway, reservation, call).json()
        assert [each["field"] for each in refused["validations"]] == ["user"]


def test_an_amendment_that_says_another_user_moves_the_usage(
    gateway: Client, olivia: Client, database: Database
) -> None:
    assign(olivia, "kim", "maya")
    results(gateway, record(user="kim"))
    results(gateway, record(user="nora", amends=True))
    assert spent(database) == {"nora": COST}


def test_an_amendment_of_usage_of_nobody_follows_the_assignment(
    gateway: Client, olivia: Client, database: Database
) -> None:
    results(gateway, record(user="lee"))
    assign(olivia, "kim", "maya")
    results(gateway, record(user="kim", amends=True))
    assert (spent(database), listed(gateway)["names"]) == ({"maya": COST}, [])
    results(gateway, record(2, user="lee"), record(2, user="lee", amends=True, labels={"a": "b"}))
    assert spent(database) == {"maya": COST, "nobody": COST}
