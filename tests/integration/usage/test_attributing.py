"""Usage of users who are not known: recorded for nobody, and booked for a user later."""

from decimal import Decimal
from threading import Thread
from typing import Any

import pytest

from allowance.access.gate import Gate
from allowance.rbac.policy import USAGE, Action
from allowance.rbac.system import USAGE_RERATER
from allowance.usage import attributing
from allowance.usage.attributing import attribute
from tests.gateway import Client
from tests.ledger import assert_sums_agree, connection_of
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, seed
from tests.random_usage import counting
from tests.usage import expire, record, rerate, results

BY_USER = (
    "SELECT coalesce(u.username, 'nobody'), sum(m.cost_micros), sum(m.unpriced_usage_count)::int"
    " FROM ai_user_spend_monthly AS m LEFT JOIN users AS u ON u.id = m.user_id"
    " GROUP BY 1 ORDER BY 1"
)
WAITING = (
    "SELECT source, name, named_group FROM ai_usage_unattributed WHERE usage_id IS NOT NULL"
    " ORDER BY occurred_at"
)
COST = Decimal(1000 * 2 + 100 * 10)


def assign(database: Database, acme: Acme, user: str, name: str = "kim", **more: Any) -> int:
    """The number of usages that are attributed, on a connection of its own."""
    db = Gate(USAGE_RERATER.subject, connection_of(database)).open(Action.UPDATE, USAGE)
    return sum(attribute(db, "litellm", name, acme.users[user], **more))


def test_usage_of_an_unknown_user_is_recorded_for_nobody(
    gateway: Client, database: Database
) -> None:
    (found,) = results(gateway, record(user="kim", group="research"))
    assert (found["status"], found["priced"], found["attributed"]) == ("recorded", True, False)
    assert [each["field"] for each in found["validations"]] == ["user"]
    assert database.rows(BY_USER) == [("nobody", COST, 0)]
    assert database.rows(WAITING) == [("litellm", "kim", "research")]
    (again,) = results(gateway, record(user="kim", group="research"))
    assert (again["status"], again["attributed"]) == ("duplicate", False)
    assert_sums_agree(database)


def test_usage_of_a_name_is_booked_for_its_user_once(
    gateway: Client, acme: Acme, database: Database
) -> None:
    kims = [record(number, user="kim", labels={"project": "x"}) for number in range(3)]
    results(gateway, *kims, record(9, user="lee"))
    assert assign(database, acme, "maya") == 3
    assert database.rows(BY_USER) == [("maya", 3 * COST, 0), ("nobody", COST, 0)]
    assert database.rows(WAITING) == [("litellm", "lee", None)]
    assert_sums_agree(database)
    assert assign(database, acme, "otto") == 0
    assert [(each["status"], each["attributed"]) for each in results(gateway, *kims)] == [
        ("duplicate", True)
    ] * 3
    assert database.rows(
        "SELECT reason, count(*), sum(cost_micros) FROM ai_usage GROUP BY 1, corrects IS NULL"
        " ORDER BY 1, 3"
    ) == [("attribute", 3, -3 * COST), ("attribute", 3, 3 * COST), ("usage", 4, 4 * COST)]


def test_usage_is_booked_for_the_group_that_its_record_names(
    gateway: Client, acme: Acme, database: Database
) -> None:
    results(gateway, record(1, user="kim", group="platform"), record(2, user="kim", group="none"))
    assign(database, acme, "maya")
    assert database.rows(
        "SELECT g.name, sum(u.cost_micros) FROM ai_usage AS u JOIN groups AS g ON g.id = u.group_id"
        " GROUP BY 1 ORDER BY 1"
    ) == [("Everyone", COST), ("platform", COST)]


def test_only_usage_since_a_time_is_booked(gateway: Client, acme: Acme, database: Database) -> None:
    early, late = "2026-11-19T00:00:00Z", "2026-11-20T00:00:00Z"
    sent = (record(1, user="kim", occurred_at=early), record(2, user="kim", occurred_at=late))
    results(gateway, *sent)
    since = database.rows("SELECT timestamptz '2026-11-20Z'")[0][0]
    assert assign(database, acme, "maya", since=since) == 1
    assert database.rows(BY_USER) == [("maya", COST, 0), ("nobody", COST, 0)]


def test_attributed_usage_gets_its_price_later(
    gateway: Client, acme: Acme, database: Database
) -> None:
    """With other units, a stated cost and an object that is not read whole, as it was recorded."""
    results(
        gateway,
        record(1, user="kim", model="new", cost_usd="0.5", units={"web_searches": 2}, requests=3),
        record(2, user="kim", model="new", **counting(500, is_read=False)),
    )
    assert assign(database, acme, "maya") == 2
    assert database.rows(BY_USER) == [("maya", 0, 4), ("nobody", 0, 0)]
    assert_sums_agree(database)
    seed(
        price(
            "new",
            input_price=2_000_000,
            output_price=10_000_000,
            unit_prices={"web_searches": 1_000_000},
        )
    )
    database.run("UPDATE ai_usage SET usage_object = usage_object - 'mystery_tokens'")
    rerate()
    assert rerate()["corrected"] == 0
    assert database.rows(BY_USER) == [("maya", COST + 2 + 1000, 0), ("nobody", 0, 0)]
    assert_sums_agree(database)


def test_corrected_usage_is_attributed_at_its_cost(
    gateway: Client, acme: Acme, database: Database
) -> None:
    results(gateway, record(1, user="kim", model="new", cost_usd="0.5"))
    seed(price("new", input_price=2_000_000, output_price=10_000_000))
    rerate()
    seed(price("new", input_price=4_000_000, output_price=20_000_000))
    rerate()
    assert assign(database, acme, "maya") == 1
    assert database.rows(BY_USER)[1] == ("nobody", 0, 0)
    assert_sums_agree(database)
    assert rerate()["corrected"] == 0


def test_a_run_goes_on_where_another_ended(
    gateway: Client, acme: Acme, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attributing, "PAGE", 2)
    results(gateway, *(record(number, user="kim") for number in range(5)))
    db = Gate(USAGE_RERATER.subject, connection_of(database)).open(Action.UPDATE, USAGE)
    assert next(attribute(db, "litellm", "kim", acme.users["maya"])) == 2
    assert assign(database, acme, "maya") == 3
    assert database.rows(BY_USER) == [("maya", 5 * COST, 0), ("nobody", 0, 0)]


def test_two_runs_at_once_book_each_usage_once(
    gateway: Client, acme: Acme, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attributing, "PAGE", 2)
    results(gateway, *(record(number, user="kim") for number in range(8)))
    booked: list[int] = []
    runs = [
        Thread(target=lambda user=user: booked.append(assign(database, acme, user)))
        for user in ("maya", "otto")
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert sum(booked) == 8
    assert sum(cost for _, cost, _ in database.rows(BY_USER)) == 8 * COST
    assert_sums_agree(database)


def test_usage_of_a_dropped_month_waits_for_nobody(
    gateway: Client, acme: Acme, database: Database
) -> None:
    results(gateway, record(1, user="kim", occurred_at="2026-01-10T10:00:00Z"))
    expire(database, 1)
    assert database.rows(WAITING) == []
    assert assign(database, acme, "maya") == 0
    (again,) = results(gateway, record(1, user="kim", occurred_at="2026-01-10T10:00:00Z"))
    assert (again["status"], again["attributed"]) == ("duplicate", False)


def test_a_session_of_routes_moves_no_usage_of_a_user(
    gateway: Client, acme: Acme, database: Database
) -> None:
    """Only nobody's usage is attributed, whatever is in the queue of names."""
    results(gateway, record(1))
    database.run(
        "INSERT INTO ai_usage_unattributed (key_digest, source, name, usage_id, organization_id,"
        " occurred_at, usage_count, unpriced_usage_count, cost_micros)"
        " SELECT k.key_digest, u.source, 'kim', u.id, u.organization_id,"
        " u.occurred_at, 1, 0, 0 FROM ai_usage AS u JOIN ai_usage_keys AS k ON k.usage_id = u.id"
    )
    with pytest.raises(Exception, match="dropped"):
        assign(database, acme, "otto")


def test_a_name_of_several_users_is_nobodys(
    gateway: Client, acme: Acme, database: Database
) -> None:
    """Nothing keeps a name apart that the directory has twice."""
    database.run("DROP INDEX users_email_key")
    database.run("UPDATE users SET email = 'maya@acme.example' WHERE username = 'otto'")
    found = results(gateway, record(user="maya@acme.example"), record(2))
    assert [each["attributed"] for each in found] == [False, True]
    assert database.rows(BY_USER) == [("maya", COST, 0), ("nobody", COST, 0)]
