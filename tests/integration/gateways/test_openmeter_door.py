"""CloudEvents of OpenMeter and Kong, with a real ledger."""

from typing import Any

from tests.doors import spent
from tests.gateway import Answer, Client
from tests.postgres import Database

EVENTS = "/api/v2/ai/in/openmeter/api/v1/events"
INVALID_JSON = "Request body must be valid JSON."


def event(number: int = 1, **data: Any) -> dict[str, Any]:
    counted = {"tokens": "1000", "type": "request", "model": "m", "provider": "p"} | data
    return {
        "specversion": "1.0",
        "type": "kong.llm_request",
        "id": f"call-{number}",
        "source": "kong",
        "subject": "maya",
        "time": "2026-11-22T06:00:00Z",
        "data": counted,
    }


ONE, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"


def post_events(gateway: Client, sent: object, media_type: str) -> Answer:
    return gateway.post(EVENTS, sent, headers={"content-type": media_type})


def test_events_are_recorded_once_in_each_form(gateway: Client, database: Database) -> None:
    forms: list[tuple[object, str]] = [
        (event(1), f"{ONE}; charset=UTF-8"),
        ([event(1), event(2)], BATCH),
        (event(3), "application/json"),
        ([event(3), event(4), event(4)], "application/json"),
    ]
    for sent, media_type in forms:
        answer = post_events(gateway, sent, media_type)
        assert (answer.status, answer.body) == (204, "")
    assert spent(database) == {"maya": 4 * 2000}


def test_an_event_that_is_refused_costs_no_other(gateway: Client, database: Database) -> None:
    sent = [event(1), event(2, provider=None), event(3, tokens="many"), event(4, type="response")]
    answer = gateway.post(EVENTS, sent)
    assert answer.status == 400
    assert answer.json()["detail"] == "2 of 4 events are recorded."
    fields = [each["field"] for each in answer.json()["validations"]]
    assert fields == ["events[1].data.provider", "events[2].data.tokens"]
    assert spent(database) == {"maya": 12_000}


def test_a_refused_event_names_its_own_fields(gateway: Client) -> None:
    for changed, field in (
        (event(1, tokens="many"), "data.tokens"),
        (event(1, model=" m"), "data.model"),
        (event(1) | {"time": "1999-01-01T00:00:00Z"}, "time"),
    ):
        answer = post_events(gateway, changed, ONE)
        assert [each["field"] for each in answer.json()["validations"]] == [field]


def test_a_media_type_that_contradicts_its_body_is_refused(gateway: Client) -> None:
    for sent, media_type in ((event(), BATCH), ([], ONE)):
        answer = post_events(gateway, sent, media_type)
        assert (answer.status, answer.json()["message"]) == (400, INVALID_JSON)
