"""The proxy of docs/gateways/own_proxy.py, with the handlers and a vendor on loopback."""

import importlib.util
import json
import sys
import time
from collections.abc import Generator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest

from tests.asgi import Vendor, handlers, served
from tests.doors import spent
from tests.gateway import Client
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import price, seed
from tests.reservations import assert_holds_agree, held, limit_everyone

FILE = Path(__file__).parents[3] / "docs/gateways/own_proxy.py"
CHAT = "/v1/chat/completions"
ASK = {"model": "m", "max_tokens": 200, "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


@pytest.fixture
def proxy(
    gateway: Client, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> Generator[httpx.Client]:
    """A caller with maya's key of the proxy. The tokens of `m` cost 2 and 10 USD per million."""
    models = ("m", "broken", "endless", "page", "silent", "cut")
    prices = [
        {"input_price": 2_000_000, "output_price": 10_000_000, "model": each} for each in models
    ]
    seed(*(price(provider="openai", **each) for each in prices))
    with ExitStack() as stack:
        monkeypatch.setenv("ALLOWANCE_URL", stack.enter_context(served(handlers())))
        monkeypatch.setenv("ALLOWANCE_TOKEN", str(gateway.token))
        monkeypatch.setenv("VENDOR_URL", stack.enter_context(served(vendor.app)))
        monkeypatch.setenv("VENDOR_KEY", "none")
        monkeypatch.setenv("DEADLINE_SECONDS", "60")
        monkeypatch.setenv("KEYS", json.dumps({"maya-key": "maya"}))
        spec = importlib.util.spec_from_file_location("own_proxy", FILE)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, "own_proxy", module)
        spec.loader.exec_module(module)
        url = stack.enter_context(served(module.app))
        headers = {"Authorization": "Bearer maya-key"}
        yield stack.enter_context(httpx.Client(base_url=url, headers=headers))


def settled(database: Database) -> bool:
    """Whether nothing is held, in the end: the proxy settles after its response."""
    for _ in range(1000):
        if not held(database):
            return True
        time.sleep(0.01)
    return False


def test_a_call_is_settled_with_what_the_vendor_counts(
    proxy: httpx.Client, database: Database
) -> None:
    answer = proxy.post(CHAT, json=ASK)
    assert (answer.status_code, answer.json()["usage"]["total_tokens"]) == (200, 1200)
    assert spent(database) == {"maya": 4000}
    assert settled(database)
    assert_holds_agree(database)


def test_a_stream_is_passed_on_and_settled(
    proxy: httpx.Client, vendor: Vendor, database: Database
) -> None:
    with proxy.stream("POST", CHAT, json=ASK | {"stream": True}) as answer:
        lines = [line for line in answer.iter_lines() if line]
    assert len(lines) == 4
    assert lines[-1] == "data: [DONE]"
    assert "total_tokens" not in "".join(lines), "the caller asked for no usage"
    assert vendor.asked[0]["stream_options"] == {"include_usage": True}
    assert settled(database)
    assert spent(database) == {"maya": 4000}


def test_a_caller_who_leaves_in_mid_stream_pays_for_what_came(
    proxy: httpx.Client, database: Database
) -> None:
    asked = ASK | {"stream": True, "model": "endless"}
    with proxy.stream("POST", CHAT, json=asked) as answer:
        next(answer.iter_lines())
    assert settled(database)
    ((given, made),) = database.rows("SELECT input_tokens, output_tokens FROM ai_usage")
    assert given == -(-len(json.dumps(asked, separators=(",", ":"))) // 3)
    assert 1 <= made < 1000


def test_a_caller_who_leaves_before_the_first_chunk_pays_for_the_input(
    proxy: httpx.Client, database: Database
) -> None:
    asked = ASK | {"stream": True, "model": "silent"}
    with proxy.stream("POST", CHAT, json=asked) as answer:
        assert answer.status_code == 200
    assert settled(database)
    given = -(-len(json.dumps(asked, separators=(",", ":"))) // 3)
    assert database.rows("SELECT input_tokens, output_tokens FROM ai_usage") == [(given, 0)]


@pytest.mark.parametrize("stream", [False, True])
def test_a_vendor_that_breaks_off_may_have_billed(
    stream: bool, proxy: httpx.Client, database: Database
) -> None:
    with suppress(httpx.RemoteProtocolError):
        answer = proxy.post(CHAT, json=ASK | {"stream": stream, "model": "cut"})
        assert (stream, answer.status_code) == (False, 502)
    assert settled(database)
    assert database.rows("SELECT output_tokens FROM ai_usage") == [(200,)]


def test_a_vendor_that_is_not_reached_bills_nothing(
    proxy: httpx.Client, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["own_proxy"].vendor, "base_url", "http://127.0.0.1:1")
    for stream in (False, True):
        assert proxy.post(CHAT, json=ASK | {"stream": stream}).status_code == 502
    assert settled(database)
    assert spent(database) == {}


@pytest.mark.parametrize(
    "wrong",
    [
        '"stream": true, "stream_options": 5',
        '"max_tokens": Infinity',
        '"temperature": 1e999',
        '"user": "\\ud800"',
    ],
)
def test_a_body_that_cannot_be_passed_on_holds_nothing(
    wrong: str, proxy: httpx.Client, vendor: Vendor, database: Database
) -> None:
    answer = proxy.post(CHAT, content='{"model": "m", "messages": [], ' + wrong + "}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")
    assert (vendor.asked, held(database)) == ([], {})


def test_an_allowance_behind_a_broken_balancer_is_down(
    proxy: httpx.Client, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    balancer = httpx.MockTransport(lambda _: httpx.Response(502, text="<html>"))
    broken = httpx.AsyncClient(base_url="http://allowance", transport=balancer)
    monkeypatch.setattr(sys.modules["own_proxy"], "allowance", broken)
    assert (proxy.post(CHAT, json=ASK).status_code, vendor.asked) == (503, [])


def test_a_refusal_reaches_no_vendor(
    proxy: httpx.Client, vendor: Vendor, database: Database, acme: Acme
) -> None:
    limit_everyone(database, acme, 10)
    refused = proxy.post(CHAT, json=ASK)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "ai_budget_exceeded")
    unknown = proxy.post(CHAT, json=ASK, headers={"Authorization": "Bearer maya"})
    assert unknown.status_code == 401
    assert vendor.asked == []


def test_a_call_that_the_vendor_failed_costs_nothing(
    proxy: httpx.Client, database: Database
) -> None:
    for stream in (False, True):
        assert proxy.post(CHAT, json=ASK | {"model": "broken", "stream": stream}).status_code == 500
        assert proxy.post(CHAT, json=ASK | {"model": "page", "stream": stream}).status_code == 502
    assert settled(database)
    assert spent(database) == {}


def test_the_proxy_fails_closed(proxy: httpx.Client, vendor: Vendor, database: Database) -> None:
    database.run("ALTER TABLE ai_reservations RENAME TO gone")
    answer = proxy.post(CHAT, json=ASK)
    assert (answer.status_code, vendor.asked) == (503, [])
