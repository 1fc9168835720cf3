"""Which callers may read and write an override; every refusal looks like an absence."""

from uuid import UUID

import pytest

from tests.gateway import Client
from tests.overrides import MAYA, NOT_FOUND, entries, limit, narrow, without_request_id
from tests.people import Acme
from tests.postgres import Database
from tests.refusals import CHANGED_BY_OWNERS


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("username", ["maya", "otto"])
def test_a_refusal_looks_like_an_absence(
    olivia: Client, acme: Acme, username: str, method: str
) -> None:
    olivia.put("/api/v2/users/adam/ai/budget/override", limit(acme, group="acme/Everyone"))
    client, body = acme.client(username), '{"spend_limit_micros": 1}' if method == "PUT" else None
    refused = client.send(method, "/api/v2/users/adam/ai/budget/override", body=body)
    for nobody in ("nobody", str(UUID(int=5)), "a%20b", "%00"):
        assert without_request_id(refused) == without_request_id(
            client.send(method, f"/api/v2/users/{nobody}/ai/budget/override", body=body)
        )
    assert (refused.status, refused.json()) == (404, NOT_FOUND)


@pytest.mark.parametrize("username", ["adam", "maya"])
def test_a_caller_who_may_only_read_is_refused_after_the_body_is_read(
    olivia: Client, acme: Acme, database: Database, username: str
) -> None:
    olivia.put(MAYA, limit(acme, 1))
    client = acme.client(username)
    assert client.get(MAYA).status == 200
    assert client.put(MAYA, {}).json()["message"] == "Validation failed."
    assert client.put(MAYA, limit(acme, 2)).json() == CHANGED_BY_OWNERS
    assert client.delete(MAYA).json() == CHANGED_BY_OWNERS
    assert (olivia.get(MAYA).json()["spend_limit_micros"], len(entries(database))) == (1, 1)


def test_a_group_that_the_caller_may_not_update_looks_like_none(
    acme: Acme, database: Database
) -> None:
    research = narrow(acme, "acme/research")
    absent = research.put(MAYA, {"group_id": str(UUID(int=5)), "spend_limit_micros": 1})
    assert without_request_id(research.put(MAYA, limit(acme))) == without_request_id(absent)
    assert absent.json() == NOT_FOUND
    acme.client("olivia").put(MAYA, limit(acme))
    assert research.delete(MAYA).json() == NOT_FOUND
    assert [entry[1] for entry in entries(database)] == ["create"]
