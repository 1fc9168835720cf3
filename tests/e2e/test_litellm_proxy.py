"""LiteLLM's real proxy, by its YAML and by the callback, against a vendor that counts: every ending
of a call. `make test-litellm` runs this; nothing else does.
"""

import json
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.e2e.conftest import Person
from tests.fake_vendor import Vendor, vendor
from tests.litellm_proxy import UNPRICED, WAYS, Gateway, chat, eventually, gateway, prompt

pytestmark = pytest.mark.litellm

CHAT, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/responses", "/v1/messages"
EMBEDDINGS = "/v1/embeddings"
CLAUDE = "anthropic/claude-sonnet-4-5"
LIMIT_MICROS = 100_000_000


@pytest.fixture(scope="module")
def counting() -> Generator[Vendor]:
    with vendor() as found:
        yield found


@pytest.fixture(scope="module")
def owner(stack: dict[str, Any]) -> Generator[Person]:
    with Person(stack, "olivia") as person:
        yield person


def limit(owner: Person, stack: dict[str, Any], micros: int) -> None:
    group = stack["groups"]["acme/platform"]
    response = owner.put(f"/api/v2/groups/{group}/ai/budget", json={"spend_limit_micros": micros})
    assert response.status_code == 200, response.text


@contextmanager
def fixed_estimate(owner: Person) -> Generator[None]:
    """Let the guardrail estimate each call as the page says for names without a price."""
    path = "/api/v2/ai/sources/litellm"
    owner.put(path, json={"cost_from": "book", "estimate_micros": 50_000}).raise_for_status()
    try:
        yield
    finally:
        owner.put(path, json={"cost_from": "book"}).raise_for_status()


@pytest.fixture(scope="module", params=WAYS)
def proxy(
    request: pytest.FixtureRequest,
    counting: Vendor,
    stack: dict[str, Any],
    owner: Person,
    tmp_path_factory: pytest.TempPathFactory,
) -> Generator[Gateway]:
    limit(owner, stack, LIMIT_MICROS)
    log = tmp_path_factory.mktemp("proxy") / "proxy.log"
    with gateway(request.param, counting, stack, log) as found:
        yield found
    assert "this is a secret" not in log.read_text()
    assert stack["tokens"]["olivia"] not in log.read_text()


def of_case(body: dict[str, Any], case: str) -> dict[str, Any]:
    return json.loads(json.dumps(body).replace("{}", case))


def responses(case: str, behaviour: str, **more: Any) -> dict[str, Any]:
    return {"model": "openai/gpt-5.1", "input": prompt(case, behaviour), **more}


def messages(case: str, behaviour: str, **more: Any) -> dict[str, Any]:
    return chat(case, behaviour, CLAUDE, **more)


@pytest.mark.parametrize(
    ("path", "body", "cost"),
    [
        (CHAT, chat("{}", "normal"), 2_800),
        (CHAT, chat("{}", "normal", stream=True), 2_800),
        (CHAT, chat("{}", "normal", stream=True, stream_options={"include_usage": False}), 2_800),
        (RESPONSES, responses("{}", "normal"), 2_800),
        (RESPONSES, responses("{}", "normal", stream=True), 2_800),
        (MESSAGES, messages("{}", "normal"), 4_920),
        (MESSAGES, messages("{}", "normal", stream=True), 4_920),
        (MESSAGES, chat("{}", "normal"), 2_800),
        (
            EMBEDDINGS,
            {"model": "text-embedding-3-small", "input": prompt("{}", "normal")},
            20,
        ),
        (CHAT, chat("{}", "fails-once", "gpt-retried"), 2_800),
        (CHAT, chat("{}", "falls-back", "gpt-falling"), 560),
    ],
)
def test_what_the_vendor_counted_is_spent(
    proxy: Gateway, owner: Person, path: str, body: dict[str, Any], cost: int
) -> None:
    case = uuid4().hex
    before = proxy.held()
    needs_estimate = proxy.way == "yaml" and body["model"] in UNPRICED
    with fixed_estimate(owner) if needs_estimate else nullcontext():
        status, text = proxy.ask(path, of_case(body, case))
    assert status == 200, text
    recorded = eventually(proxy.recorded, bool)
    (billed,) = proxy.vendor.billed_for(case)
    ((_, model, *counts, micros),) = recorded
    assert model.rpartition("/")[2] == billed.model
    assert [*counts, micros] == [billed.input, billed.output, cost]
    assert len(eventually(proxy.held, lambda now: len(now) == len(before))) == len(before)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, chat("{}", "fails")),
        (CHAT, chat("{}", "fails", stream=True)),
        (RESPONSES, responses("{}", "fails")),
        (MESSAGES, messages("{}", "fails")),
    ],
)
def test_a_vendors_500_leaves_nothing(proxy: Gateway, path: str, body: dict[str, Any]) -> None:
    before = proxy.held()
    case = uuid4().hex
    status, _ = proxy.ask(path, of_case(body, case))
    assert status == 500
    assert proxy.vendor.requests[case] > 0
    assert len(eventually(proxy.held, lambda now: len(now) == len(before))) == len(before)
    assert proxy.recorded() == []


def test_an_unknown_model_leaves_nothing(proxy: Gateway) -> None:
    before = proxy.held()
    status, _ = proxy.ask(CHAT, chat("unknown", "normal", "nothing"))
    assert status == (403 if proxy.way == "strict" else 400)
    assert len(eventually(proxy.held, lambda now: len(now) == len(before))) == len(before)
    assert proxy.recorded() == []


def test_a_refusal_does_not_reach_the_vendor(
    proxy: Gateway, owner: Person, stack: dict[str, Any]
) -> None:
    limit(owner, stack, 1)
    try:
        case = uuid4().hex
        before = proxy.held()
        status, text = proxy.ask(CHAT, chat(case, "normal"))
        assert status == (403 if proxy.way == "strict" else 400)
        assert "AI budget of US$0.00" in text
        assert proxy.vendor.requests[case] == 0
        assert (len(proxy.held()), proxy.recorded()) == (len(before), [])
    finally:
        limit(owner, stack, LIMIT_MICROS)


def test_an_id_that_runs_is_not_used_twice(proxy: Gateway) -> None:
    call_id, case = str(uuid4()), uuid4().hex
    slow = threading.Thread(
        target=proxy.ask, args=(CHAT, chat(case, "stalls")), kwargs={"call_id": call_id}
    )
    slow.start()
    eventually(lambda: proxy.vendor.requests[case], bool)
    status, _ = proxy.ask(CHAT, chat("again", "normal"), call_id=call_id)
    assert status == (409 if proxy.way == "strict" else 400)
    slow.join()


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("leave_after", [1, 60])
def test_without_any_output_nobody_knows_the_usage(
    proxy: Gateway, stream: bool, leave_after: float
) -> None:
    """The caller leaves before the first chunk, or the gateway does by its deadline. The vendor
    counts what the gateway cannot know.
    """
    case, before = uuid4().hex, proxy.held()
    status, _ = proxy.ask(CHAT, chat(case, "stalls", stream=stream), leave_after=leave_after)
    assert status == (0 if leave_after == 1 else 408)
    assert eventually(lambda: proxy.vendor.billed_for(case), bool)
    if proxy.way == "yaml":
        assert len(eventually(proxy.held, lambda now: len(now) == len(before))) == len(before)
    else:
        assert len(proxy.held()) == len(before) + 1
        assert 0 < proxy.held()[-1] <= 600
    assert proxy.recorded() == []


@pytest.mark.parametrize(
    ("path", "body", "exact_input", "leave_after"),
    [
        (CHAT, chat("{}", "stalls-midway", stream=True), False, 1),
        (CHAT, chat("{}", "stalls-midway", stream=True), False, 60),
        (RESPONSES, responses("{}", "stalls-midway", stream=True), False, 1),
        (MESSAGES, messages("{}", "stalls-midway", stream=True), True, 1),
        (MESSAGES, messages("{}", "stalls-midway", stream=True), True, 60),
    ],
)
def test_a_broken_stream_is_settled_by_a_guess(
    proxy: Gateway, path: str, body: dict[str, Any], exact_input: bool, leave_after: float
) -> None:
    case, before = uuid4().hex, proxy.held()
    proxy.ask(path, of_case(body, case), leave_after=leave_after)
    recorded = eventually(proxy.recorded, bool, 15)
    ((_, _, inputs, outputs, _),) = recorded
    (billed, *_) = proxy.vendor.billed_for(case)
    assert inputs == billed.input if exact_input else inputs < billed.input
    assert 0 < outputs <= billed.output + 2
    assert len(eventually(proxy.held, lambda now: len(now) == len(before))) == len(before)


def test_a_responses_stream_that_times_out_has_no_usage(proxy: Gateway) -> None:
    """LiteLLM does not say what came of it."""
    case, before = uuid4().hex, proxy.held()
    proxy.ask(RESPONSES, responses(case, "stalls-midway", stream=True))
    assert proxy.vendor.billed_for(case)
    kept = len(before) + (proxy.way == "strict")
    assert len(eventually(proxy.held, lambda now: len(now) == kept)) == kept
    assert proxy.recorded() == []


def test_a_killed_gateway_leaves_a_hold_that_expires(proxy: Gateway) -> None:
    """The last test of a proxy."""
    case, before = uuid4().hex, proxy.held()
    slow = threading.Thread(target=suppressed, args=(proxy, case))
    slow.start()
    eventually(lambda: proxy.vendor.requests[case], bool)
    proxy.process.send_signal(signal.SIGKILL)
    proxy.process.wait()
    slow.join()
    after = proxy.held()
    assert len(after) == len(before) + 1
    assert 0 < after[-1] <= 600
    assert Path(proxy.log).exists()


def suppressed(proxy: Gateway, case: str) -> None:
    with suppress(httpx.RemoteProtocolError, httpx.ReadError):
        proxy.ask(CHAT, chat(case, "stalls"))
