"""API Gateway and Lambda for the built template, with SAM CLI's own classes and without Docker.

This is the only adapter to SAM's internals, so SAM's version is pinned. SAM reads the template,
routes requests, makes events and parses the results. The processes (runner.py) and the HTTP server
(serving.py) are ours.
"""

# SAM's internals have types only in part.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false

import logging
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, TextIO, cast, override

from flask import Flask
from flask import Request as FlaskRequest
from samcli.lib.providers.api_provider import ApiProvider
from samcli.lib.providers.provider import Function
from samcli.lib.providers.sam_function_provider import SamFunctionProvider
from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider
from samcli.lib.telemetry.event import EventTracker
from samcli.lib.utils.name_utils import normalize_sam_function_identifier
from samcli.lib.utils.stream_writer import StreamWriter
from samcli.local.apigw.local_apigw_service import LocalApigwService
from samcli.local.apigw.path_converter import PathConverter
from samcli.local.lambda_service.local_lambda_http_service import LocalLambdaHttpService
from samcli.local.lambdafn.exceptions import FunctionNotFound
from werkzeug.serving import BaseWSGIServer

from local.processes import LOOPBACK
from local.runner import FunctionSpec, Runner
from local.sandbox import Outcome
from local.serving import serve

DEFAULT_TIMEOUT_SECONDS = 3
DEFAULT_MEMORY_MB = 128


TEXT = re.compile(r"text/.+|application/(json|xml|javascript)")
"""The types of bodies that API Gateway passes on as text. It encodes every other body in base64,
one without a type and a form included.
"""


class UnknownToTheLocalStack(Exception):
    """The template contains something that the local stack does not resolve."""


class _ApiService(LocalApigwService):
    """SAM's HTTP API with the bodies of API Gateway.

    SAM itself passes every body on as text, and responds with 502 to bytes that are not UTF-8.
    """

    def __init__(self, api: Any, runner: Any, *, port: int) -> None:
        # SAM encodes all bodies in base64; this class turns text back.
        api.binary_media_types_set = {"*/*"}
        super().__init__(api, runner, port=port, host=LOOPBACK)

    @override
    def _generate_lambda_event(
        self, flask_request: FlaskRequest, route: Any, method: str, endpoint: str
    ) -> dict[str, Any]:
        event: dict[str, Any] = super()._generate_lambda_event(
            flask_request, route, method, endpoint
        )
        body = flask_request.get_data()
        if not body or TEXT.fullmatch(flask_request.mimetype):
            try:
                event |= {"body": body.decode(), "isBase64Encoded": False}
            except UnicodeDecodeError:
                # AWS does not document this case. In base64 the function sees what was sent.
                return event
        return event


class Gateway:
    """The functions of a built template. `call` works at once, HTTP after `serve`."""

    def __init__(
        self,
        template: Path,
        parameters: Mapping[str, str],
        *,
        environment: Mapping[str, str],
        state: Path,
    ) -> None:
        """Read the template with these values of its parameters. `state`: see Runner.

        A function gets the variables of `environment` that the template declares for it, like with
        `sam local --env-vars`.
        """
        _quieten()
        stacks, _ = SamLocalStackProvider.get_stacks(
            str(template.absolute()), parameter_overrides=dict(parameters)
        )
        self._functions = SamFunctionProvider(stacks, ignore_code_extraction_warnings=True)
        self._api = ApiProvider(stacks).api
        specs = (_spec(function, environment) for function in self._functions.get_all())
        self._runner = Runner(specs, state=state)
        self._servers: list[BaseWSGIServer] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(self, name: str, event: str) -> Outcome:
        """Invoke a function by its logical id, without HTTP, and return its result."""
        return self._runner.invoke(name, event)

    def serve(self, api: socket.socket, functions: socket.socket, log: TextIO) -> None:
        """Serve the HTTP API on one bound socket, and Lambda's invoke API on the other."""
        runner = cast("Any", self)
        api_port, lambda_port = api.getsockname()[1], functions.getsockname()[1]
        routes = _application(_ApiService(self._api, runner, port=api_port))
        _route_as_on_aws(routes, self._api)
        invocations = _application(LocalLambdaHttpService(runner, lambda_port, LOOPBACK))
        self._servers += [serve(routes, api, log), serve(invocations, functions, log)]

    def close(self) -> None:
        """Stop serving and end every process."""
        for server in self._servers:
            server.shutdown()
        self._runner.close()

    # SAM's services call these methods of their runner:

    def is_debugging(self) -> bool:
        """Return False: without a debugger, SAM serves many requests at once."""
        return False

    def get_function(self, function_name: str, tenant_id: str | None = None) -> Function:
        """Return a function by logical id, name or ARN. The template has no tenants. Raise
        FunctionNotFound.
        """
        function = self._functions.get(normalize_sam_function_identifier(function_name))
        if function is None:
            raise FunctionNotFound(f"Unable to find a Function with name '{function_name}'")
        return function

    def invoke(
        self,
        function_name: str,
        event: str,
        *,
        stdout: StreamWriter,
        function: Function | None = None,
        **_: object,
    ) -> None:
        """Run a function and write its result to the stream; SAM detects an error by its keys."""
        found = function or self.get_function(function_name)
        stdout.write_str(self._runner.invoke(found.function_id, event).payload)


def _application(service: Any) -> Flask:
    """Return the application of a SAM service. Its own `run` blocks and handles signals."""
    service.create()
    return service._app  # noqa: SLF001


def _spec(function: Function, environment: Mapping[str, str]) -> FunctionSpec:
    """Return the specification of a function. SAM has resolved the references, except those to
    resources that exist only in AWS. Raise UnknownToTheLocalStack.
    """
    variables: dict[str, Any] = (function.environment or {}).get("Variables", {})
    if not function.codeuri or not function.handler:
        raise UnknownToTheLocalStack(f"{function.function_id}: CodeUri or Handler")
    return FunctionSpec(
        name=function.function_id,
        handler=function.handler,
        code=Path(function.codeuri).absolute(),
        layers=tuple(Path(str(layer.codeuri)).absolute() for layer in function.layers),
        variables={name: environment.get(name, _text(value)) for name, value in variables.items()},
        timeout_seconds=function.timeout or DEFAULT_TIMEOUT_SECONDS,
        memory_mb=function.memory or DEFAULT_MEMORY_MB,
        log_format=(function.logging_config or {}).get("LogFormat", "Text"),
    )


def _text(value: object) -> str:
    """Return a YAML scalar as CloudFormation passes it on. A reference to a resource in AWS becomes
    empty, like in `sam local`.
    """
    if isinstance(value, dict | list):
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _route_as_on_aws(application: Flask, api: Any) -> None:
    """Turn off what Flask does and API Gateway does not.

    In API Gateway `/route/` and `/a//b` are other paths than `/route` and `/a/b`, and a GET route
    does not serve HEAD: all of these go to $default.
    """
    head = {
        PathConverter.convert_path_to_flask(route.path)
        for route in api.routes
        if "HEAD" in route.methods
    }
    catch_all = {"/", "/<path:any_path>"}
    application.url_map.merge_slashes = False
    for rule in application.url_map.iter_rules():
        rule.strict_slashes = True
        if rule.methods is not None and rule.endpoint not in head | catch_all:
            rule.methods.discard("HEAD")


def _quieten() -> None:
    """Turn off SAM's usage data (it counts every request, and looks for Docker to report it) and
    its warning for every 204.
    """
    cast("Any", EventTracker).track_event = lambda *_, **__: None
    logging.getLogger("samcli").setLevel(logging.ERROR)
