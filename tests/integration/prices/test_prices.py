"""The routes of model prices: who may, custom over default, at any time, page by page, all or
nothing.
"""

import base64
import json
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from allowance.access.gate import Gate
from allowance.access.store import Origin
from allowance.database.database import Database as Connection
from allowance.database.settings import DatabaseSource
from allowance.errors import PriceNotFound
from allowance.prices.book import MAX_ENTRIES, CustomPrices, ModelPrice
from allowance.prices.store import ModelPriceStore
from allowance.rbac.policy import Permission, Role, Subject
from tests.conftest import environment
from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import RATES, counts, price, seed, versions

PRICES = "/api/v2/ai/model-prices"
EXPERIMENTAL = "/api/experimental/ai/model-prices"
FORBIDDEN = {"message": "Forbidden."}


@pytest.fixture
def olivia(acme: Acme) -> Client:
    """An owner: nobody else may change prices."""
    return acme.client("olivia")


@pytest.fixture
def gateway(database: Database, acme: Acme) -> Client:
    """Somebody who may read prices, and no more."""
    database.run("UPDATE users SET roles = '{gateway}' WHERE username = 'nora'")
    return acme.client("nora")


def listed(client: Client, query: str = "", path: str = PRICES) -> list[tuple[Any, ...]]:
    answer = client.get(path + (f"?{query}" if query else ""))
    assert answer.status == 200, answer.body
    prices = answer.json() if path == EXPERIMENTAL else answer.json()["prices"]
    return [
        (each["provider"], each["model"], each["source"], each["input_price"]) for each in prices
    ]


def url_time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def test_the_custom_price_is_in_effect_and_the_default_stands_beside_it(
    olivia: Client, gateway: Client
) -> None:
    seed(price("a", input_price=10), price("b", input_price=20))
    assert (
        olivia.post(
            PRICES, {"prices": [price("b", input_price=5), price("c", input_price=6)]}
        ).status
        == 204
    )
    assert listed(gateway) == [
        ("p", "a", "default", 10),
        ("p", "b", "custom", 5),
        ("p", "c", "custom", 6),
    ]
    assert listed(gateway, path=EXPERIMENTAL) == listed(gateway)
    assert listed(gateway, "source=default") == [
        ("p", "a", "default", 10),
        ("p", "b", "default", 20),
    ]
    assert listed(gateway, "source=custom") == [("p", "b", "custom", 5), ("p", "c", "custom", 6)]
    assert listed(gateway, "source=all&model=b") == [
        ("p", "b", "custom", 5),
        ("p", "b", "default", 20),
    ]
    assert listed(gateway, "provider=P") == []


def test_a_seeding_never_overwrites_a_custom_price(olivia: Client) -> None:
    olivia.post(PRICES, {"prices": [price(input_price=5)]})
    assert seed(price(input_price=10)) == counts(inserted=1)
    assert seed(price(input_price=20)) == counts(updated=1)
    assert listed(olivia, "source=all") == [("p", "m", "custom", 5), ("p", "m", "default", 20)]


def test_a_custom_price_for_a_while_gives_way_to_that_of_before(
    olivia: Client, database: Database
) -> None:
    olivia.post(PRICES, {"prices": [price(input_price=10)]})
    soon = url_time(datetime.now(UTC) + timedelta(days=30))
    olivia.post(
        PRICES, {"prices": [price(input_price=5), price(input_price=10, effective_from=soon)]}
    )
    assert listed(olivia) == [("p", "m", "custom", 5)]
    assert listed(olivia, f"at={soon}") == [("p", "m", "custom", 10)]
    told = database.rows(
        "SELECT action, before -> 'input_price', after -> 'input_price' FROM audit_log"
        " WHERE resource_type = 'ai_model_price' ORDER BY id"
    )
    assert told == [("create", None, 10), ("update", 10, 5), ("update", 5, 10)]


def test_a_deleted_custom_price_brings_the_default_back_and_can_still_be_seen(
    olivia: Client,
) -> None:
    seed(price(input_price=10))
    olivia.post(PRICES, {"prices": [price(input_price=5)]})
    ((*_, set_at, _, _, _),) = [
        (each[0], each[1], *each[2:]) for each in versions_of_custom(olivia)
    ]
    assert olivia.delete(f"{PRICES}/p/m").status == 204
    assert listed(olivia) == [("p", "m", "default", 10)]
    assert listed(olivia, f"at={url_time(set_at)}") == [("p", "m", "custom", 5)]
    gone = olivia.delete(f"{PRICES}/p/m")
    assert (gone.status, gone.json()["message"]) == (
        404,
        "Resource not found or you do not have access to this resource",
    )


def versions_of_custom(client: Client) -> list[tuple[Any, ...]]:
    (custom,) = client.get(f"{PRICES}?source=custom").json()["prices"]
    return [
        (
            "custom",
            datetime.fromisoformat(custom["effective_from"]),
            custom["input_price"],
            False,
            False,
        )
    ]


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("org/model:free", "org/model:free"),
        ("org/model", "org%2Fmodel"),
        ("a b", "a%20b"),
        ("é%'\"\\", "%C3%A9%25%27%22%5C"),
        ("held", "held"),
        ("x/approve", "x/approve"),
    ],
)
def test_the_model_of_a_path_is_the_rest_of_it(
    olivia: Client, database: Database, model: str, path: str
) -> None:
    assert olivia.post(PRICES, {"prices": [price(model, input_price=5)]}).status == 204
    assert olivia.delete(f"{PRICES}/p/{path}").status == 204
    assert [row[3] for row in versions(database, model)] == [False, True]


@pytest.mark.parametrize("path", ["p/a%00b", "p/%0A", "p/m/", "%20/m"])
def test_a_name_that_no_model_can_have_has_no_price(olivia: Client, path: str) -> None:
    assert olivia.delete(f"{PRICES}/{path}").status == 404


def test_a_price_counts_from_its_time_on_and_nothing_is_overwritten(
    olivia: Client, database: Database
) -> None:
    now = datetime.now(UTC)
    last_month, next_month = now - timedelta(days=30), now + timedelta(days=30)
    seed(price(input_price=10))
    for moment, amount in ((next_month, 7), (last_month, 5)):
        body = {"prices": [price(input_price=amount, effective_from=url_time(moment))]}
        assert olivia.post(PRICES, body).status == 204
    for moment, amount in (
        (last_month - timedelta(microseconds=1), 10),
        (last_month, 5),
        (now, 5),
        (next_month - timedelta(microseconds=1), 5),
        (next_month, 7),
    ):
        assert [each[3] for each in listed(olivia, f"at={url_time(moment)}")] == [amount]
    assert listed(olivia) == [("p", "m", "custom", 5)]
    assert olivia.delete(f"{PRICES}/p/m").status == 204
    assert listed(olivia, f"at={url_time(next_month)}") == [("p", "m", "default", 10)], (
        "what was scheduled is ended too"
    )
    assert listed(olivia, f"at={url_time(last_month)}") == [("p", "m", "custom", 5)]
    assert len(versions(database)) == 5


def test_the_first_price_of_a_model_prices_what_was_used_before_it_too(olivia: Client) -> None:
    olivia.post(PRICES, {"prices": [price("new", input_price=5)]})
    assert listed(olivia, "at=2020-01-01T00:00:00Z") == [("p", "new", "custom", 5)]
    assert olivia.get(PRICES).json()["prices"][0]["effective_from"] is None


def test_a_price_is_told_whole(olivia: Client) -> None:
    terms = {
        "input_price": 3_000_000,
        "output_price": 0,
        "tiers": [{"above_input_tokens": 200_000, "input_price": 6_000_000}],
        "variants": {"batch": {"input_price": 1_500_000}},
        "effective_from": "2026-11-01T02:00:00+02:00",
    }
    olivia.post(PRICES, {"prices": [price(**terms)]})
    (told,) = olivia.get(PRICES).json()["prices"]
    nothing = dict.fromkeys(
        (
            "input_price",
            "output_price",
            "cache_read_price",
            "cache_write_price",
            "cache_write_1h_price",
        )
    )
    recorded_at = told.pop("recorded_at")
    assert told == nothing | {
        "provider": "p",
        "model": "m",
        "source": "custom",
        "input_price": 3_000_000,
        "output_price": 0,
        "tiers": [nothing | {"above_input_tokens": 200_000, "input_price": 6_000_000}],
        "variants": {"batch": nothing | {"input_price": 1_500_000, "tiers": []}},
        "effective_from": "2026-11-01T00:00:00.000000Z",
        "withdrawn_at": None,
        "sources": [],
        "origin": "olivia",
    }
    assert datetime.fromisoformat(recorded_at) <= datetime.now(UTC)


def test_every_change_has_its_audit_entry_with_before_and_after(
    olivia: Client, database: Database
) -> None:
    olivia.post(PRICES, {"prices": [price(input_price=5)]})
    olivia.post(PRICES, {"prices": [price(input_price=5)]})
    answer = olivia.post(PRICES, {"prices": [price(input_price=6), price("n", input_price=1)]})
    olivia.delete(f"{PRICES}/p/m")
    entries = [
        each
        for each in olivia.get("/api/v2/audit").json()["entries"]
        if each["resource_type"] == "ai_model_price"
    ]
    told = [
        (each["action"], each["resource_id"], each["before"] and each["before"]["input_price"],
         each["after"] and each["after"]["input_price"])
        for each in reversed(entries)
    ]  # fmt: skip
    assert told == [
        ("create", "p/m", None, 5),
        ("update", "p/m", 5, 6),
        ("create", "p/n", None, 1),
        ("delete", "p/m", 6, None),
    ]
    assert {each["actor"]["username"] for each in entries} == {"olivia"}
    assert entries[1]["request_id"] == answer.headers["X-Request-Id"]
    assert len(versions(database)) == 3, "the same price again is no new version"


def test_a_deletion_tells_each_price_that_it_ends(olivia: Client, database: Database) -> None:
    soon, later = (
        url_time(datetime.now(UTC).replace(microsecond=0) + timedelta(days=days))
        for days in (10, 20)
    )
    prices = [
        price(input_price=n, effective_from=start)
        for n, start in ((1, None), (2, soon), (3, later))
    ]
    olivia.post(PRICES, {"prices": prices})
    assert olivia.delete(f"{PRICES}/p/m").status == 204
    told = database.rows(
        "SELECT before -> 'input_price', (before ->> 'effective_from')::timestamptz FROM audit_log"
        " WHERE resource_type = 'ai_model_price' AND action = 'delete' ORDER BY id"
    )
    assert told == [
        (1, None),
        (2, datetime.fromisoformat(soon)),
        (3, datetime.fromisoformat(later)),
    ]


def test_under_concurrent_writes_each_before_is_the_previous_after(
    database: Database, acme: Acme
) -> None:
    start, owner = threading.Barrier(4), Subject(None, (Role(site=(Permission("*", "*"),)),))

    def run(turn: int) -> None:
        connection = Connection(DatabaseSource(database.app_url, None), "test")
        store = ModelPriceStore(
            Gate(owner, connection), Origin(None, f"owner-{turn}", "test"), None
        )  # type: ignore[arg-type]
        start.wait()
        for n in range(8):
            if turn == 3:
                with suppress(PriceNotFound):
                    store.remove_price("p", "m")
            else:
                store.set_prices(
                    CustomPrices(
                        prices=[ModelPrice(provider="p", model="m", input_price=10 * n + turn)]
                    )
                )
        connection.close()

    threads = [threading.Thread(target=run, args=(turn,)) for turn in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    entries = database.rows(
        "SELECT before -> 'input_price', after -> 'input_price' FROM audit_log WHERE resource_id "
        "= 'p/m' ORDER BY id"
    )
    assert len(entries) > 20
    assert entries[0][0] is None
    assert [after for _, after in entries[:-1]] == [before for before, _ in entries[1:]]


BAD: list[tuple[Any, list[str]]] = [
    ([{}], ["prices[0].provider", "prices[0].model"]),
    ([price()], ["prices[0]"]),
    ([price(input_price=-1, output_price=1.0)], ["prices[0].input_price", "prices[0].output_price"]),
    ([price(input_price="1"), price("n", input_price=True)], ["prices[0].input_price", "prices[1].input_price"]),
    ([price(input_price=1e300)], ["prices[0].input_price"]),
    ([price(input_price=10**12 + 1)], ["prices[0].input_price"]),
    ([price(input_price=1), price("n"), price(input_price=2)], ["prices[1]", "prices[2].model"]),
    ([price(input_price=1, input_prize=1)], ["prices[0].input_prize"]),
    ([price(input_price=1, source="default")], ["prices[0].source"]),
    ([price(input_price=1, effective_from="tomorrow")], ["prices[0].effective_from"]),
    ([price(input_price=1, effective_from=1795413600)], ["prices[0].effective_from"]),
    ([price(input_price=1, effective_from="2026-02-31T00:00:00Z")], ["prices[0].effective_from"]),
    ([price(input_price=1, effective_from="2026-12-01T00:00:00Z"), price(input_price=2, effective_from="2026-12-01T01:00:00+01:00")], ["prices[1].model"]),
    ([price(input_price=1, tiers=[{"above_input_tokens": 0, "input_price": 1}])], ["prices[0].tiers[0].above_input_tokens"]),
    ([price(input_price=1, variants={"cheap": {"input_price": 1}})], ["prices[0].variants.cheap"]),
    ([price("a\nb", input_price=1)], ["prices[0].model"]),
    (["x", None], ["prices[0]", "prices[1]"]),
]  # fmt: skip


@pytest.mark.parametrize("path", [PRICES, EXPERIMENTAL])
@pytest.mark.parametrize(("prices", "fields"), BAD, ids=lambda each: json.dumps(each)[:60])
def test_every_problem_is_told_at_once_and_nothing_is_stored(
    olivia: Client, database: Database, path: str, prices: Any, fields: list[str]
) -> None:
    answer = olivia.post(path, {"prices": [*prices, price("good", input_price=1)]})
    assert (answer.status, answer.json()["message"]) == (400, "Invalid AI model prices.")
    told = [each["field"] for each in answer.json()["validations"]]
    assert [field for field in told if field in fields] == fields
    assert {field.partition("]")[0] for field in told} == {
        field.partition("]")[0] for field in fields
    }
    assert database.rows("SELECT count(*) FROM ai_model_price_versions") == [(0,)]


@pytest.mark.parametrize("body", [{}, {"prices": None}, {"prices": {}}, {"prices": [], "x": 1}])
def test_a_body_without_a_list_of_prices_is_refused_as_any_other(olivia: Client, body: Any) -> None:
    answer = olivia.post(PRICES, body)
    assert (answer.status, answer.json()["message"]) == (400, "Validation failed.")


def test_null_is_unknown_and_zero_is_free_and_either_may_be_left_out(olivia: Client) -> None:
    body = {
        "prices": [price("free", input_price=0), price("part", input_price=None, output_price=3)]
    }
    assert olivia.post(EXPERIMENTAL, body).status == 204
    free, part = olivia.get(EXPERIMENTAL).json()
    assert (free["input_price"], free["output_price"]) == (0, None)
    assert (part["input_price"], part["output_price"]) == (None, 3)


def test_pages_follow_each_other_whatever_the_names(olivia: Client) -> None:
    names = ["", " x", "É", "a/b", "B", "_", "~", "z'"]
    providers = ["p", "P", "q r"]
    wanted = sorted((p, f"m{n}") for p in providers for n in names)
    olivia.post(
        PRICES, {"prices": [{"provider": p, "model": m, "input_price": 1} for p, m in wanted]}
    )
    seed(*({"provider": p, "model": m, "input_price": 2} for p, m in wanted[::2]))
    for query, number in (("", len(wanted)), ("source=all", len(wanted) + len(wanted[::2]))):
        whole = listed(olivia, query)
        assert len(whole) == number
        assert [each[:3] for each in whole] == sorted(each[:3] for each in whole)
        pages: list[tuple[Any, ...]] = []
        after: str | None = ""
        while after is not None:
            page = olivia.get(
                f"{PRICES}?limit=5&{query}" + (f"&after={after}" if after else "")
            ).json()
            pages += [
                (each["provider"], each["model"], each["source"], each["input_price"])
                for each in page["prices"]
            ]
            assert len(page["prices"]) == 5 or page["next"] is None
            after = page["next"]
        assert pages == whole


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=x", "source=other", "at=x", "at=2026-11-22", "at=1795413600", "at=2026-11-22T00:00:00",
     "at=0001-01-01T00:00:00%2B01:00", "after=x", "after=W10", "after=%C3%A9", "provider=", "model=a%00b", "x=1"],
)  # fmt: skip
def test_a_bad_query_parameter_is_named(olivia: Client, query: str) -> None:
    answer = olivia.get(f"{PRICES}?{query}")
    assert (answer.status, answer.json()["message"]) == (
        400,
        "Query parameters have invalid values.",
    )
    assert {each["field"] for each in answer.json()["validations"]} == {query.partition("=")[0]}


@pytest.mark.parametrize(
    "names",
    [
        ["\ud800", "a", "default"],
        ["a", "\udfff", "custom"],
        ["a", "b\n", "default"],
        ["a", "b", "all"],
        ["a", "b"],
    ],
)
def test_a_cursor_that_no_page_gave_is_named(olivia: Client, names: list[str]) -> None:
    after = base64.urlsafe_b64encode(json.dumps(names).encode()).decode().rstrip("=")
    answer = olivia.get(f"{PRICES}?after={after}")
    assert (answer.status, [each["field"] for each in answer.json()["validations"]]) == (
        400,
        ["after"],
    )


def test_a_provider_with_a_slash_could_not_be_deleted_and_is_refused(olivia: Client) -> None:
    answer = olivia.post(PRICES, {"prices": [price(input_price=1) | {"provider": "a/b"}]})
    assert answer.status == 400
    assert answer.json()["validations"] == [
        {"field": "prices[0].provider", "detail": "Must not contain /."}
    ]


def test_the_experimental_list_of_the_largest_book_fits_the_answer_of_a_lambda(
    olivia: Client,
) -> None:
    rates = dict.fromkeys(RATES, 1250000)
    names = [
        (f"provider-{n % 50}", f"organisation/some-model-name-instruct-{n}")
        for n in range(MAX_ENTRIES)
    ]
    seed(*({"provider": provider, "model": model} | rates for provider, model in names))
    answer = olivia.get(EXPERIMENTAL)
    assert len(answer.json()) == MAX_ENTRIES
    assert len(answer.body) < 6_291_556


def test_the_experimental_list_is_whole_and_takes_no_pages(olivia: Client) -> None:
    olivia.post(PRICES, {"prices": [price(f"m{n}", input_price=n) for n in range(250)]})
    assert len(olivia.get(EXPERIMENTAL).json()) == 250
    assert olivia.get(f"{EXPERIMENTAL}?limit=10").status == 400


ROUTES = [
    ("GET", PRICES, True), ("GET", EXPERIMENTAL, True), ("GET", f"{PRICES}/resolve?provider=p&model=m", True),
    ("POST", PRICES, False), ("POST", EXPERIMENTAL, False), ("DELETE", f"{PRICES}/p/m", False), ("GET", f"{PRICES}/held", False),
    ("POST", f"{PRICES}/held/00000000-0000-0000-0000-000000000001/approve", False),
    ("POST", f"{PRICES}/held/00000000-0000-0000-0000-000000000001/reject", False),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "reads"), ROUTES)
def test_who_may_not_is_told_so_after_the_credential_and_the_feature_gate(
    acme: Acme, gateway: Client, database: Database, method: str, path: str, reads: bool
) -> None:
    too_much = "x" * (2 << 20) if method == "POST" else None
    assert Client().send(method, path, body=too_much).status == 401
    for username in ("adam", "maya", "ana", "gus"):
        refused = acme.client(username).send(method, path, body=too_much)
        assert (refused.status, refused.json()) == (403, FORBIDDEN)
    if reads:
        assert gateway.send(method, path).status == 200
    else:
        assert gateway.send(method, path, body=too_much).json() == FORBIDDEN
    with environment(DATABASE_URL=database.app_url, AI_BUDGETS_ENABLED="false"):
        gated = acme.client("maya").send(method, path, body=too_much)
        assert gated.json() == {"message": "AI budgets are not enabled for this deployment."}
        assert gated.status == 403


def test_a_refusal_wins_over_a_bad_query_and_a_bad_body(acme: Acme) -> None:
    maya = acme.client("maya")
    assert maya.get(f"{PRICES}?x=1").json() == FORBIDDEN
    assert maya.post(PRICES, "{").json() == FORBIDDEN
    assert (
        acme.client("olivia").post(PRICES, "{").json()["message"]
        == "Request body must be valid JSON."
    )
    too_much = acme.client("olivia").post(
        PRICES, "x" * (2 << 20), headers={"content-type": "text/plain"}
    )
    assert too_much.status == 413


def test_a_scope_for_other_things_may_not_see_prices(
    acme: Acme, database: Database, olivia: Client
) -> None:
    scope = {"site": [{"resource_type": "ai_model_price", "action": "read", "negate": False}], "user": [], "by_org_id": {},
             "allow_list": [{"type": "*", "id": "*"}]}  # fmt: skip
    database.run("UPDATE api_tokens SET scope = %s::jsonb", json.dumps(scope))
    assert olivia.get(PRICES).status == 200
    assert olivia.post(PRICES, {"prices": []}).json() == FORBIDDEN


def test_other_methods_are_told_apart(olivia: Client) -> None:
    assert olivia.send("PUT", PRICES).headers["Allow"] == "GET, POST"
    assert olivia.send("PATCH", f"{PRICES}/p/a/b").headers["Allow"] == "DELETE"
    assert olivia.get(f"{PRICES}/p").status == 404
