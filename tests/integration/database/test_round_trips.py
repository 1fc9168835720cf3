"""What a request costs: trips to the database on a warm connection, counted on the wire, BEGIN and
COMMIT included.
"""

import json
from collections.abc import Callable
from uuid import UUID

import pytest

from tests.conftest import environment
from tests.gateway import Answer, Client
from tests.organization_budgets import BUDGETS, body, created
from tests.overrides import MAYA, limit
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, seed
from tests.reservations import PATH, limit_everyone, of_cost, request, reserve, settle, used
from tests.wire import wire


@pytest.mark.parametrize(
    ("most", "status", "request_of"),
    [
        (2, 200, lambda client, path: client.get(path)),
        (2, 200, lambda client, path: client.get(path.removesuffix("/ai/budget"))),
        (3, 200, lambda client, path: client.put(path, {"spend_limit_micros": 2})),
        (3, 204, lambda client, path: client.delete(path)),
        (3, 412, lambda client, path: client.delete(path, headers={"If-Match": '"other"'})),
        (1, 200, lambda client, _: client.get("/api/v2/users/me")),
        (2, 200, lambda client, _: client.get("/api/v2/organizations/acme/groups")),
        (2, 200, lambda client, _: client.get("/api/v2/audit")),
        (1, 400, lambda client, path: client.put(path, {})),
    ],
    ids=[
        "GET budget",
        "GET group",
        "PUT",
        "DELETE",
        "DELETE refused",
        "me",
        "groups",
        "audit",
        "bad body",
    ],
)
def test_a_request_costs_no_more_trips_than_it_may(
    database: Database,
    acme: Acme,
    most: int,
    status: int,
    request_of: Callable[[Client, str], Answer],
) -> None:
    adam, path = acme.client("adam"), acme.budget_path()
    adam.put(path, {"spend_limit_micros": 1})
    with wire(database.app_url) as counted, environment(DATABASE_URL=counted.url):
        assert adam.get("/api/v2/users/me").status == 200  # warms the connection
        counted.reset()
        assert request_of(adam, path).status == status
        assert 1 <= counted.trips <= most


@pytest.mark.parametrize(
    ("most", "status", "method", "path", "body"),
    [
        (2, 200, "GET", "", None),
        (2, 200, "GET", "/held", None),
        (2, 200, "GET", "/resolve?provider=p&model=M-2026-11-22", None),
        (3, 200, "POST", "", {"prices": [price(input_price=2, confirm=True)]}),
        (3, 204, "DELETE", "/p/m", None),
        (3, 204, "POST", "/held/{held}/approve", None),
        (1, 400, "POST", "", {"prices": [{}]}),
    ],
)
def test_a_price_route_costs_no_more_either(
    database: Database, acme: Acme, most: int, status: int, method: str, path: str, body: object
) -> None:
    seed(price(input_price=1_000_000))
    seed(price(input_price=9_000_000))
    olivia, prices = acme.client("olivia"), "/api/v2/ai/model-prices"
    olivia.post(prices, {"prices": [price(input_price=1, confirm=True)]})
    held = olivia.get(f"{prices}/held").json()["held"][0]["id"]
    sent = None if body is None else json.dumps(body)
    with wire(database.app_url) as counted, environment(DATABASE_URL=counted.url):
        assert olivia.get("/api/v2/users/me").status == 200
        counted.reset()
        assert olivia.send(method, prices + path.format(held=held), body=sent).status == status
        assert 1 <= counted.trips <= most


@pytest.mark.parametrize(
    ("most", "status", "request_of"),
    [
        (2, 200, lambda client, path, _: client.get(path)),
        (3, 200, lambda client, path, acme: client.put(path, limit(acme))),
        (3, 200, lambda client, path, acme: client.put(path, limit(acme, group="acme/Everyone"))),
        (3, 204, lambda client, path, _: client.delete(path)),
        (1, 400, lambda client, path, _: client.put(path, {})),
    ],
    ids=["GET", "PUT", "PUT in another group", "DELETE", "bad body"],
)
def test_an_override_costs_no_more_either(
    database: Database,
    acme: Acme,
    most: int,
    status: int,
    request_of: Callable[[Client, str, Acme], Answer],
) -> None:
    olivia = acme.client("olivia")
    olivia.put(MAYA, limit(acme))
    with wire(database.app_url) as counted, environment(DATABASE_URL=counted.url):
        assert olivia.get("/api/v2/users/me").status == 200
        counted.reset()
        assert request_of(olivia, MAYA, acme).status == status
        assert 1 <= counted.trips <= most


@pytest.mark.parametrize(
    ("trips", "status", "send"),
    [
        (2, 201, lambda client, _: client.post(PATH, request(2))),
        (2, 201, lambda client, _: client.post(PATH, request(1))),
        (2, 403, lambda client, _: client.post(PATH, of_cost(10**12, 2))),
        (2, 403, lambda client, _: client.post(PATH, request(2, user="unheard-of"))),
        (2, 200, lambda client, id_: settle(client, id_, used())),
        (2, 200, lambda client, id_: settle(client, id_, used(final=False))),
        (2, 204, lambda client, id_: client.delete(f"{PATH}/{id_}")),
        (2, 200, lambda client, id_: client.get(f"{PATH}/{id_}")),
        (2, 200, lambda client, _: client.get(PATH)),
        (1, 400, lambda client, _: client.post(PATH, {})),
        (1, 401, lambda _, __: Client("alw_nobody000000_x").post(PATH, request(2))),
        (1, 404, lambda client, _: client.delete(f"{PATH}/{UUID(int=7)}")),
    ],
    ids=[
        "reserve",
        "retry",
        "refused",
        "unknown user",
        "settle",
        "settle a part",
        "release",
        "GET",
        "list",
        "bad body",
        "no credential",
        "no reservation",
    ],
)
def test_a_reservation_costs_two_trips(
    database: Database,
    acme: Acme,
    gateway: Client,
    trips: int,
    status: int,
    send: Callable[[Client, str], Answer],
) -> None:
    limit_everyone(database, acme, 10_000)
    # The first grant and the first usage of a month create its partitions.
    settle(gateway, reserve(gateway, request(9)), used(9))
    id_ = reserve(gateway, request(1))
    with wire(database.app_url) as counted, environment(DATABASE_URL=counted.url):
        assert gateway.get("/api/v2/users/me").status == 200
        counted.reset()
        answer = send(gateway, id_)
        assert (answer.status, counted.trips) == (status, trips), answer.body


@pytest.mark.parametrize(
    ("most", "status", "request_of"),
    [
        (2, 200, lambda client: client.get(BUDGETS)),
        (2, 200, lambda client: client.get(f"{BUDGETS}/all")),
        (2, 200, lambda client: client.get(f"{BUDGETS}/all/spend")),
        (3, 201, lambda client: client.post(BUDGETS, body("new"))),
        (3, 200, lambda client: client.put(f"{BUDGETS}/all", body())),
        (3, 204, lambda client: client.delete(f"{BUDGETS}/all")),
        (1, 400, lambda client: client.post(BUDGETS, {})),
        (1, 400, lambda client: client.post(BUDGETS, body(per="value"))),
    ],
    ids=["list", "GET", "spend", "POST", "PUT", "DELETE", "bad body", "bad combination"],
)
def test_a_budget_of_an_organization_costs_no_more_either(
    database: Database, acme: Acme, most: int, status: int, request_of: Callable[[Client], Answer]
) -> None:
    adam = acme.client("adam")
    created(adam)
    with wire(database.app_url) as counted, environment(DATABASE_URL=counted.url):
        assert adam.get("/api/v2/users/me").status == 200
        counted.reset()
        assert request_of(adam).status == status
        assert 1 <= counted.trips <= most


def test_a_refused_credential_that_is_malformed_costs_no_trip(
    database: Database, acme: Acme
) -> None:
    with wire(database.app_url) as counted, environment(DATABASE_URL=counted.url):
        assert Client("nonsense").get(acme.budget_path()).status == 401
        assert counted.trips == 0


def test_a_refusal_costs_no_more_than_the_look_at_the_caller(
    database: Database, acme: Acme
) -> None:
    with wire(database.app_url) as counted, environment(DATABASE_URL=counted.url):
        otto = acme.client("otto")
        assert otto.get("/api/v2/users/me").status == 200
        counted.reset()
        assert otto.get(acme.budget_path()).status == 404
        assert counted.trips == 1


def test_nothing_that_a_request_says_pins_the_session_of_an_rds_proxy(
    database: Database, acme: Acme
) -> None:
    """https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-proxy-pinning.html."""
    adam, path = acme.client("adam"), acme.budget_path()
    with wire(database.app_url) as counted, environment(DATABASE_URL=counted.url):
        assert adam.put(path, {"spend_limit_micros": 1}).status == 200
        assert adam.get(path).status == 200
        assert adam.delete(path).status == 204
        assert adam.get("/api/v2/audit").status == 200
    startup, sent = spoken_to_postgres(counted.sent)
    assert b"application_name\0" in startup
    assert b"options\0" not in startup
    prepared = [body for kind, body in sent if kind == b"P"]
    assert len(prepared) > 6
    assert all(body.startswith(b"\0") for body in prepared), "only statements without a name"
    assert not [
        body
        for kind, body in sent
        if kind in b"PQ" and body.lstrip(b"\0").upper().startswith(b"SET ")
    ]


def spoken_to_postgres(sent_bytes: bytes) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """The startup message, and the messages after it: (type, body).

    https://www.postgresql.org/docs/current/protocol-message-formats.html
    """
    startup, at = b"", 0
    while at < len(sent_bytes) and sent_bytes[at] == 0:  # the first messages have no type
        length = int.from_bytes(sent_bytes[at : at + 4])
        startup, at = sent_bytes[at + 4 : at + length], at + length
    messages: list[tuple[bytes, bytes]] = []
    while at < len(sent_bytes):
        length = int.from_bytes(sent_bytes[at + 1 : at + 5])
        messages.append((sent_bytes[at : at + 1], sent_bytes[at + 5 : at + 1 + length]))
        at += 1 + length
    return startup, messages
