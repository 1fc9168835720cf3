"""Concurrent writers raise each alert once and never deadlock."""

from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.alert_limits import LIMIT, RAISED, used
from tests.gateway import Client
from tests.ledger import assert_sums_agree, connection_of, record_in
from tests.people import Acme
from tests.postgres import Database
from tests.usage import results


@pytest.mark.parametrize("different_groups", [False, True])
def test_one_of_many_concurrent_writers_raises_the_alert(
    gateway: Client, acme: Acme, database: Database, different_groups: bool
) -> None:
    """Eight writers of one micro each reach the threshold together.

    The budget in effect may change meanwhile.
    """
    results(gateway, used(1, 8_500 - 8))

    def write(number: int) -> None:
        connection = connection_of(database)
        try:
            record_in(connection, [used(100 + number, 1)], datetime.now(UTC))
        finally:
            connection.close()

    def change_group(number: int) -> None:
        group = acme.groups["acme/platform"] if number % 2 else acme.organizations["acme"]
        database.run(
            "INSERT INTO user_ai_budget_overrides"
            " (user_id, group_id, organization_id, spend_limit_micros) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (user_id) DO UPDATE SET group_id = excluded.group_id",
            acme.users["maya"],
            group,
            acme.organizations["acme"],
            LIMIT,
        )

    database.run(
        "INSERT INTO group_members SELECT %s, id FROM users WHERE username = 'maya' ON CONFLICT "
        "DO NOTHING",
        acme.groups["acme/platform"],
    )
    with ThreadPoolExecutor(8) as pool:
        work: list[Future[None]] = []
        for number in range(8):
            if different_groups:
                work.append(pool.submit(change_group, number))
            work.append(pool.submit(write, number))
        for each in work:
            each.result()
    assert database.rows(RAISED) == [(85, 8_500)]


@pytest.mark.parametrize("limited", ["nobody", "one of them", "both"])
def test_writers_of_one_user_wait_for_each_other_without_a_deadlock(
    gateway: Client, acme: Acme, database: Database, limited: str
) -> None:
    """Two batches of otto, each with another model. One also has usage of maya. Sums are slow."""
    acme.client("olivia").delete(acme.budget_path("acme/Everyone"))
    everyone = str(acme.organizations["acme"])
    for username in {"nobody": (), "one of them": ("maya",), "both": ("maya", "otto")}[limited]:
        path = f"/api/v2/users/{username}/ai/budget"
        assert (
            acme.client("olivia")
            .put(path, {"group_id": everyone, "spend_limit_micros": 10**9})
            .status
            == 200
        )
    results(gateway, used(1, 1, user="otto"))
    database.run(
        "CREATE FUNCTION wait_a_little() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_sleep(0.4); RETURN new; END $$"
    )
    for table in ("ai_user_spend_monthly", "ai_group_spend_monthly"):
        database.run(
            f"CREATE TRIGGER slow BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION "
            "wait_a_little()"
        )

    def write(batch: list[dict[str, Any]]) -> list[str]:
        connection = connection_of(database)
        try:
            return [each.status for each in record_in(connection, batch, datetime.now(UTC))]
        finally:
            connection.close()

    batches = [
        [used(2, 1, user="otto")],
        [used(3, 1, user="otto", model="m2"), used(4, 1, user="maya", model="m2")],
    ]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(write, batches))
    assert answers == [["recorded"], ["recorded", "recorded"]]
    assert_sums_agree(database)
