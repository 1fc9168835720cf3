"""Amendments and voids: what was recorded is put right by entries of their own."""

from decimal import Decimal

from tests.amendments import COST, TWICE, VOID, amended, spent, statuses
from tests.gateway import Client
from tests.ledger import assert_sums_agree
from tests.organization_budgets import created, figures
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, seed
from tests.random_usage import counting
from tests.usage import expire, record, rerate, results

BY_USER = (
    "SELECT u.username, m.month::text, m.cost_micros FROM ai_user_spend_monthly AS m"
    " JOIN users AS u ON u.id = m.user_id ORDER BY 1, 2"
)


def test_an_amendment_books_the_difference_with_reason_and_origin(
    gateway: Client, acme: Acme, database: Database
) -> None:
    results(gateway, record())
    (answer,) = results(gateway, amended(tokens=TWICE))
    assert (answer["status"], answer["cost_micros"], answer["priced"]) == ("amended", 6000, True)
    assert spent(database) == (6000, 1, 2000)
    assert database.rows(
        "SELECT reason, cost_micros, source, corrects = first_value(id) OVER (ORDER BY id),"
        " recorded_by FROM ai_usage ORDER BY id"
    ) == [
        ("usage", COST, "litellm", None, acme.users["nora"]),
        ("amend", 2 * COST, "litellm", None, acme.users["nora"]),
        ("amend", -COST, "allowance", True, acme.users["nora"]),
    ]


def test_the_old_amount_leaves_its_month_user_and_group(
    gateway: Client, acme: Acme, database: Database
) -> None:
    created(acme.client("adam"), "otto", per="member", limit_micros=50_000)
    created(acme.client("adam"), limit_micros=50_000)
    results(gateway, record(), record(2))
    assert (
        statuses(
            gateway,
            amended(user="otto", occurred_at="2026-10-02T00:00:00Z", labels={"project": "x"}),
            record(2, user="otto", group="research", amends=True),
        )
        == ["amended"] * 2
    )
    assert [each for each in database.rows(BY_USER) if each[2]] == [
        ("otto", "2026-10-01", COST),
        ("otto", "2026-11-01", COST),
    ]
    assert figures(acme.client("adam"), "all") == (COST, 0, 50_000 - COST)
    assert spent(database) == (2 * COST, 2, 2000)
    assert database.rows(
        "SELECT subject, spent_micros FROM ai_budget_counters WHERE subject <> '' ORDER BY 2"
    ) == [(str(acme.users["maya"]), 0), (str(acme.users["otto"]), COST)]


def test_every_count_of_a_record_is_taken_back(gateway: Client, database: Database) -> None:
    """Units, requests, stated costs and their difference, labels, objects that are kept."""
    sent = [
        record(1, cost_usd="0.5", requests=3, labels={"a": "b"}, tokens={"input_audio": 7}),
        record(2, model="unheard-of", cost_usd="0.1", units={"web_searches": 2}),
        record(3, **counting(500, is_read=False), cost_usd="0.2"),
    ]
    results(gateway, *sent)
    assert_sums_agree(database)
    assert statuses(gateway, *({**each, "void": True} for each in sent)) == ["voided"] * 3
    assert spent(database) == (0, 0, 0)
    for table in ("ai_spend_daily", "ai_usage_quarter_hourly"):
        ((row,),) = database.rows(
            f"SELECT jsonb_agg(DISTINCT v.value) FROM {table} AS t, jsonb_each(to_jsonb(t)) AS v"
            " WHERE v.key LIKE '%%count' OR v.key LIKE '%%micros' OR v.key LIKE '%%tokens'"
        )
        assert {Decimal(str(each)) for each in row if each is not None} == {0}
        assert database.rows(f"SELECT 1 FROM {table} WHERE other_units IS NOT NULL") == []


def test_a_batch_is_recorded_in_its_order(gateway: Client, database: Database) -> None:
    found = results(
        gateway,
        record(),
        record(2),
        amended(tokens=TWICE),
        record(),
        amended(tokens={"input": 1}),
        VOID,
        amended(tokens={"input": 2}),
    )
    assert [each["status"] for each in found] == [
        "recorded",
        "recorded",
        "amended",
        "duplicate",
        "amended",
        "voided",
        "conflict",
    ]
    assert spent(database) == (COST, 1, 1000)


def test_a_key_changes_ten_times_in_a_request(gateway: Client) -> None:
    changes = [amended(tokens={"input": number}) for number in range(12)]
    assert statuses(gateway, record(), *changes) == (
        ["recorded"] + ["amended"] * 10 + ["rejected"] * 2
    )


def test_the_month_of_a_change_must_be_in_the_ledger(gateway: Client, database: Database) -> None:
    old = record(occurred_at="2026-01-10T10:00:00Z")
    results(gateway, old)
    expire(database, 1)
    (answer,) = results(gateway, amended(tokens=TWICE))
    assert answer["status"] == "rejected"
    assert "dropped" in answer["validations"][0]["detail"]
    assert statuses(gateway, VOID, old, old | {"amends": True}) == [
        "rejected",
        "duplicate",
        "duplicate",
    ]


def test_rerating_prices_the_present_content_alone(gateway: Client, database: Database) -> None:
    results(gateway, record(1, model="new"), record(2, model="new"), record(3, model="new"))
    assert statuses(
        gateway,
        record(1, model="new", tokens=TWICE, amends=True),
        record(2, model="m", amends=True),
        VOID | {"id": "call-3"},
    ) == ["amended", "amended", "voided"]
    seed(price("new", input_price=1_000_000, output_price=0))
    assert rerate()["corrected"] == 1
    assert spent(database)[0] == 2000 + COST
    # What was corrected meanwhile is taken back too.
    assert statuses(gateway, record(1, model="new", tokens={"input": 1}, amends=True)) == [
        "amended"
    ]
    assert spent(database)[0] == 1 + COST
    assert rerate()["corrected"] == 0


def test_an_amendment_finds_the_user_or_loses_it(gateway: Client, database: Database) -> None:
    results(gateway, record(), record(2, user="kim"))
    (lost,) = results(gateway, amended(user="lee", group="x"))
    assert (lost["status"], lost["attributed"]) == ("amended", False)
    (found,) = results(gateway, record(2, amends=True))
    assert (found["status"], found["attributed"]) == ("amended", True)
    assert database.rows("SELECT name, named_group FROM ai_usage_unattributed") == [("lee", "x")]
    (again,) = results(gateway, amended(user="lee", group="x"))
    assert (again["status"], again["attributed"]) == ("duplicate", False)
    assert spent(database) == (2 * COST, 2, 2000)


def test_a_changed_past_month_is_exported_again(gateway: Client, database: Database) -> None:
    results(gateway, record(occurred_at="2026-10-05T00:00:00Z"))
    changes = "SELECT month::text, changes FROM ai_spend_exports"
    assert database.rows(changes) == [("2026-10-01", 1)]
    results(gateway, VOID)
    assert database.rows(changes) == [("2026-10-01", 2)]


def test_an_alert_that_is_due_no_more_may_come_again(
    gateway: Client, acme: Acme, database: Database
) -> None:
    """The user from whom usage is taken is looked at too."""
    limit = {"spend_limit_micros": COST}
    assert acme.client("adam").put(acme.budget_path(), limit).status == 200
    results(gateway, record())
    state = "SELECT over_limit FROM ai_alert_states WHERE subject = %s"
    assert database.rows(state, str(acme.users["maya"])) == [(True,)]
    assert statuses(gateway, amended(user="nora")) == ["amended"]
    assert database.rows(state, str(acme.users["maya"])) == [(False,)]
