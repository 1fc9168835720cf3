"""Run a command against `sam local`: Postgres in a container, and SAM's own start-api and
start-lambda.

    python -m local.docker.stack COMMAND...

The variable STACK is the path of the stack's description, as `make run` writes it. The script
needs a Docker engine and the built template. It ends everything that it started.
"""

import contextlib
import json
import os
import platform
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import boto3
import psycopg

from local.demo import prepare
from local.processes import LOOPBACK, free_port, write_private_json

TEMPLATE = Path(".local/build/template.yaml")
IMAGE = "postgres:16"
NETWORK_NAME_OF_POSTGRES = "postgres"
START_SECONDS = 60


def docker(*arguments: str) -> str:
    """Return the output of a docker command."""
    program = shutil.which("docker") or sys.exit("docker is not installed")
    return subprocess.run(
        [program, *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


@contextlib.contextmanager
def network(name: str) -> Generator[None]:
    """Provide a network on which the functions reach Postgres by name."""
    docker("network", "create", name)
    try:
        yield
    finally:
        docker("network", "rm", name)


@contextlib.contextmanager
def postgres(name: str, password: str) -> Generator[str]:
    """Run Postgres in a container. Return the owner's connection URL for this machine."""
    port = free_port()
    settings = {
        "POSTGRES_USER": "allowance_owner",
        "POSTGRES_PASSWORD": password,
        "POSTGRES_DB": "allowance",
    }
    options = [part for key, value in settings.items() for part in ("--env", f"{key}={value}")]
    network_options = [
        "--network",
        name,
        "--network-alias",
        NETWORK_NAME_OF_POSTGRES,
        "--publish",
        f"{LOOPBACK}:{port}:5432",
    ]
    container = docker("run", "--detach", *network_options, *options, IMAGE)
    try:
        url = f"postgresql://allowance_owner:{password}@{LOOPBACK}:{port}/allowance"
        _wait_for(lambda: psycopg.connect(url, connect_timeout=2).close(), psycopg.OperationalError)
        yield url
    finally:
        docker("rm", "--force", "--volumes", container)


@contextlib.contextmanager
def sam_local(
    command: str, name: str, parameters: dict[str, str], variables: Path, log: Path
) -> Generator[int]:
    """Run `sam local start-api` or `start-lambda`, and return its port. `variables` is the file for
    `--env-vars`.
    """
    port = free_port()
    overrides = [f"{key}={value}" for key, value in parameters.items()]
    options = [
        "--template",
        str(TEMPLATE),
        "--docker-network",
        name,
        "--warm-containers",
        "LAZY",
        "--skip-pull-image",
        "--env-vars",
        str(variables),
    ]
    sam = Path(sys.executable).with_name("sam")
    with log.open("w") as output:
        process = subprocess.Popen(
            [
                str(sam),
                "local",
                command,
                "--port",
                str(port),
                *options,
                "--parameter-overrides",
                *overrides,
            ],
            stdout=output,
            stderr=output,
        )
        try:
            _wait_for(
                lambda: socket.create_connection((LOOPBACK, port)).close(), ConnectionRefusedError
            )
            yield port
        finally:
            # On TERM it removes its containers. A job in the background would ignore INT.
            process.send_signal(signal.SIGTERM)
            process.wait(START_SECONDS)


def main(command: list[str]) -> int:
    """Return the exit code of the command."""
    name, owner_password, password = (secrets.token_hex(8) for _ in range(3))
    inside = f"{NETWORK_NAME_OF_POSTGRES}:5432/allowance"
    parameters = {
        "AlertEventBus": "none",
        "AlertTopic": "none",
        "Architecture": "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64",
        "Database": "existing",
    }
    # A function gets the variables that the template declares for it. Only Migrate declares the
    # owner's. The other URL names no user, because each function logs in by its own role.
    environment = {
        "DATABASE_URL": f"postgresql://:{password}@{inside}",
        "OWNER_DATABASE_URL": f"postgresql://allowance_owner:{owner_password}@{inside}",
    }
    with contextlib.ExitStack() as started:
        state = Path(started.enter_context(tempfile.TemporaryDirectory(prefix="allowance-docker-")))
        variables = state / "variables.json"
        write_private_json(variables, {"Parameters": environment})
        started.enter_context(network(f"allowance-{name}"))
        database_url = started.enter_context(postgres(f"allowance-{name}", owner_password))
        lambda_port, api_port = (
            started.enter_context(
                sam_local(each, f"allowance-{name}", parameters, variables, state / f"{each}.log")
            )
            for each in ("start-lambda", "start-api")
        )
        urls = {
            "api_url": f"http://{LOOPBACK}:{api_port}",
            "lambda_url": f"http://{LOOPBACK}:{lambda_port}",
        }
        invoke(urls["lambda_url"], "Migrate", {})
        invoke(urls["lambda_url"], "SeedPrices", {})
        demo = prepare(
            lambda document: invoke(urls["lambda_url"], "ImportDirectory", document),
            api_port,
            state / "tokens.json",
        )
        write_private_json(
            state / "stack.json", {**urls, "database_url": database_url, **asdict(demo)}
        )
        return subprocess.run(
            command, env=os.environ | {"STACK": str(state / "stack.json")}, check=False
        ).returncode


def invoke(lambda_url: str, name: str, event: dict[str, Any]) -> dict[str, Any]:
    """Invoke a function as an operator does, and return its result. Exit if it fails."""
    client: Any = boto3.client(  # pyright: ignore[reportUnknownMemberType]
        "lambda",
        endpoint_url=lambda_url,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 (SAM checks neither)
    )
    response = client.invoke(FunctionName=name, Payload=json.dumps(event))
    payload: dict[str, Any] = json.loads(response["Payload"].read())
    if "FunctionError" in response:
        sys.exit(f"{name} failed: {payload}")
    return payload


def _wait_for(attempt: Any, not_yet: type[Exception]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return attempt()
        except not_yet:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
