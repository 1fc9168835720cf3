"""Each route that takes a body says what it takes, whatever another program sends."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from allowance.contract.fields import Body
from allowance.contract.messages import Message
from tests.foreign_bodies import DOCUMENTS, FILES, JSON, LITELLM_ROW, RECORD, Sent
from tests.gateway import Answer, routes
from tests.model_prices import confirmed
from tests.people import Acme
from tests.postgres import Database
from tests.price_books import seed
from tests.reservations import request, reserve

NO_RESERVATION = "01a21e67-9969-7e5d-85b4-9b817875d7de"


def body_routes(acme: Acme, reservation: str = NO_RESERVATION) -> dict[tuple[str, str], type[Body]]:
    """(method, filled path) -> the body of each route that takes one."""
    found: dict[tuple[str, str], type[Body]] = {}
    for (method, path), module in routes().items():
        if path == "$default":
            continue
        kinds = module.app.routes[f"{method} {path}"].parameters.values()
        filled = path.replace("{group}", str(acme.groups["acme/platform"]))
        filled = filled.replace("{reservation}", reservation).replace("{organization}", "acme")
        # The example of a budget has this name.
        filled = filled.replace("{budget}", "research")
        for kind in kinds:
            # A door reads what its sender writes: tests/integration/gateways.
            if isinstance(kind, type) and issubclass(kind, Body) and not issubclass(kind, Message):
                # Nobody makes tokens for others.
                user = "me" if path.endswith("/tokens") else "maya"
                found[method, filled.replace("{user}", user)] = kind
    assert found
    return found


def example_of(body: type[Body]) -> str:
    return json.dumps(body.model_json_schema()["examples"][0])


def test_every_body_has_an_example_that_its_route_takes(acme: Acme, database: Database) -> None:
    olivia = acme.client("olivia")
    # The example of an alias leads to the first model, the example of a call to the second.
    prices = {"input_price": 1, "output_price": 1}
    seed(*({"provider": "openai", "model": each} | prices for each in ("gpt-5", "gpt-5.1")))
    for (method, path), body in body_routes(acme, reserve(olivia, request(9))).items():
        made = json.loads(example_of(body))
        body.model_validate_json(example_of(body))
        for each in (made, made.get("scope", {})):
            if "group_id" in each:
                each["group_id"] = str(acme.groups["acme/platform"])
        if path.endswith("/tokens"):
            made |= {"expires_at": (datetime.now(UTC) + timedelta(days=1)).isoformat()}
        if path.endswith("/settle"):
            made |= {"id": "call-2", "occurred_at": datetime.now(UTC).isoformat()}
        answer = olivia.send(method, path, body=json.dumps(made))
        assert answer.status in (200, 201, 204), answer.body
    assert database.rows("SELECT count(*) FROM ai_usage") == [(2,)]


SENT = DOCUMENTS | FILES


@pytest.mark.parametrize("sent", SENT.values(), ids=SENT)
def test_a_foreign_body_is_refused_by_name_with_an_example(people: Acme, sent: Sent) -> None:
    client = people.client("olivia")
    for (method, path), body in body_routes(people).items():
        if path.endswith("/settle") and sent.body == RECORD:
            continue
        content = sent.body if isinstance(sent.body, bytes) else json.dumps(sent.body)
        answer = client.send(method, path, body=content, headers={"content-type": sent.media_type})
        refused = answer.json()
        assert answer.status == (400 if sent.media_type == JSON else 415), answer.body
        assert sent.words in refused["detail"]
        shown = re.search(r"Send JSON like (\{.*\})\.", refused["detail"])
        assert shown is not None
        assert json.loads(shown[1]) == json.loads(example_of(body))


def detail_of(answer: Answer, field: str) -> str:
    (detail,) = [each["detail"] for each in answer.json()["validations"] if each["field"] == field]
    return detail


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({"limit": 25}, "limit", "Did you mean spend_limit_micros?"),
        ({"limit": 25}, "spend_limit_micros", "25000000 is $25.00"),
        ({"spend_limit_usd": 25}, "spend_limit_usd", "Did you mean spend_limit_micros?"),
        ({"spendLimitMicros": 25}, "spendLimitMicros", "Did you mean spend_limit_micros?"),
        ({"spend_limit_micros": "25.00"}, "spend_limit_micros", "25000000 is $25.00"),
        ({"spend_limit_micros": 25.5}, "spend_limit_micros", "25000000 is $25.00"),
        ({"spend_limit_micros": None}, "spend_limit_micros", "25000000 is $25.00"),
        ({"amount": 25}, "amount", "Known fields: spend_limit_micros."),
    ],
)
def test_a_limit_in_other_words_is_told_its_unit(
    people: Acme, body: object, field: str, words: str
) -> None:
    assert words in detail_of(people.client("adam").put(people.budget_path(), body), field)


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({"group": "platform", "spend_limit_micros": 1}, "group", "Did you mean group_id?"),
        ({"spend_limit_micros": 1}, "group_id", "Required. A group of which the user is a member"),
    ],
)
def test_an_override_without_a_group_is_told_which(
    people: Acme, body: object, field: str, words: str
) -> None:
    answer = people.client("olivia").put("/api/v2/users/maya/ai/budget/override", body)
    assert words in detail_of(answer, field)


def test_a_record_without_its_list_is_told_of_the_list(people: Acme) -> None:
    answer = people.client("olivia").post("/api/v2/ai/usage", RECORD)
    assert detail_of(answer, "source") == "Unknown field. Known fields: records."
    assert detail_of(answer, "records") == "Required. Usage records, each with a result of its own."


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"input_price": 1.25}, "3000000 is $3.00"),
        ({"input_cost_per_token": 1.25e-06}, "Did you mean input_price? Whole micro-units"),
        ({"cache_read_input_token_cost": 1}, "Did you mean cache_read_price?"),
        ({"tiers": [{"input_prise": 1, "above_input_tokens": 1}]}, "Did you mean input_price?"),
        ({"currency": "EUR"}, "Known fields: provider, model, "),
    ],
)
def test_a_price_in_other_words_is_told_its_unit(
    people: Acme, given: dict[str, Any], words: str
) -> None:
    entry = {"provider": "openai", "model": "gpt-5.1"} | given
    answer = people.client("olivia").post("/api/v2/ai/model-prices", confirmed([entry]))
    (problem,) = answer.json()["validations"]
    assert words in problem["detail"]


def test_a_query_parameter_in_other_words_is_named(people: Acme) -> None:
    answer = people.client("olivia").get("/api/v2/ai/model-prices?providers=openai")
    assert detail_of(answer, "providers").startswith("Unknown field. Did you mean provider?")
    answer = people.client("olivia").get("/api/v2/users/me?x=1")
    assert detail_of(answer, "x") == "Unknown field. No field is known here."


def test_a_foreign_record_is_rejected_by_name_and_stops_no_other(
    acme: Acme, database: Database
) -> None:
    olivia = acme.client("olivia")
    answer = olivia.post("/api/v2/ai/usage", {"records": [LITELLM_ROW, RECORD]}).json()
    foreign, ours = answer["results"]
    assert (foreign["status"], ours["status"]) == ("rejected", "recorded")
    first, *rest = foreign["validations"]
    assert first["field"] == "(document)"
    assert first["detail"].startswith('This looks like a spend log of LiteLLM. Send JSON like {"so')
    hints = {each["field"]: each["detail"] for each in rest}
    assert hints["request_id"] == "Unknown field. Did you mean id?"
    assert hints["occurred_at"] == "Required. A time in RFC 3339."
    assert database.rows("SELECT count(*) FROM ai_usage") == [(1,)]


@pytest.mark.parametrize("records", [1, 1000])
def test_the_problems_of_records_fit_into_a_response(people: Acme, records: int) -> None:
    """A Lambda returns at most 6 MB."""
    fields = 20_000 // records
    row = LITELLM_ROW | {f"{n:x}": 0 for n in range(fields)} if records == 1 else None
    body = {"records": [row or {f"prompt_{n}": 0 for n in range(25)}] * records}
    answer = people.client("olivia").post("/api/v2/ai/usage", body)
    assert answer.status == 200
    for result in answer.json()["results"]:
        assert len(result["validations"]) == 21
        assert result["validations"][-1]["detail"].endswith(" problems more.")
    assert len(json.dumps(answer.body)) < 6_000_000
