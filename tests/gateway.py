"""An API Gateway in memory: it builds the documented events and calls the handlers.

The events are those of HTTP APIs, payload 2.0.

Routing uses the routes that the handlers declare, which tests/infra compares with template.yaml.
"""

import base64
import importlib
import json
import re
import uuid
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from tests.dollars import without_dollars

FUNCTIONS = Path(__file__).parents[1] / "functions"
JOBS = (
    "seed_prices",
    "import_directory",
    "ingest_usage",
    "import_usage",
    "rerate_usage",
    "attribute_usage",
    "deliver_alerts",
    "export_spend",
    "expire_usage",
    "expire_overrides",
)


@dataclass(frozen=True)
class Context:
    """What Lambda passes with the event."""

    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    function_name: str = "test"
    memory_limit_in_mb: int = 512
    log_stream_name: str = "2026/11/22/test[$LATEST]0"
    invoked_function_arn: str = "arn:aws:lambda:eu-west-1:123456789012:function:test"


MAX_RESPONSE_BYTES = 6_291_556
"""The largest response of a Lambda that is invoked synchronously."""


@dataclass(frozen=True)
class Answer:
    """The response that the client receives."""

    status: int
    headers: dict[str, str]
    body: str

    def json(self) -> Any:
        """The document without the dollars beside each amount, which are checked."""
        return without_dollars(json.loads(self.body))

    @property
    def lambda_bytes(self) -> int:
        """The bytes of the Lambda's response, in which the body is text. Python's runtime for
        Lambda leaves characters beyond ASCII as they are.
        """
        made = {"statusCode": self.status, "headers": self.headers, "body": self.body}
        return len(json.dumps(made, ensure_ascii=False).encode())


@cache
def handlers() -> list[Any]:
    """The modules of functions that serve routes."""
    return [
        importlib.import_module(path.stem)
        for path in sorted(FUNCTIONS.glob("*.py"))
        if path.stem not in JOBS
    ]


@cache
def routes() -> dict[tuple[str, str], Any]:
    """(method, path template) -> module, for every route of every function."""
    return {
        (route.method, route.path): module
        for module in handlers()
        for route in module.app.routes.values()
    }


def event(
    method: str,
    path: str,
    *,
    template: str | None = None,
    segments: dict[str, str] | None = None,
    query: str = "",
    headers: dict[str, str] | None = None,
    body: str | bytes | None = None,
) -> dict[str, Any]:
    """The event of a request. Without a template, API Gateway's match of method and path.

    Reference: docs.aws.amazon.com, "Create AWS Lambda proxy integrations for HTTP APIs".
    """
    template = template or _match(method, path)[0]
    route_key = "$default" if template == "$default" else f"{method} {template}"
    lowered = {"host": "api.example.com", "user-agent": "test"} | {
        k.lower(): v for k, v in (headers or {}).items()
    }
    made: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": path,
        "rawQueryString": query,
        "headers": lowered,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api-id",
            "domainName": "id.execute-api.us-east-1.amazonaws.com",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "test",
            },
            "requestId": f"{uuid.uuid4().hex[:15]}=",
            "routeKey": route_key,
            "stage": "$default",
            "time": "22/Nov/2026:06:00:00 +0000",
            "timeEpoch": 1795413600000,
        },
        "isBase64Encoded": isinstance(body, bytes),
    }
    if segments:
        made["pathParameters"] = segments
    if body is not None:
        made["body"] = base64.b64encode(body).decode() if isinstance(body, bytes) else body
    return made


@dataclass(frozen=True)
class Client:
    """A caller with a token, or without one."""

    token: str | None = None

    def get(self, path: str, **more: Any) -> Answer:
        return self.send("GET", path, **more)

    def put(self, path: str, body: object, **more: Any) -> Answer:
        """An object is sent as JSON, text and bytes as they are."""
        return self.send(
            "PUT", path, body=body if isinstance(body, str | bytes) else json.dumps(body), **more
        )

    def post(self, path: str, body: object = None, **more: Any) -> Answer:
        """Like put; None sends no body."""
        sent = body if body is None or isinstance(body, str | bytes) else json.dumps(body)
        return self.send("POST", path, body=sent, **more)

    def delete(self, path: str, **more: Any) -> Answer:
        return self.send("DELETE", path, **more)

    def send(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str] | None = None,
        body: str | bytes | None = None,
    ) -> Answer:
        sent = {"authorization": f"Bearer {self.token}"} if self.token else {}
        if body is not None:
            sent["content-type"] = "application/json"
        sent |= headers or {}
        raw_path, _, query = path.partition("?")
        template, segments, module = _match(method, raw_path)
        made = event(
            method,
            unquote(raw_path),
            template=template,
            segments=segments,
            query=query,
            headers={name: value for name, value in sent.items() if value},
            body=body,
        )
        return answer_of(module.handler(made, Context()))


def answer_of(result: dict[str, Any]) -> Answer:
    assert json.loads(json.dumps(result)) == result, "a Lambda returns JSON"
    return Answer(result["statusCode"], result["headers"], result["body"])


def _match(method: str, path: str) -> tuple[str, dict[str, str], Any]:
    for (its_method, template), module in routes().items():
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(template))
        pattern = re.sub(r"\\\{(\w+)\\\+\\\}", r"(?P<\1>.+)", pattern)
        if its_method == method and (found := re.fullmatch(pattern, path)):
            return (
                template,
                {name: unquote(value) for name, value in found.groupdict().items()},
                module,
            )
    return "$default", {}, routes()["ANY", "$default"]
