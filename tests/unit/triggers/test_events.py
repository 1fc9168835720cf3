"""Each job refuses an event that it does not know, and takes the events of AWS as no request."""

import importlib
from typing import Any

import pytest

from allowance.errors import ValidationFailed
from allowance.triggers.events import no_parameters, parameters_of
from tests.conftest import environment
from tests.gateway import Context
from tests.template import template

SCHEDULED: dict[str, Any] = {
    "version": "0",
    "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "123456789012",
    "time": "2026-11-22T06:00:00Z",
    "region": "eu-west-1",
    "resources": ["arn:aws:events:eu-west-1:123456789012:rule/seed"],
    "detail": {},
}
DEPLOYED: dict[str, Any] = {
    "RequestType": "Create",
    "ResponseURL": "https://cloudformation-custom-resource-response.example/",
    "StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/allowance/1",
    "RequestId": "request-1",
    "LogicalResourceId": "Prices",
    "ResourceType": "Custom::Prices",
    "ResourceProperties": {"ServiceToken": "arn", "Version": "7"},
}
OF_AWS: list[dict[str, Any]] = [
    {},
    SCHEDULED,
    SCHEDULED | {"source": "aws.scheduler", "detail": "{}"},
    SCHEDULED
    | {"source": "aws.cloudformation", "detail-type": "CloudFormation Stack Status Change"},
    SCHEDULED | {"replay-name": "again"},
    {"source": "aws.events"},
    DEPLOYED,
    DEPLOYED | {"RequestType": "Update", "PhysicalResourceId": "x", "OldResourceProperties": {}},
]
TAKE_PARAMETERS = {
    "SeedPrices": "prices",
    "ImportDirectory": "users",
    "ExportSpend": "month",
    "ImportUsage": "key",
}
"""The jobs that take parameters, each with one."""


def jobs() -> dict[str, Any]:
    """Logical id -> the handler, of every function that serves no route."""
    found: dict[str, Any] = {}
    for name, resource in template()["Resources"].items():
        if resource["Type"] != "AWS::Serverless::Function":
            continue
        properties = resource["Properties"]
        events = properties.get("Events", {}).values()
        if not any(each["Type"] == "HttpApi" for each in events):
            module, _, function = properties["Handler"].partition(".")
            found[name] = getattr(importlib.import_module(module), function)
    return found


JOBS = jobs()


def test_all_jobs_of_the_template_are_found() -> None:
    assert {"Migrate", "IngestUsage", "RerateUsage", *TAKE_PARAMETERS} <= JOBS.keys()


@pytest.mark.parametrize("name", JOBS)
@pytest.mark.parametrize(
    "event", [{"surprise": 1}, SCHEDULED | {"surprise": 1}, {"surprise": 1, "source": "acme"}]
)
def test_every_job_refuses_an_unknown_key_by_name(name: str, event: dict[str, Any]) -> None:
    """Without a database: nothing is done before."""
    with environment(), pytest.raises(ValidationFailed) as refused:
        JOBS[name](event, Context())
    named = {each.field for each in refused.value.problems}
    assert "surprise" in named or (name == "IngestUsage" and named == {"Records"})


@pytest.mark.parametrize("name", sorted(JOBS.keys() - TAKE_PARAMETERS.keys() - {"IngestUsage"}))
def test_a_job_without_parameters_takes_none(name: str) -> None:
    for event in ({"month": "2026-11"}, {"prices": []}, {"detail": {}}):
        with environment(), pytest.raises(ValidationFailed):
            JOBS[name](event, Context())


@pytest.mark.parametrize("event", [None, [], "x", 1, [{}]])
@pytest.mark.parametrize("name", JOBS)
def test_an_event_that_is_no_object_is_refused(name: str, event: Any) -> None:
    with environment(), pytest.raises(ValidationFailed):
        JOBS[name](event, Context())


@pytest.mark.parametrize("event", [{}, {"Records": None}, {"Records": [], "more": 1}])
def test_the_consumer_of_the_queue_takes_messages_only(event: dict[str, Any]) -> None:
    with environment(), pytest.raises(ValidationFailed) as refused:
        JOBS["IngestUsage"](event, Context())
    assert [each.field for each in refused.value.problems] == [
        "more" if "more" in event else "Records"
    ]


@pytest.mark.parametrize("event", OF_AWS)
def test_an_event_of_aws_asks_for_nothing(event: dict[str, Any]) -> None:
    assert no_parameters(parameters_of(event)) == {}


@pytest.mark.parametrize(
    "event",
    [
        {"source": "acme"},
        {"source": 1},
        {"version": "0"},
        {"detail-type": "Scheduled Event"},
        SCHEDULED | {"source": "acme.events"},
        SCHEDULED | {"prices": []},
        DEPLOYED | {"prices": []},
        {"ResourceProperties": {}},
    ],
)
def test_what_only_resembles_an_event_of_aws_is_the_operators(event: dict[str, Any]) -> None:
    assert parameters_of(event) == event
