"""AttributeUsage: what it books for users who are known by now, once, in bounded runs."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from allowance.access.gate import Gate
from allowance.access.store import Origin
from allowance.database.database import Database as Connection
from allowance.database.settings import DatabaseSource
from allowance.errors import AttributionFailed
from allowance.rbac.system import USAGE_ATTRIBUTOR, Login
from allowance.usage import attributing, attributor, unattributed
from allowance.usage.attributor import UsageAttributor
from tests.gateway import Client
from tests.ledger import assert_sums_agree
from tests.people import Acme
from tests.postgres import Database
from tests.unattributed import COST, appear, assign, attribute, listed, now, spent
from tests.usage import record, results


@pytest.fixture
def olivia(acme: Acme) -> Client:
    """An owner: only owners assign."""
    return acme.client("olivia")


def test_a_job_books_what_a_request_leaves(
    gateway: Client, olivia: Client, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    results(gateway, *(record(n, user="kim") for n in range(7)))
    monkeypatch.setattr(attributing, "PAGE", 3)
    monkeypatch.setattr(unattributed, "MAX_SECONDS", 0)
    answer = assign(olivia, "kim", "maya").json()
    assert (answer["booked_usage_count"], answer["remaining_usage_count"]) == (3, 4)
    (left,) = listed(gateway)["names"]
    assert (left["usage_count"], left["assigned_to"]["username"]) == (4, "maya")
    with monkeypatch.context() as hurried:
        hurried.setattr(attributor, "RUN_SECONDS", 0)
        assert attribute() == {"attributed": 0, "is_finished": False}
    assert attribute() == {"attributed": 4, "is_finished": True}
    assert attribute() == {"attributed": 0, "is_finished": True}
    assert spent(database) == {"maya": 7 * COST}
    assert_sums_agree(database)


def test_a_name_that_appears_gets_what_occurred_after_its_creation(
    gateway: Client, database: Database
) -> None:
    """The usage is recorded between the creation of the user and its commit."""
    before = now()
    appear("kim", email="kim@x.example")
    database.run("UPDATE users SET username = 'away', email = NULL WHERE username = 'kim'")
    results(
        gateway,
        record(1, user="kim", occurred_at=before),
        record(2, user="kim", occurred_at=now()),
        record(3, user="KIM@x.example", occurred_at=now()),
        record(4, user="stranger", occurred_at=now()),
    )
    assert attribute() == {"attributed": 0, "is_finished": True}
    database.run("UPDATE users SET username = 'kim' WHERE username = 'away'")
    database.run("UPDATE users SET email = 'kim@x.example' WHERE username = 'kim'")
    assert attribute() == {"attributed": 2, "is_finished": True}
    assert attribute() == {"attributed": 0, "is_finished": True}
    assert spent(database) == {"kim": 2 * COST, "nobody": 2 * COST}
    assert [each["name"] for each in listed(gateway)["names"]] == ["kim", "stranger"]
    assert_sums_agree(database)


def test_a_run_looks_at_every_name(
    gateway: Client, olivia: Client, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    results(gateway, *(record(n, user=f"kim-{n}", occurred_at=now()) for n in range(8)))
    monkeypatch.setattr(attributor, "NAMES", 2)
    database.run("UPDATE users SET username = 'kim-7' WHERE username = 'otto'")
    monkeypatch.setattr(unattributed, "attribute", lambda *_, **__: ())
    for n in range(3):
        assign(olivia, f"kim-{n}", "maya")
    assert attribute() == {"attributed": 4, "is_finished": True}
    assert spent(database) == {"maya": 3 * COST, "kim-7": COST, "nobody": 4 * COST}


def test_two_at_once_book_each_usage_once(
    gateway: Client, olivia: Client, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    results(gateway, *(record(n, user="kim") for n in range(40)))
    monkeypatch.setattr(attributing, "PAGE", 10)
    assign(olivia, "lee", "maya")
    database.run("UPDATE ai_usage_assignments SET name = 'kim'")
    start = threading.Barrier(3)

    def run(_: int) -> None:
        with closing(Connection(DatabaseSource(database.url_of(Login.JOBS), None), "test")) as own:
            gate = Gate(USAGE_ATTRIBUTOR.subject, own)
            start.wait(timeout=60)
            UsageAttributor(gate, Origin(None, USAGE_ATTRIBUTOR.name, "test")).attribute_usage()

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(run, range(3)))
    attribute()
    assert spent(database) == {"maya": 40 * COST}
    assert database.rows("SELECT count(*) FROM ai_usage WHERE reason = 'attribute'") == [(80,)]
    assert_sums_agree(database)


def test_a_name_that_fails_holds_back_no_other(
    gateway: Client, olivia: Client, database: Database
) -> None:
    results(gateway, record(1, user="bad"), record(2, user="kim"))
    database.run(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE 'a fault in the database'; END $$"
    )
    database.run(
        "CREATE TRIGGER refuse BEFORE DELETE ON ai_usage_unattributed FOR EACH ROW"
        " WHEN (old.name = 'bad') EXECUTE FUNCTION refuse()"
    )
    assign(olivia, "bad", "maya")
    appear("kim")
    database.run("UPDATE users SET created_at = '2020-01-01' WHERE username = 'kim'")
    with pytest.raises(AttributionFailed, match="the usage of 1 names"):
        attribute()
    assert spent(database) == {"kim": COST, "nobody": COST}
    database.run("DROP TRIGGER refuse ON ai_usage_unattributed")
    assert attribute() == {"attributed": 1, "is_finished": True}
    assert spent(database) == {"kim": COST, "maya": COST}
