"""The check of an account's concurrency before a deployment. moto is AWS, except for the one call
that it does not know.
"""

import json
import threading
from collections.abc import Generator
from typing import Any

import boto3
import pytest
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from local.quota import UNRESERVED, main, reserved
from tests.deployed import ROOT
from tests.template import template

SETTINGS = "/2016-08-19/account-settings"
SIGNED_IN = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "eu-west-1",
}
DEFAULTS = {name: str(each["Default"]) for name, each in template()["Parameters"].items()}


class Account:
    """An account on loopback, with a quota."""

    def __init__(self) -> None:
        self.quota = 1000
        self.unreserved = 1000
        moto = DomainDispatcherApplication(create_backend_app)

        def application(environ: dict[str, Any], start_response: Any) -> Any:
            if Request(environ).path.rstrip("/") != SETTINGS:
                return moto(environ, start_response)
            limits = {
                "ConcurrentExecutions": self.quota,
                "UnreservedConcurrentExecutions": self.unreserved,
            }
            answer = Response(json.dumps({"AccountLimit": limits}), mimetype="application/json")
            return answer(environ, start_response)

        self.server = make_server("127.0.0.1", 0, application, threaded=True)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self._thread = threading.Thread(target=self.server.serve_forever)
        self._thread.start()

    def client(self, service: str) -> Any:
        signed = {name.lower(): SIGNED_IN[name] for name in list(SIGNED_IN)[:2]}
        return boto3.client(service, region_name="eu-west-1", endpoint_url=self.url, **signed)

    def stop(self) -> None:
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()


def told(*parameters: str) -> str:
    """What the check says when it stops a deployment; empty if it does not."""
    try:
        main(["prod", *parameters])
    except SystemExit as refused:
        return str(refused)
    return ""


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Generator[Account]:
    account = Account()
    for name, value in (SIGNED_IN | {"AWS_ENDPOINT_URL": account.url}).items():
        monkeypatch.setenv(name, value)
    yield account
    account.stop()


def test_what_the_stack_reserves_follows_its_parameters() -> None:
    count = reserved(template(), DEFAULTS)
    assert reserved(template(), DEFAULTS | {"IngestConcurrency": "12"}) == count + 10
    assert reserved(template(), DEFAULTS | {"ReservedConcurrency": "0"}) == 0
    assert f"=  {count}" in (ROOT / "docs/operations.md").read_text()


def test_an_account_with_a_small_quota_is_refused_with_the_way_out(account: Account) -> None:
    account.quota = account.unreserved = 10
    refused = told()
    count = reserved(template(), DEFAULTS)
    assert f"reserves {count}" in refused
    assert f"{count + UNRESERVED} are needed" in refused
    assert 'PARAMETERS="ReservedConcurrency=0' in refused
    assert "request-service-quota-increase" in refused
    assert told("ReservedConcurrency=0") == ""


def test_an_update_may_use_what_its_stack_has_reserved(account: Account) -> None:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    role = account.client("iam").create_role(
        RoleName="any", AssumeRolePolicyDocument=json.dumps(trust)
    )
    code = {"ZipFile": "def handler(*_): pass"}
    body = {
        "Parameters": {"ReservedConcurrency": {"Type": "Number"}},
        "Resources": {
            "Function": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "Code": code,
                    "Handler": "index.handler",
                    "Role": role["Role"]["Arn"],
                    "Runtime": "python3.13",
                    "ReservedConcurrentExecutions": 40,
                },
            }
        },
    }
    account.client("cloudformation").create_stack(
        StackName="allowance",
        TemplateBody=json.dumps(body),
        Parameters=[{"ParameterKey": "ReservedConcurrency", "ParameterValue": "5"}],
    )
    needed = reserved(template(), DEFAULTS | {"ReservedConcurrency": "5"}) + UNRESERVED
    account.unreserved = needed - 40
    assert told() == ""
    account.unreserved -= 1
    assert told()


def test_without_credentials_the_check_leaves_the_word_to_sam(
    account: Account, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    account.unreserved = 0
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    assert told() == ""
    assert "was not checked: Unable to locate credentials" in capsys.readouterr().err
