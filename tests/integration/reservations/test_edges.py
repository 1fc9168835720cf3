"""What lies between two requests: renamed users, dropped months, the end of a month, tidying."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from allowance.database.database import Database as Connection
from allowance.database.settings import DatabaseSource
from allowance.errors import ReservationChanged
from allowance.reservations.facts import SettlementFacts
from allowance.usage.ledger import call_of_entries
from allowance.usage.records import usage_of
from allowance.usage.reservation_ids import granted_at
from allowance.usage.settling import settlement_of
from tests.gateway import Client
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
from tests.usage import expire, month_before

PARTITIONS = (
    "SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid"
    " WHERE i.inhparent = 'ai_reservations'::regclass ORDER BY 1"
)
EMAIL = "maya@acme.example"


def settled_at(
    database: Database, reservation_id: UUID, occurred_at: datetime, micros: int = 5
) -> dict[str, Any]:
    """The figures after a settlement by a usage of some time, which is not recorded."""
    connection = Connection(DatabaseSource(database.app_url), "test")
    database.at_end(connection.close)
    usage = usage_of(used() | {"id": str(uuid4()), "occurred_at": occurred_at.isoformat()})
    granted = granted_at(reservation_id)
    assert granted is not None
    settlement = settlement_of(
        usage, reservation_id, granted, micros * 10**6, is_new=True, final=False
    )
    (row,) = connection.rows_of(call_of_entries([], [], [settlement]))
    assert row.settled is not None
    return SettlementFacts.model_validate(row.settled[0]).settled().budget.model_dump()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE users SET email = 'maya@new.example' WHERE username = 'maya'",
        "UPDATE users SET status = 'suspended' WHERE username = 'maya'",
        "UPDATE users SET status = 'deleted' WHERE username = 'maya'",
    ],
)
def test_a_retry_gets_its_grant_whatever_became_of_the_user(
    gateway: Client, database: Database, change: str
) -> None:
    first = gateway.post(PATH, request(user=EMAIL))
    database.run(change)
    again = gateway.post(PATH, request(user=EMAIL))
    assert (again.status, again.body) == (201, first.body)
    assert gateway.post(PATH, request(2, user=EMAIL)).status == 403


def test_a_user_without_an_organization_holds_without_a_limit(
    gateway: Client, acme: Acme, database: Database
) -> None:
    granted = gateway.post(PATH, of_cost(7, user="nora")).json()
    assert (granted["group"], granted["budget"]["group_id"]) == (None, None)
    assert granted["budget"]["spend_limit_micros"] is None
    settled = settle(gateway, granted["reservation_id"], used(user="nora"))
    assert (settled.status, settled.json()["status"]) == (200, "settled")
    assert gateway.get(f"{PATH}/{granted['reservation_id']}").json()["group_id"] is None
    assert held(database) == {}


def test_an_estimate_of_nothing_fits_until_the_limit_is_passed(
    gateway: Client, acme: Acme, database: Database
) -> None:
    limit_everyone(database, acme, 0)
    id_ = reserve(gateway, of_cost(0, 1))
    assert gateway.post(PATH, of_cost(1, 2)).status == 403
    settle(gateway, id_, used())
    refused = gateway.post(PATH, of_cost(0, 3)).json()
    assert refused["decision"]["would_fit_micros"] == 0


def test_a_reservation_that_was_dropped_meanwhile_is_looked_up_again(database: Database) -> None:
    with pytest.raises(ReservationChanged):
        settled_at(database, UUID("01a21e67-9969-7e5d-85b4-9b817875d7de"), datetime.now(UTC))
    assert database.rows("SELECT release_ai_reservation(gen_random_uuid(), now())") == [(None,)]


def test_usage_of_a_clock_ahead_counts_in_its_own_month(
    gateway: Client, database: Database
) -> None:
    id_ = UUID(reserve(gateway, request()))
    now = datetime.now(UTC)
    month = settled_at(database, id_, now)
    assert month["spent_micros"] == 5
    for occurred_at in (month["period_end"], month["period_start"] - timedelta(microseconds=1)):
        assert settled_at(database, id_, occurred_at)["spent_micros"] == 0


def test_a_hold_is_extended_until_24_hours_after_its_grant(
    gateway: Client, acme: Acme, database: Database
) -> None:
    granted = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=23, minutes=30)
    id_ = UUID(int=int(granted.timestamp() * 1000) << 80 | 7 << 76 | 2 << 62)
    maya, until = acme.users["maya"], datetime.now(UTC) + timedelta(minutes=1)
    database.run("SELECT ensure_ai_reservation_month(%s)", granted)
    database.run(
        "INSERT INTO ai_reservations (id, granted_at, key_digest, content_sha256, maker_id,"
        " user_id, group_id, organization_id, provider, model, estimate_micros, expires_at, facts)"
        " VALUES (%s, %s, gen_random_uuid(), sha256(''), %s, %s, gen_random_uuid(),"
        " gen_random_uuid(), 'p', 'm', 9000, %s, '{}')",
        id_,
        granted,
        acme.users["nora"],
        maya,
        until,
    )
    database.run(
        "INSERT INTO ai_reservation_holds VALUES (%s, %s, %s, 9000, gen_random_uuid())",
        maya,
        until,
        id_,
    )
    database.run("INSERT INTO ai_user_reserved VALUES (%s, 9000, %s)", maya, until)
    part = used(1, final=False, extend_seconds=3600)
    extended = settle(gateway, str(id_), part).json()
    assert datetime.fromisoformat(extended["expires_at"]) == granted + timedelta(hours=24)
    assert extended["reserved_micros"] == 9000 - ESTIMATE
    assert_holds_agree(database)


def test_parts_of_an_expired_reservation_are_booked_and_hold_nothing(
    gateway: Client, database: Database
) -> None:
    id_ = reserve(gateway, of_cost(8_000))
    end_holds(database)
    late = used(1, final=False)
    first = settle(gateway, id_, late)
    assert first.json().items() >= {"status": "expired", "reserved_micros": 0}.items()
    assert settle(gateway, id_, late).body == first.body
    assert settle(gateway, id_, used(2)).json()["status"] == "settled"
    assert database.rows("SELECT sum(cost_micros) FROM ai_usage") == [(2 * ESTIMATE,)]
    assert held(database) == {}
    assert_holds_agree(database)


def test_a_retry_of_a_settlement_outlives_the_month_of_its_usage(
    gateway: Client, database: Database
) -> None:
    id_, sent = reserve(gateway, request()), used()
    first = settle(gateway, id_, sent)
    ((month,),) = database.rows("SELECT tableoid::regclass::text FROM ai_usage")
    database.run(f"DROP TABLE {month}")
    assert settle(gateway, id_, sent).body == first.body
    other = reserve(gateway, request(2))
    assert settle(gateway, other, used(2)).status == 200, "the month comes back"


def test_the_job_drops_old_reservations_and_takes_expired_holds_off(
    gateway: Client, acme: Acme, database: Database
) -> None:
    for number in (1, 2):
        reserve(gateway, request(number))
    end_holds(database)
    for months in (3, 4, 5):
        name = f"ai_reservations_{month_before(months):%Y_%m}"
        for table in (name, name.replace("reservations", "reservation_settlements")):
            parent = table[: -len("_2026_01")]
            starts, ends = month_before(months), month_before(months - 1)
            database.run(
                f"CREATE TABLE {table} PARTITION OF {parent}"
                f" FOR VALUES FROM ('{starts}T00:00:00Z') TO ('{ends}T00:00:00Z')"
            )
    expire(database, 12)
    assert [name for (name,) in database.rows(PARTITIONS)] == [
        f"ai_reservations_{month_before(months):%Y_%m}" for months in (3, 0, -1)
    ]
    assert held(database) == {}
    assert database.rows(
        "SELECT reserved_micros, next_expiry = 'infinity' FROM ai_user_reserved"
    ) == [(0, True)]


def test_a_month_in_use_is_dropped_by_the_next_run(database: Database) -> None:
    starts, ends = month_before(5), month_before(4)
    for parent in ("ai_reservations", "ai_reservation_settlements"):
        database.run(
            f"CREATE TABLE {parent}_{starts:%Y_%m} PARTITION OF {parent}"
            f" FOR VALUES FROM ('{starts}T00:00:00Z') TO ('{ends}T00:00:00Z')"
        )
    with database.connect() as reader, reader.transaction():
        reader.execute("SELECT FROM ai_reservation_settlements")
        expire(database, 12)
        kept = [name for (name,) in database.rows(PARTITIONS)]
    assert f"ai_reservations_{starts:%Y_%m}" in kept, "both tables or none"
    expire(database, 12)
    assert f"ai_reservations_{starts:%Y_%m}" not in [name for (name,) in database.rows(PARTITIONS)]
