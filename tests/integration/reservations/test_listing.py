"""GET /api/v2/ai/reservations: which reservations a caller sees, and in which state."""

import pytest

from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.reservations import PATH, end_holds, of_cost, request, reserve, settle, used


@pytest.fixture
def made(gateway: Client, acme: Acme, database: Database) -> dict[str, str]:
    """A reservation in each state, for maya and otto, and one that olivia made for gus."""
    ids = {"expired": reserve(gateway, request(1))}
    end_holds(database)
    ids["settled"] = reserve(gateway, request(2))
    settle(gateway, ids["settled"], used(2))
    ids["released"] = reserve(gateway, request(3))
    gateway.delete(f"{PATH}/{ids['released']}")
    ids["held"] = reserve(gateway, of_cost(8_000, 4, user="otto"))
    settle(gateway, ids["held"], used(4, user="otto", final=False))
    ids["of gus"] = reserve(acme.client("olivia"), request(5, user="gus"))
    return ids


def listed(client: Client, query: str = "") -> list[str]:
    answer = client.get(PATH + query)
    assert answer.status == 200, answer.body
    return [each["reservation_id"] for each in answer.json()["reservations"]]


@pytest.mark.parametrize(
    ("person", "names"),
    [
        ("olivia", ["of gus", "held", "released", "settled", "expired"]),
        ("nora", ["held", "released", "settled", "expired"]),
        ("adam", ["held", "released", "settled", "expired"]),
        ("ana", ["held", "released", "settled", "expired"]),
        ("maya", ["released", "settled", "expired"]),
        ("otto", ["held"]),
        ("gus", ["of gus"]),
    ],
)
def test_a_caller_sees_those_that_concern_the_caller(
    acme: Acme, made: dict[str, str], person: str, names: list[str]
) -> None:
    client = acme.client(person)
    assert listed(client) == [made[each] for each in names]
    for name, id_ in made.items():
        answer = client.get(f"{PATH}/{id_}")
        assert answer.status == (200 if name in names else 404)


def test_a_stranger_sees_none(acme: Acme, gateway: Client) -> None:
    reserve(gateway, request(user="otto"))
    assert listed(acme.client("maya")) == []
    assert listed(acme.client("gus")) == []


def test_a_state_is_what_it_is_now(acme: Acme, made: dict[str, str]) -> None:
    adam = acme.client("adam")
    for state in ("held", "settled", "released", "expired"):
        assert listed(adam, f"?state={state}") == [made[state]]
    shown = adam.get(f"{PATH}/{made['held']}").json()
    assert (
        shown.items()
        >= {
            "state": "held",
            "estimate_micros": 8_000,
            "reserved_micros": 5_000,
            "settled_micros": 3_000,
            "overrun_micros": 0,
            "closed_at": None,
            "user": {"id": str(acme.users["otto"]), "username": "otto"},
            "group_id": str(acme.organizations["acme"]),
        }.items()
    )
    assert adam.get(f"{PATH}/{made['expired']}").json()["reserved_micros"] == 0
    assert adam.get(f"{PATH}/{made['settled']}").json()["closed_at"] is not None


def test_a_list_is_filtered_by_user(acme: Acme, made: dict[str, str]) -> None:
    for_maya = [made[each] for each in ("released", "settled", "expired")]
    adam, maya = acme.client("adam"), acme.client("maya")
    assert listed(adam, "?user=maya") == for_maya
    assert listed(adam, f"?user={acme.users['maya']}") == for_maya
    assert listed(maya, "?user=me") == for_maya
    assert listed(adam, "?user=me") == []
    assert listed(maya, "?user=otto") == []


def test_pages_have_each_reservation_once(acme: Acme, made: dict[str, str]) -> None:
    olivia, seen, after = acme.client("olivia"), list[str](), ""
    for _ in made:
        page = olivia.get(f"{PATH}?limit=2{after}").json()
        seen += [each["reservation_id"] for each in page["reservations"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert seen == listed(olivia)
    assert len(seen) == len(made)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("state=open", "state"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("after=x", "after"),
        ("after=00000000-0000-0000-0000-000000000007", "after"),
        ("user=maya@acme.example", "user"),
        ("usr=maya", "usr"),
    ],
)
def test_a_bad_query_names_its_field(acme: Acme, query: str, field: str) -> None:
    answer = acme.client("maya").get(f"{PATH}?{query}")
    assert answer.status == 400
    assert [each["field"] for each in answer.json()["validations"]] == [field]
