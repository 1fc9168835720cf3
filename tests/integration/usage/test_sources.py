"""The settings of a source of usage: who reads and sets them, versions and the audit log."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any
from uuid import UUID

import pytest

from allowance.access.gate import Gate
from allowance.contract.preconditions import Precondition
from allowance.database.database import Database as Connection
from allowance.database.settings import DatabaseSource
from allowance.rbac.policy import Permission, Role, Subject
from allowance.usage.sources import CostFrom, SourceSettings, UsageSourceStore
from tests.accounting import caller_of
from tests.directory_documents import apply
from tests.gateway import Answer, Client
from tests.people import Acme
from tests.postgres import Database
from tests.refusals import NOT_FOUND

SOURCES = "/api/v2/ai/sources"
RECORD = {"cost_from": "record"}
UNSET = {"unknown_users": None, "identity": [], "estimate_micros": None, "organization": None}
ALL = RECORD | {
    "unknown_users": "unattributed",
    "identity": ["user.email", "header:x-user"],
    "estimate_micros": 50_000,
    "organization": "acme",
}


@pytest.fixture
def olivia(acme: Acme) -> Client:
    """An owner: only owners set the settings."""
    return acme.client("olivia")


def set_source(client: Client, source: str, **more: Any) -> Answer:
    return client.put(f"{SOURCES}/{source}", RECORD, **more)


def test_a_source_has_the_defaults_until_an_owner_sets_them(olivia: Client) -> None:
    defaults = UNSET | {
        "source": "lite",
        "cost_from": "book",
        "created_at": None,
        "updated_at": None,
    }
    unset = olivia.get(f"{SOURCES}/lite")
    assert (unset.status, unset.json(), "ETag" in unset.headers) == (200, defaults, False)
    made = set_source(olivia, "lite")
    first = made.json()
    assert (made.status, first) == (
        200,
        UNSET
        | {
            "source": "lite",
            "cost_from": "record",
            "created_at": first["updated_at"],
            "updated_at": first["updated_at"],
        },
    )
    back = olivia.put(f"{SOURCES}/lite", {"cost_from": "book"}).json()
    assert back["created_at"] == first["created_at"] < back["updated_at"]
    found = olivia.get(f"{SOURCES}/lite")
    assert (found.json(), found.headers["ETag"]) == (back, f'"{back["updated_at"]}"')
    assert olivia.get(f"{SOURCES}/LITE").json()["updated_at"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "cost_from"),
        ({"cost_from": None}, "cost_from"),
        ({"cost_from": "Book"}, "cost_from"),
        (RECORD | {"unknown_users": "allow"}, "unknown_users"),
        (RECORD | {"identity": ["a b"]}, "identity[0]"),
        (RECORD | {"identity": ["a\n"]}, "identity[0]"),
        (RECORD | {"identity": ["a", "b", "a"]}, "identity"),
        (RECORD | {"identity": [f"f{n}" for n in range(9)]}, "identity"),
        (RECORD | {"identity": "email"}, "identity"),
        (RECORD | {"estimate_micros": -1}, "estimate_micros"),
        (RECORD | {"estimate_micros": 10**13 + 1}, "estimate_micros"),
        (RECORD | {"estimate_micros": 1.5}, "estimate_micros"),
        (RECORD | {"organization": "nowhere"}, "organization"),
        (RECORD | {"organization": str(UUID(int=0))}, "organization"),
        (RECORD | {"policy": "deny"}, "policy"),
    ],
)
def test_settings_that_nobody_understands_are_refused(
    olivia: Client, body: dict[str, Any], field: str
) -> None:
    refused = olivia.put(f"{SOURCES}/lite", body)
    assert (refused.status, refused.json()["message"]) == (400, "Validation failed.")
    assert [each["field"] for each in refused.json()["validations"]] == [field]
    assert olivia.get(f"{SOURCES}/lite").json()["updated_at"] is None


def test_put_replaces_all_settings_and_each_change_is_audited(
    olivia: Client, acme: Acme, database: Database
) -> None:
    id_ = str(acme.organizations["acme"])
    made = olivia.put(f"{SOURCES}/lite", ALL).json()
    assert made.items() >= (ALL | {"organization": {"id": id_, "name": "acme"}}).items()
    by_id = olivia.put(f"{SOURCES}/lite", ALL | {"organization": id_.upper()}).json()
    assert by_id["organization"] == made["organization"]
    assert olivia.get(f"{SOURCES}/lite").json() == by_id
    assert set_source(olivia, "lite").json().items() >= UNSET.items()
    entries = database.rows(
        "SELECT before, after FROM audit_log WHERE resource_type = 'ai_usage_source' ORDER BY id"
    )
    full = {name: value for name, value in ALL.items() if name != "organization"}
    first, last = full | {"organization_id": id_}, RECORD | UNSET | {"organization_id": None}
    del last["organization"]
    assert entries == [(None, first), (first, first), (first, last)]


def test_a_deleted_organization_is_none(olivia: Client) -> None:
    olivia.put(f"{SOURCES}/lite", RECORD | {"organization": "globex"})
    apply({"organizations": [{"name": "globex", "deleted": True}]})
    assert olivia.get(f"{SOURCES}/lite").json()["organization"] is None
    assert olivia.put(f"{SOURCES}/lite", RECORD | {"organization": "globex"}).status == 400


@pytest.mark.parametrize("source", ["allowance", "a%09b", "%20a", "x" * 256])
def test_a_source_that_no_record_can_have_is_refused(olivia: Client, source: str) -> None:
    for refused in (olivia.get(f"{SOURCES}/{source}"), set_source(olivia, source)):
        assert refused.status == 400, refused.body
        assert [each["field"] for each in refused.json()["validations"]] == ["path.source"]


@pytest.mark.parametrize("role", ["gateway", "auditor"])
def test_readers_of_usage_read_a_source_and_only_an_owner_sets_it(
    olivia: Client, acme: Acme, database: Database, role: str
) -> None:
    set_source(olivia, "lite")
    assert_hidden(acme.client("adam"))
    assert_hidden(acme.client("nora"))
    database.run("UPDATE users SET roles = ARRAY[%s] WHERE username = 'nora'", role)
    reader = acme.client("nora")
    assert reader.get(f"{SOURCES}/lite").json()["cost_from"] == "record"
    assert set_source(reader, "lite").status == 404


def assert_hidden(client: Client) -> None:
    for refused in (client.get(f"{SOURCES}/lite"), set_source(client, "lite")):
        assert (refused.status, refused.json()) == (404, NOT_FOUND)


def test_a_write_happens_only_on_the_version_that_it_names(olivia: Client) -> None:
    absent = set_source(olivia, "lite", headers={"if-match": "*"})
    changed = {"message": "It was changed by someone else."}
    assert (absent.status, absent.json()) == (412, changed)
    tag = set_source(olivia, "lite", headers={"if-none-match": "*"}).headers["ETag"]
    assert set_source(olivia, "lite", headers={"if-none-match": "*"}).status == 412
    assert set_source(olivia, "lite", headers={"if-match": tag}).status == 200
    assert set_source(olivia, "lite", headers={"if-match": tag}).status == 412


def test_entries_of_a_source_form_a_chain_however_many_write(
    database: Database, acme: Acme
) -> None:
    owner = Subject(None, (Role(site=(Permission("*", "*"),)),))
    start = threading.Barrier(4)

    def run(cost_from: CostFrom) -> None:
        with closing(Connection(DatabaseSource(database.app_url, None), "test")) as connection:
            gate = Gate(owner, connection)
            store = UsageSourceStore(gate, acme.origin("olivia"), caller_of(acme))
            start.wait()
            for _ in range(5):
                store.set_source("lite", SourceSettings(cost_from=cost_from), Precondition())

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(run, ("book", "record", "book", "record")))
    entries = database.rows(
        "SELECT before, after FROM audit_log WHERE resource_type = 'ai_usage_source' ORDER BY id"
    )
    assert len(entries) == 20
    assert [before for before, _ in entries] == [None, *(after for _, after in entries[:-1])]
