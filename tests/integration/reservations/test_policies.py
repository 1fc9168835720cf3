"""The policy of an organization for calls without a price: routes, versions, audit, decisions."""

import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any
from uuid import UUID

import pytest
from psycopg.types.json import Jsonb

from allowance.access.caller import Caller, OrganizationReference
from allowance.access.gate import Gate
from allowance.contract.preconditions import Precondition
from allowance.database.database import Database as Connection
from allowance.database.settings import DatabaseSource
from allowance.errors import OrganizationNotFound
from allowance.rbac.policy import Permission, Role, Subject
from allowance.reservations.policies import PolicyStore
from allowance.reservations.policy_models import PolicyTerms
from tests.accounting import caller_of
from tests.conftest import environment
from tests.directory_documents import apply
from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.refusals import NOT_FOUND
from tests.wire import wire

PATH = "/api/v2/organizations/acme/ai/policy"
ALLOW = {"unpriced": "allow"}
ASSUME = {"unpriced": "assume", "assumed_input_price": 3, "assumed_output_price": 15}
NO_PRICES = {"assumed_input_price": None, "assumed_output_price": None}


def default_of(acme: Acme, terms: dict[str, Any]) -> dict[str, Any]:
    return {
        **terms,
        "organization_id": str(acme.organizations["acme"]),
        "source": "deployment",
        "created_at": None,
        "updated_at": None,
    }


@contextmanager
def store_of(database: Database, acme: Acme, caller: Caller) -> Generator[PolicyStore]:
    """A store of somebody who may do everything, on a connection of its own."""
    owner = Subject(None, (Role(site=(Permission("*", "*"),)),))
    with closing(Connection(DatabaseSource(database.app_url, None), "test")) as connection:
        yield PolicyStore(Gate(owner, connection), acme.origin("olivia"), caller)


def test_an_organization_has_the_default_until_it_sets_a_policy(acme: Acme, adam: Client) -> None:
    unset = adam.get(PATH)
    assert (unset.status, "ETag" in unset.headers) == (200, False)
    assert unset.json() == default_of(acme, {"unpriced": "deny"} | NO_PRICES)
    made = adam.put(PATH, ASSUME)
    first = made.json()
    assert (made.status, first) == (
        200,
        {
            **ASSUME,
            "organization_id": str(acme.organizations["acme"]),
            "source": "organization",
            "created_at": first["updated_at"],
            "updated_at": first["updated_at"],
        },
    )
    changed = adam.put(PATH, ALLOW).json()
    assert changed == {**first, **ALLOW, **NO_PRICES, "updated_at": changed["updated_at"]}
    assert changed["updated_at"] > first["updated_at"]
    found = adam.get(PATH)
    assert (found.json(), found.headers["ETag"]) == (changed, f'"{changed["updated_at"]}"')


def test_the_default_is_the_deployments(acme: Acme, adam: Client, database: Database) -> None:
    with environment(
        DATABASE_URL=database.app_url,
        UNPRICED_MODELS="assume",
        ASSUMED_INPUT_PRICE="3",
        ASSUMED_OUTPUT_PRICE="15",
    ):
        assert adam.get(PATH).json() == default_of(acme, ASSUME)


def test_terms_that_make_no_sense_are_refused(adam: Client, database: Database) -> None:
    refused = adam.put(PATH, {"unpriced": "assume", "assumed_input_price": -1})
    assert (refused.status, refused.json()["message"]) == (400, "Validation failed.")
    fields = [each["field"] for each in refused.json()["validations"]]
    assert fields == ["assumed_input_price", "assumed_output_price"]
    assert database.rows("SELECT count(*) FROM ai_policies") == [(0,)]


def test_a_null_price_is_as_none(adam: Client) -> None:
    assert adam.put(PATH, ALLOW | NO_PRICES).status == 200


@pytest.mark.parametrize(
    ("person", "reads", "changes"),
    [
        ("olivia", True, True),
        ("adam", True, True),
        ("ana", True, False),
        ("maya", True, False),
        ("gus", False, False),
        ("nora", False, False),
    ],
)
def test_it_is_read_and_changed_by_the_rights_on_everyone(
    acme: Acme, database: Database, person: str, reads: bool, changes: bool
) -> None:
    client = acme.client(person)
    found, put = client.get(PATH), client.put(PATH, ALLOW)
    assert (found.status, put.status) == (200 if reads else 404, 200 if changes else 404)
    if not changes:
        assert put.json()["message"] == NOT_FOUND["message"]
        assert database.rows("SELECT count(*) FROM ai_policies") == [(0,)]
    if not reads:
        elsewhere = f"/api/v2/organizations/{UUID(int=8)}/ai/policy"
        assert found.json() == client.get(elsewhere).json() == put.json() == NOT_FOUND


def test_a_token_for_another_group_sees_no_policy(acme: Acme, database: Database) -> None:
    """It sees the organization by that group, so the group Everyone decides, before the gate."""
    scope = {
        "site": [{"resource_type": "group", "action": each} for each in ("read", "update")],
        "allow_list": [{"type": "group", "id": "acme/platform"}],
    }
    made = apply({"tokens": [{"username": "adam", "name": "narrow", "scope": scope}]})
    narrow = Client(made["tokens"]["adam/narrow"])
    assert narrow.get("/api/v2/organizations/acme/groups").status == 200
    for enabled in ("true", "false"):
        with environment(DATABASE_URL=database.app_url, AI_BUDGETS_ENABLED=enabled):
            assert (narrow.get(PATH).status, narrow.put(PATH, ALLOW).status) == (404, 404)


def test_the_gate_of_the_feature_covers_policies(acme: Acme, database: Database) -> None:
    with environment(DATABASE_URL=database.app_url, AI_BUDGETS_ENABLED="false"):
        assert acme.client("adam").get(PATH).status == 403
        assert acme.client("adam").put(PATH, ALLOW).status == 403
        assert acme.client("gus").put(PATH, ALLOW).status == 404


def test_a_write_happens_only_on_the_version_that_it_names(adam: Client) -> None:
    absent = adam.put(PATH, ALLOW, headers={"if-match": "*"})
    changed = {"message": "It was changed by someone else."}
    assert (absent.status, absent.json()) == (412, changed)
    tag = adam.put(PATH, ALLOW, headers={"if-none-match": "*"}).headers["ETag"]
    assert adam.put(PATH, ALLOW, headers={"if-none-match": "*"}).status == 412
    assert adam.put(PATH, ASSUME, headers={"if-match": tag}).status == 200
    assert adam.put(PATH, ALLOW, headers={"if-match": tag}).status == 412
    assert adam.get(PATH).json()["unpriced"] == "assume"


def test_an_entry_of_the_audit_log_says_what_changed(acme: Acme, adam: Client) -> None:
    adam.put(PATH, ASSUME)
    adam.put(PATH, ALLOW)
    adam.put(PATH, ALLOW)
    entries = adam.get("/api/v2/audit?limit=3").json()["entries"]
    assert [(each["action"], each["before"], each["after"]) for each in entries] == [
        ("update", ALLOW, ALLOW),
        ("update", ASSUME, ALLOW),
        ("create", None, ASSUME),
    ]
    of_acme = str(acme.organizations["acme"])
    assert {each["resource_type"] for each in entries} == {"ai_policy"}
    assert {(each["resource_id"], each["organization_id"]) for each in entries} == {
        (of_acme, of_acme)
    }
    of_globex = acme.client("gus").get("/api/v2/audit").json()["entries"]
    assert "ai_policy" not in {each["resource_type"] for each in of_globex}


def test_entries_of_a_policy_form_a_chain_however_many_write(
    database: Database, acme: Acme
) -> None:
    start = threading.Barrier(4)

    def run(terms: dict[str, Any]) -> None:
        with store_of(database, acme, caller_of(acme)) as store:
            start.wait()
            for _ in range(5):
                store.set_policy(PolicyTerms(**terms), Precondition())

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(run, (ALLOW, ASSUME, ALLOW, ASSUME)))
    entries = database.rows(
        "SELECT before, after FROM audit_log WHERE resource_type = 'ai_policy' ORDER BY id"
    )
    assert len(entries) == 20
    assert [before for before, _ in entries] == [None, *(after for _, after in entries[:-1])]


def test_a_deleted_organization_has_no_policy(acme: Acme, database: Database) -> None:
    path = PATH.replace("acme", "globex")
    gus, olivia = acme.client("gus"), acme.client("olivia")
    assert gus.put(path, ALLOW).status == 200
    database.run("UPDATE organizations SET deleted_at = now() WHERE name = 'globex'")
    for client in (gus, olivia):
        assert (client.get(path).status, client.put(path, ALLOW).status) == (404, 404)


def test_an_organization_that_goes_meanwhile_gets_no_policy(acme: Acme, database: Database) -> None:
    """The caller and the path were looked up before."""
    database.run("UPDATE organizations SET deleted_at = now() WHERE name = 'globex'")
    globex = OrganizationReference(id=acme.organizations["globex"], name="globex")
    with (
        store_of(database, acme, caller_of(acme).model_copy(update={"organization": globex})) as it,
        pytest.raises(OrganizationNotFound),
    ):
        it.set_policy(PolicyTerms(unpriced="allow"), Precondition())


def test_reading_costs_two_round_trips_and_writing_two(database: Database, acme: Acme) -> None:
    adam = acme.client("adam")
    with wire(database.app_url) as counted, environment(DATABASE_URL=counted.url):
        adam.get(PATH)
        for work in (lambda: adam.get(PATH), lambda: adam.put(PATH, ALLOW)):
            counted.reset()
            assert work().status == 200
            assert counted.trips == 2


def test_a_decision_takes_the_policy_and_else_the_default(
    adam: Client, acme: Acme, database: Database
) -> None:
    def found(organization_id: UUID | None, default: dict[str, Any] | None) -> Any:
        return database.rows(
            "SELECT * FROM ai_unpriced_policy(%s, %s)",
            organization_id,
            None if default is None else Jsonb(default),
        )[0]

    of_acme = acme.organizations["acme"]
    assert found(of_acme, ASSUME) == ("assume", 3, 15)
    assert found(of_acme, ALLOW | NO_PRICES) == ("allow", None, None)
    assert found(of_acme, None) == found(of_acme, {}) == ("deny", None, None)
    adam.put(PATH, ALLOW)
    assert found(of_acme, ASSUME) == ("allow", None, None)
    adam.put(PATH, {"unpriced": "assume", "assumed_input_price": 0, "assumed_output_price": 7})
    assert found(of_acme, ALLOW) == ("assume", 0, 7)
    for other in (acme.organizations["globex"], UUID(int=0), None):
        assert found(other, ASSUME) == ("assume", 3, 15)
